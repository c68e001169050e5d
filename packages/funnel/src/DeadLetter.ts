/**
 * The jobs that were given up: they are in the queue `<name>.dead`, each in a letter that says why.
 */
import {
  type AddJobError,
  type CommandError,
  DisquePool,
  type GetJobsError,
  InvalidArgument,
  type Job
} from "@disco/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SettleError } from "./incoming/inbox.js"
import { deadQueue, enclosed, fromJob, type Letter } from "./worker/letter.js"

export type { Letter, Reason } from "./worker/letter.js"

/** A queue, by its name or as it is described. */
export type QueueRef = string | { readonly name: string }

const nameOf = (queue: QueueRef): string => (typeof queue === "string" ? queue : queue.name)

/** A letter, and the id of the job that it is now. */
export interface Entry {
  readonly id: string
  readonly letter: Letter
}

/**
 * QPEEK on every node: the oldest letters, 100 at most unless told otherwise, without taking them. A node that does not answer
 * is left out, and said in the log; where none does, the listing fails. What is in the queue and is no letter is left out too.
 */
export const list = (
  queue: QueueRef,
  options: { readonly limit?: number | undefined } = {}
): Effect.Effect<ReadonlyArray<Entry>, CommandError | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const name = deadQueue(nameOf(queue))
    const limit = options.limit ?? 100
    if (!Number.isInteger(limit) || limit < 1) return yield* refuseLimit(limit)
    const { nodes } = yield* pool.health
    const [refusals, peeked] = yield* Effect.partition(
      nodes,
      ({ address }) => Effect.mapError(pool.on(address).peek(name, { count: limit }), (error) => ({ address, error })),
      { concurrency: "unbounded" }
    )
    const [first] = refusals
    if (first !== undefined && peeked.length === 0) return yield* Effect.fail(first.error)
    for (const { address, error } of refusals) {
      yield* Effect.logWarning(`letters of ${JSON.stringify(name)} on ${address} are not listed: ${error.message}`)
    }
    const entries = new Map<string, Entry>()
    for (const job of peeked.flat()) {
      const letter = yield* Effect.option(fromJob(job))
      if (Option.isSome(letter)) entries.set(job.id, { id: job.id, letter: letter.value })
    }
    return [...entries.values()].sort((a, b) => a.letter.lastAt.localeCompare(b.letter.lastAt)).slice(0, limit)
  })

const refuseLimit = (limit: number): InvalidArgument =>
  new InvalidArgument({
    subject: "DeadLetter",
    argument: "limit",
    value: String(limit),
    expected: "a whole number, 1 or more"
  })

// How long to look for more: other nodes are asked for theirs meanwhile.
const lookFor = "250 millis"
const chunk = 64

/** Deals with jobs; gives those that it has no business with. */
type Deal<E> = (pool: DisquePool["Type"], jobs: ReadonlyArray<Job.Job>) => Effect.Effect<ReadonlyArray<Job.Job>, E>

/** Takes letters until there are no more, or enough. Gives how many were dealt with. */
const drain = <E>(
  queue: QueueRef,
  limit: number,
  deal: Deal<E>
): Effect.Effect<number, E | GetJobsError | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    if (Number.isNaN(limit) || limit < 1) return yield* refuseLimit(limit)
    const pool = yield* DisquePool
    const name = deadQueue(nameOf(queue))
    const foreign: Array<Job.Job> = []
    // Not before the end, or they would be taken again and again.
    const putBack = Effect.suspend(() => {
      if (foreign.length === 0) return Effect.void
      const warning = Effect.logWarning(`jobs that are no letters stay in ${JSON.stringify(name)}: ${foreign.length}`)
      return Effect.zipRight(warning, Effect.ignoreLogged(pool.enqueueJob(foreign)))
    })
    const taking = Effect.gen(function* () {
      let taken = 0
      while (taken < limit) {
        const got = yield* takeAndDeal(pool, name, Math.min(chunk, limit - taken), deal, foreign)
        if (got === 0) break
        taken += got
      }
      return taken - foreign.length
    })
    return yield* Effect.ensuring(taking, putBack)
  })

// What was taken goes back where dealing with it fails or is interrupted.
const takeAndDeal = <E>(
  pool: DisquePool["Type"],
  name: string,
  count: number,
  deal: Deal<E>,
  foreign: Array<Job.Job>
) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(pool.getJobs(name, { count, timeout: lookFor })), (jobs) =>
      jobs.length === 0
        ? Effect.succeed(0)
        : Effect.matchCauseEffect(restore(deal(pool, jobs)), {
            onFailure: (cause) => Effect.zipRight(Effect.ignoreLogged(pool.enqueueJob(jobs)), Effect.failCause(cause)),
            onSuccess: (others) => {
              foreign.push(...others)
              return Effect.succeed(jobs.length)
            }
          })
    )
  )

/**
 * Adds jobs that were given up to their queues again, as they were, with all their attempts before them. Gives how many there
 * were. Where it is interrupted between the two steps of one, that job may be in both queues. What is no letter stays there.
 */
export const redrive = (
  queue: QueueRef,
  options: { readonly limit?: number | undefined } = {}
): Effect.Effect<number, AddJobError | GetJobsError | SettleError, DisquePool> =>
  drain(queue, options.limit ?? Number.POSITIVE_INFINITY, (pool, jobs) =>
    Effect.gen(function* () {
      const foreign: Array<Job.Job> = []
      for (const job of jobs) {
        const letter = yield* Effect.option(fromJob(job))
        if (Option.isNone(letter)) {
          foreign.push(job)
          continue
        }
        const { queue, retry, ttl } = letter.value
        yield* pool.addJob(queue, enclosed(letter.value), {
          ...(retry === undefined ? {} : { retry: `${retry} seconds` }),
          ...(ttl === undefined || ttl < 1 ? {} : { ttl: `${ttl} seconds` })
        })
        yield* pool.ackJob(job)
      }
      return foreign
    })
  )

/** Acknowledges jobs that were given up: they are gone. Gives how many there were. */
export const purge = (
  queue: QueueRef,
  options: { readonly limit?: number | undefined } = {}
): Effect.Effect<number, GetJobsError | SettleError, DisquePool> =>
  drain(queue, options.limit ?? Number.POSITIVE_INFINITY, (pool, jobs) => Effect.as(pool.ackJob(jobs), []))
