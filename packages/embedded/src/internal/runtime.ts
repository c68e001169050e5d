/** The one place that looks into fibers: each function here wraps what Effect 4 has no counterpart of, or names differently. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"

/** Whether a fiber has ended. */
// v3: `fiber.pollUnsafe()` in Effect 4.
export const hasEnded = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean => fiber.unsafePoll() !== null

/** Starts fibers from a callback, with the services of the caller. */
// v3: `Effect.runForkWith(context)` in Effect 4.
export const runFork = Effect.map(Effect.runtime<never>(), (runtime) => Runtime.runFork(runtime))

/** Gives a function that does some work after all that is waiting to run now. */
// v3: `Effect.runForkWith(context)` in Effect 4.
export const laterTurn: Effect.Effect<(work: () => void) => void> = Effect.map(Effect.runtime<never>(), (runtime) => {
  const runFork = Runtime.runFork(runtime)
  return (work) => {
    runFork(Effect.zipRight(Effect.sleep(0), Effect.sync(work)))
  }
})
