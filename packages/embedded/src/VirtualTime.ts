/**
 * Virtual time that passes by itself, for tests under `TestClock`: a test cannot move the clock while it waits for an effect.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestServices from "effect/TestServices"
import { hasEnded } from "./internal/runtime.js"

// The steps are not shorter, so that timers with short intervals do not take a step each.
const leastStepMillis = 10

// All that needs no time has happened when a timer of the platform goes off.
const rest = TestServices.provideLive(Effect.sleep(1))

/** Moves the clock to the time at which the next sleeping fiber wakes. */
const step: Effect.Effect<void> = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  let next = Number.POSITIVE_INFINITY
  for (const at of yield* TestClock.sleeps()) next = Math.min(next, at)
  if (next < Number.POSITIVE_INFINITY) yield* TestClock.setTime(Math.max(next, now + leastStepMillis))
})

/**
 * Runs an effect to its end. Virtual time passes meanwhile, from the end of one sleep to the next.
 *
 * @example
 * ```ts
 * import { VirtualTime } from "@disco/embedded"
 * import { Effect } from "effect"
 *
 * // Under TestClock, this ends at once.
 * const program = VirtualTime.run(Effect.sleep("1 hour"))
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.fork(effect), (fiber) =>
    Effect.zipRight(
      Effect.iterate(undefined, {
        while: () => !hasEnded(fiber),
        body: () => Effect.flatMap(rest, () => (hasEnded(fiber) ? Effect.void : step))
      }),
      Fiber.join(fiber)
    )
  )

/**
 * `Effect.scoped`, with virtual time that passes while the scope closes, and only then. A close may wait: a worker gives its
 * handlers the grace (25 seconds by default), and a funnel waits for nodes that do not answer. Under `TestClock` these would wait
 * for ever, since nobody moves the clock after the end of a test.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
 * import { Worker } from "@disco/funnel"
 * import { Effect, Schema, TestClock } from "effect"
 *
 * const films = JobQueue.make("films", { payload: Schema.String })
 *
 * const test = Effect.gen(function* () {
 *   yield* Worker.make(films, () => Effect.sleep("1 hour"))
 *   yield* TestClock.adjust("1 minute")
 * }).pipe(VirtualTime.scoped, Effect.provide(EmbeddedDisque.layerPool))
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const scoped = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) => Scope.extend(effect, scope),
    (scope, exit) => run(Scope.close(scope, exit))
  )
