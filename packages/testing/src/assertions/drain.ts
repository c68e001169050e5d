/** Working through a queue in a test. */
import { DisquePool, type GetJobsError, type Job, type JobId, type JobQueue, type RawError } from "@disco/core"
import { Worker } from "@disco/funnel"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type DiscoTest, type Harness, harness } from "../harness.js"
import type { Entry } from "../wire/ledger.js"

/**
 * What `drain` works through.
 *
 * @since 0.1.0
 * @category options
 */
export interface DrainOptions {
  /** Whether delayed jobs are done too: time passes until they are due. Default: no. */
  readonly scheduled?: boolean | undefined
  /** Whether jobs are done too that were added meanwhile, by handlers perhaps. Default: no. */
  readonly recursive?: boolean | undefined
  /** The most jobs that are done. Default: all. */
  readonly limit?: number | undefined
}

/**
 * What `drain` has done.
 *
 * @since 0.1.0
 * @category models
 */
export interface Drained<A, E> {
  /** How many jobs were done, and acknowledged. */
  readonly succeeded: number
  /** How many failed, and were put back. */
  readonly failed: number
  readonly failures: ReadonlyArray<{
    readonly id: JobId.JobId
    /** `undefined` if the body does not fit the schema of the queue. */
    readonly payload: A | undefined
    readonly cause: Cause.Cause<E | JobQueue.InvalidPayload>
  }>
}

/** The jobs that are to be done: those whose time has not come, only if they are wanted. */
const left = (
  { clock, wire }: Harness,
  queue: string,
  { recursive = false, scheduled = false }: DrainOptions,
  known: ReadonlySet<string>,
  done: ReadonlySet<string>
): ReadonlyArray<Entry> =>
  wire.ledger.of(queue).filter(({ acknowledgedAt, at, dead, delay, id }) => {
    const isOpen = acknowledgedAt === undefined && dead === undefined && !done.has(id)
    const isDue = at + delay * 1000 <= clock.unsafeCurrentTimeMillis()
    return isOpen && (recursive || known.has(id)) && (scheduled || isDue)
  })

/**
 * Does the jobs that wait in a queue, one after the other, each once: what a worker would do, without a worker. Each job is taken,
 * decoded, handled, and acknowledged if its handler succeeds. Jobs that fail are put back in the end, by NACK. The errors of handlers
 * are in the result.
 *
 * Where a worker runs in the test, use `advance`.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { assert, it } from "@effect/vitest"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.String })
 *
 * it.effect("mails without an address fail", () =>
 *   Effect.gen(function* () {
 *     const pool = yield* DisquePool
 *     yield* emails.add(pool, "ada@example.com")
 *     yield* emails.add(pool, "", { delay: "1 hour" })
 *     const { failed, succeeded } = yield* DiscoTest.drain(
 *       emails,
 *       (to) => (to === "" ? Effect.fail("no address") : Effect.void),
 *       { scheduled: true }
 *     )
 *     assert.deepStrictEqual([succeeded, failed], [1, 1])
 *   }).pipe(Effect.provide(DiscoTest.layer()))
 * )
 * ```
 *
 * @since 0.1.0
 * @category handlers
 */
export const drain = <A, I, RQ, E, R>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: Worker.JobInHand) => Effect.Effect<unknown, E, R>,
  options: DrainOptions = {}
): Effect.Effect<Drained<A, E>, GetJobsError | RawError, DiscoTest | DisquePool | Exclude<R, Worker.CurrentJob> | RQ> =>
  Effect.gen(function* () {
    const test = yield* harness
    const pool = yield* DisquePool
    const { clock, wire } = test
    yield* clock.idle
    const known = new Set(wire.ledger.of(queue.name).map(({ id }) => id))
    const done = new Set<string>()
    const failures: Array<Drained<A, E>["failures"][number]> = []
    const back: Array<Job.Job> = []
    const limit = options.limit ?? Number.POSITIVE_INFINITY

    const handle = (payload: A, job: Job.Job) => {
      const inHand: Worker.JobInHand = { job, attempt: job.nacks + 1, ack: Effect.orDie(pool.ackJob(job)) }
      return Effect.provideService(handler(payload, inHand), Worker.CurrentJob, inHand)
    }

    while (done.size < limit) {
      const waiting = left(test, queue.name, options, known, done)
      if (waiting.length === 0) break
      const due = Math.min(...waiting.map(({ at, delay }) => at + delay * 1000))
      if (due > clock.unsafeCurrentTimeMillis()) {
        yield* clock.setTime(due)
        continue
      }
      const [job] = yield* pool.getJobs(queue.name, { timeout: 0 })
      // Somebody else has it, or its queue gives none.
      if (job === undefined) break
      done.add(wire.ledger.find(job.id)?.id ?? job.id)
      const opened = yield* Effect.exit(queue.open(job))
      const payload = Exit.isSuccess(opened) ? opened.value.payload : undefined
      const exit: Exit.Exit<unknown, E | JobQueue.InvalidPayload> = Exit.isSuccess(opened)
        ? yield* Effect.exit(handle(opened.value.payload, job))
        : opened
      if (Exit.isSuccess(exit)) {
        yield* pool.ackJob(job)
      } else {
        back.push(job)
        failures.push({ id: job.id, payload, cause: exit.cause })
      }
    }
    if (back.length > 0) yield* pool.nackJob(back)
    return { succeeded: done.size - failures.length, failed: failures.length, failures }
  })
