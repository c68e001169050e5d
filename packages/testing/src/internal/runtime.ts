/** The one place that looks into fibers: each function here wraps what Effect 4 has no counterpart of, or names differently. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberStatus from "effect/FiberStatus"
import * as RuntimeFlags from "effect/RuntimeFlags"

/** Whether a fiber has ended. */
// v3: `fiber.pollUnsafe()` in Effect 4.
export const hasEnded = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean => fiber.unsafePoll() !== null

/** Whether a fiber waits where nobody can interrupt it, as finalizers do. Asking lets the fiber move. */
// v3: fibers of Effect 4 have no status.
export const waitsUninterruptibly = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<boolean> =>
  Effect.map(
    fiber.status,
    (status) => FiberStatus.isSuspended(status) && !RuntimeFlags.interruptible(status.runtimeFlags)
  )
