/** The jobs that were added in a test, with their payloads. */
import type { JobId, JobQueue } from "@disco/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type DiscoTest, type Harness, harness } from "../harness.js"
import type { Entry } from "../wire/ledger.js"

/**
 * A job that was added in a test.
 *
 * @since 0.1.0
 * @category models
 */
export interface Added<A> {
  readonly id: JobId.JobId
  readonly queue: string
  readonly payload: A
  /** When it was added. */
  readonly at: DateTime.Utc
  /** No time if there is none. */
  readonly delay: Duration.Duration
  /** As it was asked for; `undefined` if the node chose it. */
  readonly retry: Duration.Duration | undefined
  readonly ttl: Duration.Duration
  /** As it was asked for; `undefined` if the node chose it. */
  readonly replicate: number | undefined
  readonly maxLen: number | undefined
  /** How often it was delivered until now. */
  readonly deliveries: number
  /** Whether it is done: it was acknowledged, and does not go on elsewhere. */
  readonly isAcknowledged: boolean
}

export const toAdded = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  entry: Entry
): Effect.Effect<Added<A>, JobQueue.InvalidPayload, R> => {
  const id = entry.id as JobId.JobId
  return Effect.map(queue.decode({ queue: entry.queue, id, body: entry.body }), (payload) => ({
    id,
    queue: entry.queue,
    payload,
    at: DateTime.unsafeMake(entry.at),
    delay: Duration.seconds(entry.delay),
    retry: entry.retry === undefined ? undefined : Duration.seconds(entry.retry),
    ttl: Duration.seconds(entry.ttl),
    replicate: entry.replicate,
    maxLen: entry.maxLen,
    deliveries: entry.deliveries,
    isAcknowledged: entry.acknowledgedAt !== undefined
  }))
}

/** The jobs of a queue of which something holds, once nothing moves. */
export const having = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  holds: (entry: Entry, test: Harness) => boolean
): Effect.Effect<ReadonlyArray<Added<A>>, JobQueue.InvalidPayload, DiscoTest | R> =>
  Effect.flatMap(harness, (test) =>
    Effect.flatMap(test.clock.idle, () =>
      Effect.forEach(
        test.wire.ledger.of(queue.name).filter((entry) => holds(entry, test)),
        (entry) => toAdded(queue, entry)
      )
    )
  )

/**
 * All jobs that were added to a queue since the test began, in their order, whatever became of them. It waits until nothing moves.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const test = Effect.gen(function* () {
 *   yield* emails.add(yield* DisquePool, { to: "ada@example.com" })
 *   const added = yield* DiscoTest.enqueued(emails)
 *   return added.map(({ payload }) => payload.to)
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category jobs
 */
export const enqueued = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>
): Effect.Effect<ReadonlyArray<Added<A>>, JobQueue.InvalidPayload, DiscoTest | R> => having(queue, () => true)

/**
 * The jobs of a queue that are done: they were acknowledged. A job that a worker moves to its queue for retries is not, until one of
 * its retries is done. It waits until nothing moves.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const test = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   for (const to of ["ada@example.com", "nobody"]) yield* emails.add(pool, { to })
 *   yield* DiscoTest.drain(emails, ({ to }) => (to.includes("@") ? Effect.void : Effect.fail("no address")))
 *   const done = yield* DiscoTest.acknowledged(emails)
 *   const returned = yield* DiscoTest.putBack(emails)
 *   return { done: done.length, returned: returned.length }
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category jobs
 */
export const acknowledged = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>
): Effect.Effect<ReadonlyArray<Added<A>>, JobQueue.InvalidPayload, DiscoTest | R> =>
  having(queue, ({ acknowledgedAt }) => acknowledgedAt !== undefined)

/**
 * The jobs of a queue that a consumer put back, by NACK (a failure) or by ENQUEUE (a worker that closes). It waits until nothing
 * moves.
 *
 * @see {@link acknowledged}
 * @since 0.1.0
 * @category jobs
 */
export const putBack = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>
): Effect.Effect<ReadonlyArray<Added<A>>, JobQueue.InvalidPayload, DiscoTest | R> =>
  having(queue, ({ putBack }) => putBack.length > 0)
