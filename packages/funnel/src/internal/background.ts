/** Fibres that outlive who starts them. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"

/** Starts fibres that can be interrupted, wherever the runtime was taken: one from an uninterruptible region hands that on. */
export const background = (
  runtime: Runtime.Runtime<never>
): ((effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>) => {
  const runFork = Runtime.runFork(runtime)
  return (effect) => runFork(Effect.interruptible(effect))
}
