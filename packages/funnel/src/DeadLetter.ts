/**
 * The jobs that were given up. They are in the queue `<name>.dead`, each in a letter that says why.
 *
 * Each node is asked for its letters by itself, and nothing here waits for jobs to come: QPEEK shows the front of the queue of a
 * node, and SHOW the letters whose ids are given. If those are not enough, JSCAN goes through all jobs that the node knows. A node
 * that does not answer is left out, and the log says so; if no node answers, the effect fails. A job in `<name>.dead` that is not a
 * letter stays there untouched; `redrive` and `purge` log how many such jobs they saw.
 *
 * `redrive` and `purge` take letters one by one, by DEQUEUE: the other letters are neither hidden nor delivered meanwhile. If several
 * programs want the same letter, one of them gets it.
 *
 * @since 0.1.0
 */
import {
  type AddJobError,
  type AddJobOptions,
  type CommandError,
  DisquePool,
  type InvalidArgument,
  JobId,
  type JobQueue
} from "@disco/core"
import { deadQueueOf } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { drain } from "./deadLetter/drain.js"
import { listed } from "./deadLetter/list.js"
import { Chooser, type Entry, type Selection, type TypedEntry, withPayload } from "./deadLetter/selection.js"
import { bodyOf, type Letter } from "./worker/letter.js"

export type { Entry, Selection, TypedEntry } from "./deadLetter/selection.js"
export type { Letter, Reason } from "./worker/letter.js"

type AnyQueue = JobQueue.JobQueue<unknown, unknown, unknown>

const deadOf = (queue: string | AnyQueue): string => deadQueueOf(typeof queue === "string" ? queue : queue.name)

const chooserOf = (queue: string | AnyQueue, options: Selection<never>, wantsPayload: boolean) =>
  Chooser.make(
    // By the overloads below, a predicate of payloads comes with a `JobQueue`.
    options as Selection,
    typeof queue === "string" || !wantsPayload ? Effect.succeed : withPayload(queue)
  )

/**
 * Lists letters without taking them: the oldest ones, in the order of their `lastAt`; by default at most 100, or as many as there are
 * `ids`. For a `JobQueue`, each entry has the payload of its job too. A letter that another client has taken is not listed.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { DeadLetter } from "@disco/funnel"
 * import { Console, Effect, Either, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const program = Effect.gen(function* () {
 *   const entries = yield* DeadLetter.list(emails, { limit: 10, where: ({ letter }) => letter.reason === "failed" })
 *   for (const { letter, payload } of entries) {
 *     const to = Either.isRight(payload) ? payload.right.to : "nobody"
 *     yield* Console.log(`to ${to}: ${letter.error} after ${letter.attempts} attempts`)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export function list<A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  options?: Selection<TypedEntry<A>>
): Effect.Effect<ReadonlyArray<TypedEntry<A>>, CommandError | InvalidArgument, DisquePool | R>
export function list(
  queue: string,
  options?: Selection
): Effect.Effect<ReadonlyArray<Entry>, CommandError | InvalidArgument, DisquePool>
export function list(
  queue: string | AnyQueue,
  options: Selection<never> = {}
): Effect.Effect<ReadonlyArray<Entry>, CommandError | InvalidArgument, unknown> {
  return Effect.gen(function* () {
    const pool = yield* DisquePool
    return yield* listed(pool, deadOf(queue), yield* chooserOf(queue, options, true))
  })
}

const drained = <E>(
  queue: string | AnyQueue,
  options: Selection<never>,
  act: (pool: DisquePool.Service, entry: Entry) => Effect.Effect<unknown, E>
) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    // Payloads are decoded only for a predicate.
    const chooser = yield* chooserOf(queue, options, options.where !== undefined)
    return yield* drain(pool, deadOf(queue), chooser, (entry) => act(pool, entry))
  })

// What Disque holds: seconds of RETRY in 32 bits of milliseconds, of TTL in 31 bits.
const mostRetrySeconds = 4_294_967
const mostTtlSeconds = 2_147_483_647

/** A time of a letter as ADDJOB takes it, at least a second; undefined if the letter has none. */
const seconds = (said: number | undefined, most: number): Duration.Duration | undefined =>
  said !== undefined && said > 0 ? Duration.seconds(Math.min(Math.max(Math.round(said), 1), most)) : undefined

const defaultTtl = Duration.days(7)

const isZero = (input: Duration.DurationInput | undefined): boolean =>
  Option.exists(Duration.decodeUnknown(input), (duration) => Duration.equals(duration, Duration.zero))

/** The options to add the job of a letter with: as it was added at first, or as its queue adds jobs if the letter does not say. */
const optionsOf = (queue: string | AnyQueue, { id, retry: said, ttl: lived }: Letter): AddJobOptions => {
  // A job that was added with a delay has had its delay.
  const { retry: usual, ...usually }: AddJobOptions =
    typeof queue === "string" ? {} : queue.addOptions({ delay: undefined })
  const ttl = seconds(lived, mostTtlSeconds) ?? usually.ttl ?? defaultTtl
  const isAtMostOnce = said === undefined ? JobId.isJobId(id) && !JobId.isAtLeastOnce(id) : said === 0
  // A cluster refuses a job with RETRY 0 that has more than one copy.
  if (isAtMostOnce) return { ...usually, ttl, retry: 0, replicate: 1 }
  const retry = seconds(said, mostRetrySeconds) ?? (isZero(usual) ? undefined : usual)
  return { ...usually, ttl, retry }
}

/**
 * Adds jobs that were given up to their queues again, by ADDJOB, and acknowledges their letters. Gives the number of jobs. By default
 * these are all letters that a node has when it is asked. With `limit` alone, the oldest letters of a node go first, and one node
 * comes after the other.
 *
 * A job is added as it was at first, with no attempts, its whole TTL, and without a delay. Options that its letter does not know are
 * those of the `JobQueue`, if one is given; a TTL that neither knows is 7 days. An at-most-once job is added with `retry: 0` and
 * `replicate: 1`.
 *
 * 16 letters are taken at a time, by DEQUEUE and WORKING, and acknowledged by ACKJOB. If a job cannot be added, `redrive` fails as
 * ADDJOB does. Then, and if `redrive` is interrupted, the letters in hand go back by ENQUEUE, which counts as an additional delivery
 * of the letter. An interruption waits for that for at most 5 seconds. If ENQUEUE fails too, the log says so, and the letter comes
 * again after its retry time.
 *
 * So no job is lost, but a job may be in both queues: if `redrive` is interrupted while the job is added, if it is unknown whether it
 * was added (`OutcomeUnknown`), or if its letter cannot be acknowledged. A letter that was itself added with RETRY 0, which a `Worker`
 * does not do, goes back as a copy.
 *
 * @example
 * ```ts
 * import { DeadLetter } from "@disco/funnel"
 * import { Console, Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const one = yield* DeadLetter.redrive("emails", { ids: "D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1" })
 *   const crashed = yield* DeadLetter.redrive("emails", { limit: 100, where: ({ letter }) => letter.reason === "crashed" })
 *   yield* Console.log(`${one + crashed} jobs are on their way again`)
 * })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export function redrive<A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  options?: Selection<TypedEntry<A>>
): Effect.Effect<number, AddJobError, DisquePool | R>
export function redrive(queue: string, options?: Selection): Effect.Effect<number, AddJobError, DisquePool>
export function redrive(
  queue: string | AnyQueue,
  options: Selection<never> = {}
): Effect.Effect<number, AddJobError, unknown> {
  return drained(queue, options, (pool, { letter }) =>
    pool.addJob(letter.queue, bodyOf(letter), optionsOf(queue, letter))
  )
}

/**
 * Deletes letters and the jobs in them, by DEQUEUE, WORKING and ACKJOB. Gives the number of letters. By default these are all letters
 * that a node has when it is asked. With `limit` alone, the oldest letters of a node go first, and one node comes after the other.
 *
 * @example
 * ```ts
 * import { DeadLetter } from "@disco/funnel"
 *
 * // A body that does not fit the schema today will not fit it tomorrow.
 * const program = DeadLetter.purge("emails", { where: ({ letter }) => letter.reason === "undecodable" })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export function purge<A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  options?: Selection<TypedEntry<A>>
): Effect.Effect<number, CommandError | InvalidArgument, DisquePool | R>
export function purge(
  queue: string,
  options?: Selection
): Effect.Effect<number, CommandError | InvalidArgument, DisquePool>
export function purge(
  queue: string | AnyQueue,
  options: Selection<never> = {}
): Effect.Effect<number, CommandError | InvalidArgument, unknown> {
  return drained(queue, options, () => Effect.void)
}
