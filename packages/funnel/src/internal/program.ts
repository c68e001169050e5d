/** Ending the program that a layer is part of. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** Every fiber of Effect 3 has these, though its type does not say so. */
interface Inner {
  readonly _children?: ReadonlySet<AnyFiber> | null
  readonly tell: (message: { readonly _tag: "InterruptSignal"; readonly cause: Cause.Cause<never> }) => void
}

const inner = (fiber: AnyFiber) => fiber as AnyFiber & Inner

const isWithin = (fiber: AnyFiber, root: AnyFiber): boolean => {
  if (fiber === root) return true
  for (const child of inner(root)._children ?? []) if (isWithin(fiber, child)) return true
  return false
}

/**
 * Gives what ends the program that this fiber belongs to, with a cause: that of the fiber which `Effect.runFork` or
 * `NodeRuntime.runMain` began. It says whether there is still such a program.
 */
// v3: a fiber knows its children, but not its parent; and whoever interrupts a fiber from outside has no cause to give.
export const programEnd: Effect.Effect<(cause: Cause.Cause<never>) => boolean> = Effect.withFiberRuntime((fiber) => {
  const root = Fiber.unsafeRoots().find((root) => isWithin(fiber, root))
  return Effect.succeed((cause) => {
    if (root === undefined || root.unsafePoll() !== null) return false
    inner(root).tell({ _tag: "InterruptSignal", cause: Cause.parallel(cause, Cause.interrupt(FiberId.none)) })
    return true
  })
})
