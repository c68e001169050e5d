/** Ending the program that a layer is part of. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"

/** Every fiber of Effect 3 has this, though its type does not say so. */
interface Interruptible {
  readonly tell: (message: { readonly _tag: "InterruptSignal"; readonly cause: Cause.Cause<never> }) => void
}

/**
 * Gives what ends the program that this fiber belongs to, with a cause: that of the fiber which `Effect.runFork` or
 * `NodeRuntime.runMain` began. It says whether there is still such a program.
 */
// v3: a fiber does not know its parent, but what it was handed down says which fiber was the first to have it; and whoever
// interrupts a fiber from outside has no cause to give.
export const programEnd: Effect.Effect<(cause: Cause.Cause<never>) => boolean> = Effect.withFiberRuntime((fiber) => {
  const owners = fiber.getFiberRefs().locals.get(FiberRef.currentContext) ?? []
  const first = owners[owners.length - 1]?.[0]
  const root = Fiber.unsafeRoots().find((root) => Equal.equals(root.id(), first))
  return Effect.succeed((cause) => {
    if (root === undefined || root.unsafePoll() !== null) return false
    const message = { _tag: "InterruptSignal", cause: Cause.parallel(cause, Cause.interrupt(FiberId.none)) } as const
    const interruptible = root as typeof root & Interruptible
    interruptible.tell(message)
    return true
  })
})
