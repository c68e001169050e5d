/** The one place that looks into fibers: each function here wraps what Effect 4 has no counterpart of, or names differently. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import * as Supervisor from "effect/Supervisor"
import * as Tracer from "effect/Tracer"

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
// fiber with a cause. In Effect 4, nothing leads from a fiber to its root: the program has to provide its root fiber as a service.
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

/** Every fiber of Effect 3 has this, though its type does not say so; `Effect.updateFiberRefs` calls it too, at the cost of copies. */
interface Settable {
  readonly _fiberRefs?: FiberRefs.FiberRefs
  readonly setFiberRefs: (refs: FiberRefs.FiberRefs) => void
}

const jobAnnotation = "job"

/**
 * Gives a fiber that runs one job after another the services and the log annotation of the next job, and takes back what the last
 * job has set.
 */
// v3: in Effect 4 services and log annotations are in the context of a fiber: `fiber.setContext(context)` resets all of them.
export class FiberReset {
  private readonly fiber: Fiber.RuntimeFiber<unknown, unknown> & Settable
  private readonly fiberId: FiberId.Single
  private readonly locals: FiberRefs.FiberRefs["locals"]
  private readonly refs: FiberRefs.FiberRefs
  private readonly isCopied: boolean
  /** The services that the FiberRefs of the fiber were last reset to. */
  private context: Context.Context<never> | undefined = undefined
  private readonly plain: HashMap.HashMap<string, unknown>
  private readonly labeled: HashMap.HashMap<string, unknown>

  private constructor(fiber: Fiber.RuntimeFiber<unknown, unknown>) {
    this.fiber = fiber as Fiber.RuntimeFiber<unknown, unknown> & Settable
    this.fiberId = fiber.id()
    const refs = fiber.getFiberRefs()
    this.locals = new Map(refs.locals)
    this.refs = FiberRefs.unsafeMake(this.locals)
    // A handler may keep the FiberRefs that it was given, and so may the fibers that it starts. If each reader is given a copy, one
    // map serves all jobs. Effect does not promise this, so it is tested here.
    this.isCopied = fiber.getFiberRefs() !== refs
    this.plain = fiber.getFiberRef(FiberRef.currentLogAnnotations)
    // It costs least to replace a key that is there already.
    this.labeled = HashMap.set(this.plain, jobAnnotation, "")
  }

  /** Resets to the FiberRefs that the current fiber has now. */
  static readonly make: Effect.Effect<FiberReset> = Effect.withFiberRuntime<FiberReset>((fiber) =>
    Effect.succeed(new FiberReset(fiber))
  )

  /** Resets the FiberRefs for the job with this id, or for a batch if there is no id. For the fiber itself to call. */
  run(context: Context.Context<never>, id: string | undefined): void {
    const { fiberId, isCopied } = this
    const locals = isCopied ? this.locals : new Map(this.locals)
    const annotations = id === undefined ? this.plain : HashMap.set(this.labeled, jobAnnotation, id)
    locals.set(FiberRef.currentLogAnnotations, [[fiberId, annotations]])
    // The last job has set nothing: no FiberRef changes without a new `FiberRefs`.
    if (isCopied && this.fiber._fiberRefs === this.refs && this.context === context) return
    this.context = context
    locals.set(FiberRef.currentContext, [[fiberId, context]])
    this.fiber.setFiberRefs(isCopied ? this.refs : FiberRefs.unsafeMake(locals))
  }
}

// v3: `Tracer.Tracer.defaultValue()` in Effect 4.
const nativeTracer = Context.get(DefaultServices.liveServices as Context.Context<Tracer.Tracer>, Tracer.Tracer)

/** Whether a tracer listens: the default tracer of Effect keeps no spans. */
export const hasTracer: Effect.Effect<boolean> = Effect.map(Effect.tracer, (tracer) => tracer !== nativeTracer)

/** What a schedule says of one input: the times between which it wants the next step, or that it is done. */
export interface ScheduleStep {
  readonly state: unknown
  readonly isDone: boolean
  /** Milliseconds since 1970. */
  readonly start: number
  /** Infinity if there is no end. */
  readonly end: number
}

/** Walks a schedule by one step, at the time given in milliseconds since 1970. */
// v3: in Effect 4 a schedule is walked by the function that `Schedule.toStep` gives, which keeps the state and gives a delay.
export const stepSchedule = <In, R>(
  schedule: Schedule.Schedule<unknown, In, R>,
  at: number,
  input: In,
  state: unknown
): Effect.Effect<ScheduleStep, never, R> =>
  Effect.map(schedule.step(at, input, state), ([next, , decision]) =>
    ScheduleDecision.isDone(decision)
      ? { state: next, isDone: true, start: at, end: at }
      : {
          state: next,
          isDone: false,
          start: ScheduleIntervals.start(decision.intervals),
          end: ScheduleIntervals.end(decision.intervals)
        }
  )
