/** Time in a test. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type DiscoTest, harness } from "./harness.js"

/**
 * Lets time pass. It goes from timer to timer, and waits at each until nothing moves: when this returns, every retry, heartbeat,
 * delay and cron in between has run, and so has all that followed from it.
 *
 * Only time is virtual: a test whose program waits for a real socket, a real file or a real timer has to wait for that itself.
 *
 * @example
 * ```ts
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function* () {
 *   yield* Effect.fork(Effect.delay(Effect.log("later"), "5 minutes"))
 *   yield* DiscoTest.advance("10 minutes")
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category time
 */
export const advance = (duration: Duration.DurationInput): Effect.Effect<void, never, DiscoTest> =>
  Effect.flatMap(harness, ({ clock }) => clock.adjust(duration))

/**
 * Waits until nothing moves. No time passes.
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
 *   const sent: Array<string> = []
 *   yield* Worker.make(emails, (to) => Effect.sync(() => sent.push(to)))
 *   yield* emails.add(yield* DisquePool, "ada@example.com")
 *   // The worker has the job, and the handler has run. No time has passed.
 *   yield* DiscoTest.idle
 *   return sent
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category time
 */
export const idle: Effect.Effect<void, never, DiscoTest> = Effect.flatMap(harness, ({ clock }) => clock.idle)

/**
 * Runs an effect to its end. Time passes meanwhile, from timer to timer: for what has to wait, as the close of a scope may.
 *
 * @example
 * ```ts
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = DiscoTest.run(Effect.sleep("1 hour")).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category time
 */
export const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | DiscoTest> =>
  Effect.flatMap(harness, ({ clock }) => clock.run(effect))
