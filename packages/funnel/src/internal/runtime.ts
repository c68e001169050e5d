/** The one place that looks into fibers: each function here wraps what Effect 4 has no counterpart of, or names differently. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Supervisor from "effect/Supervisor"

/** A fiber, whatever its result. */
export type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** The fiber that runs this effect. */
// v3: `Effect.withFiber` in Effect 4.
export const currentFiber: Effect.Effect<AnyFiber> = Effect.withFiberRuntime<AnyFiber>((fiber) => Effect.succeed(fiber))

/** The fiber whose code runs now: cheaper than an effect where the code is called by one. */
// v3: `Fiber.getCurrent` in Effect 4.
export const unsafeCurrentFiber = (): AnyFiber => Option.getOrThrow(Fiber.getCurrentFiber())

/** Whether a fiber was interrupted, even if it is uninterruptible at present. */
// v3: Effect 4 keeps the cause in the field `_interruptedCause` of a fiber, which is no part of its interface.
export const isInterrupted = (fiber: AnyFiber): boolean => !Cause.isEmpty(fiber.getFiberRef(FiberRef.interruptedCause))

/** Makes an effect within `Effect.uninterruptibleMask` interruptible again. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Interrupts a fiber without waiting for its end. */
// v3: `fiber.interruptUnsafe()` in Effect 4.
export const interruptLater = (fiber: AnyFiber): void => fiber.unsafeInterruptAsFork(FiberId.none)

/** Interrupts the fibers that a fiber has started and that still run, without waiting for their end. For the fiber itself to run. */
// v3: Effect 4 keeps them in the field `_children` of a fiber, which is no part of its interface.
export const interruptChildren = (fiber: AnyFiber): Effect.Effect<void> =>
  Effect.map(fiber.children, (children) => {
    for (const child of children) interruptLater(child)
  })

/** Starts fibers that outlive the caller. They are interruptible, even if the runtime was taken in an uninterruptible region. */
// v3: `Effect.runForkWith(context)` in Effect 4, whose fibers are interruptible unless told otherwise.
export const forkInterruptible = (
  runtime: Runtime.Runtime<never>
): ((effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>) => {
  const runFork = Runtime.runFork(runtime)
  return (effect) => runFork(Effect.interruptible(effect))
}

/** Reports the fibers that another fiber starts, and those that its descendants start. */
// v3: Effect 4 has no supervisors. A fiber has its children in the field `_children`, to be compared before and after.
export class ForkWatch extends Supervisor.AbstractSupervisor<void> {
  readonly value = Effect.void
  private readonly onFork: (child: AnyFiber, parent: AnyFiber) => void

  constructor(onFork: (child: AnyFiber, parent: AnyFiber) => void) {
    super()
    this.onFork = onFork
  }

  /** Watches the fiber that runs this. Gives the effect that ends the watch, for the same fiber to run. */
  readonly begin: Effect.Effect<Effect.Effect<void>> = Effect.withFiberRuntime<Effect.Effect<void>>((fiber) => {
    const before = fiber.getFiberRef(FiberRef.currentSupervisor)
    return Effect.as(
      FiberRef.set(FiberRef.currentSupervisor, before.zip(this)),
      FiberRef.set(FiberRef.currentSupervisor, before)
    )
  })

  override onStart<A, E, R>(
    _context: unknown,
    _effect: Effect.Effect<A, E, R>,
    parent: Option.Option<AnyFiber>,
    child: Fiber.RuntimeFiber<A, E>
  ): void {
    if (Option.isSome(parent)) this.onFork(child, parent.value)
  }
}

/** Every fiber of Effect 3 has this, though its type does not say so. */
interface Interruptible {
  readonly tell: (message: { readonly _tag: "InterruptSignal"; readonly cause: Cause.Cause<never> }) => void
}

/**
 * Gives a function that ends the program of the current fiber with a cause. The program is the fiber that `Effect.runFork` or
 * `NodeRuntime.runMain` started. The function says whether that fiber was still running.
 */
// v3: a fiber does not know its root, but the first owner of an inherited FiberRef is the root; and Effect cannot interrupt a
// fiber with a cause. In Effect 4, a fiber has the field `_parent`.
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
