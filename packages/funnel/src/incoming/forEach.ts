/** A handler for each job: several fibers take jobs, and settle each by the exit of its handler. */
import type { GetJobsError } from "@disco/core"
import type { Notices } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { causeText, kindOf, squash } from "../internal/failure.js"
import {
  type AnyFiber,
  currentFiber,
  FiberReset,
  ForkWatch,
  interruptChildren,
  interruptLater,
  isInterrupted,
  type Restore
} from "../internal/runtime.js"
import { IdleFibers } from "./idleFibers.js"
import type { LeasedJob } from "./leasedJob.js"
import { Later, type MakeJob } from "./makeJob.js"

/** The inbox of the jobs, as far as handlers need it. */
interface Inbox {
  readonly now: () => number
  readonly notices: Notices
  readonly takeNow: () => LeasedJob | undefined
  readonly wait: Effect.Effect<LeasedJob, Option.Option<GetJobsError>>
  readonly rest: () => void
  readonly rise: () => void
  readonly confirm: (leased: LeasedJob) => Effect.Effect<boolean>
  readonly acknowledgeLater: (leased: LeasedJob) => void
  readonly putBackLater: (leased: LeasedJob) => void
  readonly patience: { readonly wait: (effect: Effect.Effect<unknown>, part: number) => Effect.Effect<boolean> }
  readonly open: () => void
  readonly leave: (left: ReadonlyArray<LeasedJob>) => Effect.Effect<void>
  /** Has an effect run when the inbox closes. Gives the function that cancels this. */
  readonly onClose: (effect: Effect.Effect<void>) => () => void
}

// Interrupted handlers have this part of the time for the close. After it their jobs go back, even if a handler has not ended.
const handlersPart = 0.25

export interface ForEachOptions {
  /** How many handlers run at a time. */
  readonly concurrency: number
  /** Whether jobs are settled by the exit of their handler; else the handler settles them. */
  readonly settles: boolean
}

/** What the fibers of one run share. */
interface Shared<In, E, R> {
  readonly inbox: Inbox
  readonly idle: IdleFibers
  readonly makeJob: MakeJob<In>
  readonly handler: (job: In) => Effect.Effect<unknown, E, R>
  readonly settles: boolean
  /** Puts back the job of a fiber that is interrupted. */
  readonly putBack: (leased: LeasedJob) => void
  /** Called with the reason why there are no more jobs. */
  readonly onEnd: (reason: Exit.Exit<void, GetJobsError>) => void
}

/**
 * Runs the handler for each job until the inbox closes, or fails as the inbox does once the handlers under way have ended. A
 * handler that fails ends nothing else. Closing the inbox, and interrupting this, interrupts the handlers and puts back their jobs.
 */
export const forEach = <In, E, R>(
  inbox: Inbox,
  makeJob: MakeJob<In>,
  handler: (job: In) => Effect.Effect<unknown, E, R>,
  { concurrency, settles }: ForEachOptions
): Effect.Effect<void, GetJobsError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      let end: Exit.Exit<void, GetJobsError> = Exit.void
      const onEnd = (reason: Exit.Exit<void, GetJobsError>) => {
        end = reason
      }
      // Jobs go back after the fetches that wait on the nodes have ended, which would get them again.
      const left: Array<LeasedJob> = []
      let hasLeft = false
      const putBack = (leased: LeasedJob) => {
        if (hasLeft) inbox.putBackLater(leased)
        else left.push(leased)
      }
      const loop = jobLoop({ inbox, idle: new IdleFibers(inbox), makeJob, handler, settles, putBack, onEnd })
      inbox.open()
      const fibers = yield* Effect.replicateEffect(Effect.fork(Effect.interruptible(loop)), concurrency)
      for (const fiber of fibers) {
        fiber.addObserver((exit) => {
          if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return
          // A bug of this library.
          onEnd(Exit.failCause(exit.cause))
          for (const other of fibers) interruptLater(other)
        })
      }
      const interruptAll = Fiber.interruptAll(fibers)
      const forget = inbox.onClose(interruptAll)
      const leave = Effect.suspend(() => {
        forget()
        hasLeft = true
        return inbox.leave(left)
      })
      yield* Effect.onExit(restore(Fiber.awaitAll(fibers)), (exit) =>
        Exit.isSuccess(exit)
          ? leave
          : Effect.all([inbox.patience.wait(interruptAll, handlersPart), leave, interruptAll], { discard: true })
      )
      return yield* end
    })
  )

/** One fiber takes job after job, until there are no more, or it is interrupted. */
const jobLoop = <In, E, R>(shared: Shared<In, E, R>): Effect.Effect<void, never, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const fiber = yield* currentFiber
      const forks = { hasForked: false }
      const watch = new ForkWatch((_child, parent) => {
        if (parent === fiber) forks.hasForked = true
      })
      yield* watch.begin
      const context = yield* Effect.context<R>()
      const loop = new JobLoop(shared, fiber, forks, yield* FiberReset.make, context, restore)
      const turns = Effect.whileLoop({ while: () => !loop.isOver, body: () => loop.turn(), step: () => {} })
      yield* Effect.ensuring(
        turns,
        Effect.sync(() => loop.leave())
      )
    })
  )

// A job that is ready and needs no effect to be decoded costs only the effects that run the handler, and these are made once.
class JobLoop<In, E, R> {
  private readonly shared: Shared<In, E, R>
  private readonly fiber: AnyFiber
  /** Whether a handler has started fibers, so that the fiber need not be asked for its children after each job. */
  private readonly forks: { hasForked: boolean }
  private readonly reset: FiberReset
  private readonly context: Context.Context<R>
  private readonly restore: Restore
  private readonly wait: Effect.Effect<void, never, R>
  private readonly handle: Effect.Effect<void, never, R>
  /** The job that the handler was given last. */
  private current!: { readonly leased: LeasedJob; readonly job: In }
  private hasEnded = false

  constructor(
    shared: Shared<In, E, R>,
    fiber: AnyFiber,
    forks: { hasForked: boolean },
    reset: FiberReset,
    context: Context.Context<R>,
    restore: Restore
  ) {
    this.shared = shared
    this.fiber = fiber
    this.forks = forks
    this.reset = reset
    this.context = context
    this.restore = restore
    this.wait = Effect.matchCauseEffect(shared.idle.wait(this, restore), {
      onFailure: (cause) => Effect.sync(() => this.end(cause)),
      onSuccess: (leased) => (leased === undefined ? Effect.void : this.begin(leased))
    })
    this.handle = Effect.matchCauseEffect(restore(this.handler), {
      onFailure: (cause) => Effect.zipRight(this.failed(this.current.leased, cause, shared.settles), this.endChildren),
      onSuccess: () => {
        if (shared.settles) shared.inbox.acknowledgeLater(this.current.leased)
        return this.forks.hasForked ? this.endChildren : Effect.void
      }
    })
  }

  private readonly handler = Effect.suspend(() => this.shared.handler(this.current.job))

  get isOver(): boolean {
    return this.hasEnded || isInterrupted(this.fiber)
  }

  leave(): void {
    this.shared.idle.leave(this)
  }

  turn(): Effect.Effect<void, never, R> {
    const leased = this.shared.idle.takeNow(this)
    return leased === undefined ? this.wait : this.begin(leased)
  }

  private end(cause: Cause.Cause<Option.Option<GetJobsError>>): void {
    this.hasEnded = true
    if (Cause.isInterruptedOnly(cause)) return
    const failure = Cause.failureOption(cause)
    if (Option.isNone(failure)) this.shared.onEnd(Exit.failCause(cause as Cause.Cause<never>))
    else if (Option.isSome(failure.value)) this.shared.onEnd(Exit.fail(failure.value.value))
  }

  private begin(leased: LeasedJob): Effect.Effect<void, never, R> {
    const given = this.shared.makeJob(leased)
    if (!(given instanceof Later)) return this.confirm(leased, given)
    // What the last handler has set is not for the schema either.
    this.reset.run(this.context as Context.Context<never>, leased.job.id)
    return Effect.matchCauseEffect(this.restore(given.job), {
      onFailure: (cause) => this.failed(leased, cause, true),
      onSuccess: (job) => (Option.isSome(job) ? this.confirm(leased, job.value) : Effect.void)
    })
  }

  // If this process was held up, the job may have been delivered to others.
  private confirm(leased: LeasedJob, job: In): Effect.Effect<void, never, R> {
    const { inbox } = this.shared
    if (!leased.isDoubtful(inbox.now())) return this.run(leased, job)
    return Effect.flatMap(inbox.confirm(leased), (isOurs) => (isOurs ? this.run(leased, job) : Effect.void))
  }

  private run(leased: LeasedJob, job: In): Effect.Effect<void, never, R> {
    if (isInterrupted(this.fiber)) {
      this.shared.putBack(leased)
      return Effect.void
    }
    this.current = { leased, job }
    this.reset.run(this.context as Context.Context<never>, leased.job.id)
    return this.handle
  }

  private failed(leased: LeasedJob, cause: Cause.Cause<E>, putsBack: boolean): Effect.Effect<void> {
    const { inbox } = this.shared
    const { job } = leased
    const goesBack = putsBack && leased.isOurs
    if (isInterrupted(this.fiber)) {
      if (goesBack) this.shared.putBack(leased)
      return Effect.void
    }
    if (goesBack) inbox.putBackLater(leased)
    const what = goesBack ? "a handler failed, and its job goes back" : "a handler failed"
    return inbox.notices.say(`handler ${job.queue} ${kindOf(squash(cause))}`, (more) =>
      Effect.annotateLogs(Effect.logWarning(`${what}: ${causeText(cause, more)}`), { queue: job.queue, job: job.id })
    )
  }

  // The fibers that a handler forks end with it.
  private readonly endChildren: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.forks.hasForked) return Effect.void
    this.forks.hasForked = false
    return interruptChildren(this.fiber)
  })
}
