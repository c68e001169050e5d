/**
 * What core uses of Effect's fibers beyond their public interface, or by a name that Effect 4 changes. No other file of core touches
 * the inside of a fiber.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"

// v3: `Fiber.Fiber<A, E>`.
export type RunningFiber<A = unknown, E = unknown> = Fiber.RuntimeFiber<A, E>

/** The fiber that runs the caller. It costs less than `withFiber`, which is a step of its own. */
// v3: `Fiber.getCurrent`.
export const currentFiber = (): RunningFiber => Option.getOrThrow(Fiber.getCurrentFiber())

/** Makes an effect from the fiber that runs it. */
// v3: `Effect.withFiber`.
export const withFiber = <A, E, R>(make: (fiber: RunningFiber) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime<A, E, R>(make)

/** Whether a fiber was interrupted, also while nothing can interrupt it. */
// v3: Effect 4 keeps the cause in the field `_interruptedCause` of a fiber, which is no part of its interface.
export const isInterrupted = (fiber: RunningFiber): boolean =>
  !Cause.isEmpty(fiber.getFiberRef(FiberRef.interruptedCause))

/** The exit of a fiber that is being interrupted. */
// v3: `Exit.interrupt(fiber.id)`.
export const interruption = (fiber: RunningFiber): Exit.Exit<never> => Exit.interrupt(fiber.id())

/** Interrupts a fiber from a callback, without waiting for its end. */
// v3: `fiber.interruptUnsafe()`.
export const interruptSoon = (fiber: RunningFiber): void => fiber.unsafeInterruptAsFork(FiberId.none)

/** Starts fibers from a callback. With a scope, the end of the scope interrupts the fiber. */
export type RunFork = <A, E>(
  effect: Effect.Effect<A, E>,
  options?: { readonly scope?: Scope.Scope }
) => RunningFiber<A, E>

/** `runFork` with the services of the caller. */
// v3: `Effect.context` and `Effect.runForkWith`.
export const runFork: Effect.Effect<RunFork> = Effect.map(Effect.runtime<never>(), (runtime) =>
  Runtime.runFork(runtime)
)

/** Ends a wait with its outcome. Only the first call counts. */
export type Resume<A, E> = (outcome: Effect.Effect<A, E>) => void

class Wait<A, E> {
  readonly _op = "Async"
  readonly effect_instruction_i0: (resume: Resume<A, E>) => void
  readonly effect_instruction_i1 = FiberId.none

  constructor(register: (resume: Resume<A, E>) => void) {
    this.effect_instruction_i0 = register
  }
}
Object.setPrototypeOf(Wait.prototype, Effectable.EffectPrototype)

/** Waits until `register` resumes the fiber. An interruption ends the wait, and nobody is told. */
// v3: `Effect.async` makes six functions and two effects for what the runtime of Effect does by itself. `Effect.callback`.
export const wait = <A, E = never>(register: (resume: Resume<A, E>) => void): Effect.Effect<A, E> =>
  new Wait(register) as unknown as Effect.Effect<A, E>

/** Every fiber of Effect 3 has these, though its type does not say so. */
interface Runnable {
  _running?: boolean
  readonly run?: () => void
}

let resumed: Array<() => void> = []

const runResumed = (): void => {
  const fibers = resumed
  resumed = []
  let ran = 0
  try {
    while (ran < fibers.length) (fibers[ran++] as () => void)()
  } finally {
    // A bug in one fiber holds up no other.
    for (const run of fibers.slice(ran)) runSoon(run)
  }
}

const runSoon = (run: () => void): void => {
  if (resumed.length === 0) Promise.resolve().then(runResumed)
  resumed.push(run)
}

// A `SyncScheduler` that has begun to defer, as fibers of a `ManagedRuntime` have, passes everything on to the default scheduler.
const isDefault = (scheduler: Scheduler.Scheduler): boolean =>
  scheduler === Scheduler.defaultScheduler || (scheduler instanceof Scheduler.SyncScheduler && scheduler.deferred)

/** Resumes a fiber that waits, together with all others that are resumed in this turn of the event loop, in their order. */
// v3: Effect 3 has a scheduler for each fiber, which makes a promise whenever its fiber resumes. Just resume the fiber in Effect 4.
export const resumeTogether = <A, E>(fiber: RunningFiber, resume: Resume<A, E>, outcome: Effect.Effect<A, E>): void => {
  const runnable = fiber as typeof fiber & Runnable
  const { run } = runnable
  // Others may have resumed the fiber already, or it runs on a scheduler of its own.
  if (runnable._running !== false || run === undefined || !isDefault(fiber.currentScheduler)) {
    resume(outcome)
    return
  }
  // A fiber that seems to run takes a message without scheduling itself.
  runnable._running = true
  resume(outcome)
  runSoon(run)
}

/** A deferred value that a callback makes. */
// v3: `Deferred.makeUnsafe`.
export const makeDeferred = <A, E = never>(): Deferred.Deferred<A, E> => Deferred.unsafeMake(FiberId.none)

// v3: the default value of `Tracer.Tracer`.
const defaultTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** The tracer of a fiber, if a program has provided one: Effect's default tracer keeps nothing. */
// v3: `fiber.getRef(Tracer.Tracer)` and `References.TracerEnabled`.
export const tracerOf = (fiber: RunningFiber): Tracer.Tracer | undefined => {
  const tracer = fiber.currentTracer
  return tracer === defaultTracer || !fiber.getFiberRef(FiberRef.currentTracerEnabled) ? undefined : tracer
}

/** The span that a fiber is in, as the parent of another span. */
// v3: `fiber.currentSpan` too, with another way to disable propagation.
export const parentSpanOf = (fiber: RunningFiber): Option.Option<Tracer.AnySpan> => {
  const span = fiber.currentSpan
  return span === undefined || Context.get(span.context, Tracer.DisablePropagation) ? Option.none() : Option.some(span)
}
