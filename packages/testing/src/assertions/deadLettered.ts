import type { JobId, JobQueue } from "@disco/core"
import type { DeadLetter } from "@disco/funnel"
import * as Effect from "effect/Effect"
import { type DiscoTest, harness } from "../harness.js"
import { type Added, toAdded } from "./added.js"

/**
 * A job that was given up.
 *
 * @since 0.1.0
 * @category models
 */
export interface Dead<A> extends Added<A> {
  /** Its letter in the queue `<name>.dead`: why, after how many attempts, with which error. */
  readonly letter: DeadLetter.Letter
  /** The id of the letter. */
  readonly letterId: JobId.JobId
}

/**
 * The jobs of a queue that its worker gave up, each with its letter. It waits until nothing moves.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.String })
 *
 * const test = Effect.gen(function* () {
 *   yield* Worker.make(emails, () => Worker.giveUp("no such address"))
 *   yield* emails.add(yield* DisquePool, "nobody")
 *   const [dead] = yield* DiscoTest.deadLettered(emails)
 *   return [dead?.payload, dead?.letter.error]
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category jobs
 */
export const deadLettered = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>
): Effect.Effect<ReadonlyArray<Dead<A>>, JobQueue.InvalidPayload, DiscoTest | R> =>
  Effect.flatMap(harness, ({ clock, wire }) =>
    Effect.flatMap(clock.idle, () =>
      Effect.forEach(
        wire.ledger.of(queue.name).flatMap((entry) => (entry.dead === undefined ? [] : [{ entry, dead: entry.dead }])),
        ({ dead, entry }) =>
          Effect.map(toAdded(queue, entry), (added) => ({
            ...added,
            letter: JSON.parse(dead.text) as DeadLetter.Letter,
            letterId: dead.id as JobId.JobId
          }))
      )
    )
  )
