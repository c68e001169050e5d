/** What each fiber of a worker does: it takes a job, decodes it, runs the handler, and settles, retries or gives up the job. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { IdleFibers } from "../incoming/idleFibers.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
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
import type { Attempt } from "./attempt.js"
import type { AttemptRecords } from "./attemptRecords.js"
import { fillBatch } from "./batch.js"
import type { WorkerDefinition } from "./definition.js"
import type { FailureHandling } from "./failureHandling.js"
import type { JobReader, Read } from "./jobReader.js"
import type { JobReports } from "./jobReports.js"
import type { JobReturns } from "./jobReturns.js"
import { withProcessSpan } from "./processSpan.js"
import { FiberPermits, type RateLimiter } from "./rateLimiter.js"
import type { WorkerMetrics } from "./workerMetrics.js"

/** The inbox of the jobs, as far as the loop needs it. */
interface Inbox {
  readonly now: () => number
  readonly isHandingOut: boolean
  readonly takeNow: () => LeasedJob | undefined
  readonly waitFor: Parameters<typeof fillBatch>[0]["waitFor"]
  readonly confirm: (leased: LeasedJob) => Effect.Effect<boolean>
  readonly acknowledgeLater: (leased: LeasedJob) => void
  readonly letGo: (leased: LeasedJob) => void
}

type Definition<A, E, B> = Pick<
  WorkerDefinition<A, E, B>,
  "batchSize" | "withinMillis" | "contextOf" | "handle" | "exitOf" | "interruptsLost" | "linksTraces"
>

/** What the fibers of a worker share. */
export interface Shared<A, E, B> {
  readonly inbox: Inbox
  readonly idle: IdleFibers
  readonly limiter: RateLimiter | undefined
  readonly reader: JobReader<A, E, B>
  readonly definition: Definition<A, E, B>
  readonly failures: FailureHandling<A, E, B>
  readonly returns: JobReturns
  readonly records: AttemptRecords
  readonly reports: JobReports<A, E, B>
  readonly metrics: WorkerMetrics
  /** Whether a tracer listens. */
  readonly isTraced: boolean
}

/** Whether a handler or a hook has started fibers, so that the fiber need not be asked for its children after each job. */
interface Forks {
  hasForked: boolean
}

const isBeginnable = ({ leased }: Attempt<unknown>): boolean => leased.isOurs

/** Runs all effects at once, in fibers that are interrupted with this one. */
const allOf = (effects: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void> => {
  const [only] = effects
  if (only !== undefined && effects.length === 1) return only
  return Effect.flatMap(Effect.forEach(effects, Effect.fork), (fibers) =>
    Effect.flatMap(Effect.forEach(fibers, Fiber.await), (exits) => {
      const died = exits.find((exit) => Exit.isFailure(exit) && !Exit.isInterrupted(exit))
      return died ?? Effect.void
    })
  )
}

/**
 * The loop is uninterruptible but for its waits, the handler, the schema and the hooks.
 *
 * It is on the path of every job. A job that is ready and whose schema needs no effect costs only the effects that run the handler,
 * and these are made once. All else takes effects when it happens.
 */
export class WorkerLoop<A, E, B> {
  private readonly shared: Shared<A, E, B>
  private readonly fiber: AnyFiber
  private readonly forks: Forks
  private readonly reset: FiberReset
  private readonly restore: Restore
  private readonly permits: FiberPermits | undefined
  private readonly wait: Effect.Effect<void>
  private readonly handle: Effect.Effect<void>
  /** The job that was taken and is not decoded yet. */
  private taken: LeasedJob | undefined = undefined
  /** The jobs that the handler works on. */
  private attempts: ReadonlyArray<Attempt<A>> = []
  private beganAt = 0
  private isOver = false

  private constructor(shared: Shared<A, E, B>, fiber: AnyFiber, forks: Forks, reset: FiberReset, restore: Restore) {
    this.shared = shared
    this.fiber = fiber
    this.forks = forks
    this.reset = reset
    this.restore = restore
    this.permits = shared.limiter === undefined ? undefined : new FiberPermits(shared.limiter)
    this.wait = this.waiting()
    this.handle = this.handling(this.handler)
  }

  /** Runs until no more jobs come, or the fiber is interrupted. */
  static run<A, E, B>(shared: Shared<A, E, B>): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(currentFiber, (fiber) => {
        const forks: Forks = { hasForked: false }
        const watch = new ForkWatch((_child, parent) => {
          if (parent === fiber) forks.hasForked = true
        })
        return Effect.flatMap(Effect.zipRight(watch.begin, FiberReset.make), (reset) => {
          const loop = new WorkerLoop(shared, fiber, forks, reset, restore)
          const turns = Effect.whileLoop({
            while: () => !loop.isOver && !loop.isInterrupted,
            body: () => loop.turn(),
            step: () => {}
          })
          return Effect.ensuring(
            turns,
            Effect.sync(() => loop.leave())
          )
        })
      })
    )
  }

  private get isInterrupted(): boolean {
    return isInterrupted(this.fiber)
  }

  // Take

  /** Takes the next job, once there is a permit to begin it. */
  private turn(): Effect.Effect<void> {
    const { permits } = this
    if (permits !== undefined) {
      permits.takeNow(1)
      if (permits.count === 0) return this.awaitPermit(permits)
    }
    const leased = this.shared.idle.takeNow(this)
    return leased === undefined ? this.wait : this.take(leased)
  }

  private awaitPermit(permits: FiberPermits): Effect.Effect<void> {
    return Effect.matchCause(permits.take(this.restore), {
      onFailure: () => {},
      onSuccess: (isGiven) => {
        if (!isGiven) this.isOver = true
      }
    })
  }

  private waiting(): Effect.Effect<void> {
    return Effect.matchCauseEffect(this.shared.idle.wait(this, this.restore), {
      onFailure: () => {
        this.isOver = true
        return Effect.void
      },
      onSuccess: (leased) => {
        if (leased === undefined) return Effect.void
        if (!this.isInterrupted) return this.take(leased)
        this.shared.returns.giveBack(leased)
        return Effect.void
      }
    })
  }

  private take(leased: LeasedJob): Effect.Effect<void> {
    this.taken = leased
    return this.shared.definition.batchSize === 1 ? this.takeOne(leased) : this.takeBatch(leased)
  }

  private takeOne(leased: LeasedJob): Effect.Effect<void> {
    const read = this.read(leased)
    this.taken = undefined
    if (!Effect.isEffect(read)) return this.begin([read])
    return Effect.flatMap(this.orLetGo([leased], read), (attempt) =>
      attempt === undefined ? Effect.void : this.begin([attempt])
    )
  }

  /** Takes a batch, with at most one job for each permit. */
  private readonly takeBatch = Effect.fnUntraced(function* (this: WorkerLoop<A, E, B>, first: LeasedJob) {
    const { definition, inbox, returns } = this.shared
    const { permits } = this
    this.taken = undefined
    permits?.takeNow(definition.batchSize)
    const size = permits?.count ?? definition.batchSize
    const taken = yield* fillBatch(inbox, first, size, definition.withinMillis, this.restore)
    const attempts: Array<Attempt<A>> = []
    for (const leased of taken) {
      // The worker may have begun to close while the batch waited.
      if (this.isInterrupted || !inbox.isHandingOut) {
        returns.giveBack(leased)
        continue
      }
      if (leased.lost !== undefined) continue
      const reading = Effect.suspend(() => {
        const read = this.read(leased)
        return Effect.isEffect(read) ? read : Effect.succeed(read)
      })
      const attempt = yield* this.orLetGo(taken, reading)
      if (attempt !== undefined) attempts.push(attempt)
    }
    if (attempts.length > 0) yield* this.begin(attempts)
    else permits?.keep(1)
  })

  // Decode

  private read(leased: LeasedJob): Read<A> {
    const read = this.shared.reader.read(leased, this.restore)
    // The schema and the hooks are not to see what the last job left in the fiber.
    if (Effect.isEffect(read)) this.reset.run(this.shared.definition.contextOf([]), leased.job.id)
    return read
  }

  // Run

  private begin(attempts: ReadonlyArray<Attempt<A>>): Effect.Effect<void> {
    const { definition, inbox, isTraced, metrics, returns } = this.shared
    // A lease may have been lost since the job was taken.
    if (!attempts.every(isBeginnable)) return this.begin(attempts.filter(isBeginnable))
    const now = inbox.now()
    if (attempts.some(({ leased }) => leased.isDoubtful(now))) return this.confirm(attempts, now)
    const [first] = attempts
    if (this.isInterrupted || first === undefined) {
      for (const { leased } of attempts) returns.giveBack(leased)
      return Effect.void
    }
    this.attempts = attempts
    this.beganAt = now
    metrics.begin(attempts.length)
    for (const { leased } of attempts) leased.hasBegun = true
    if (definition.interruptsLost) for (const { leased } of attempts) leased.watch(this.onLost)
    this.reset.run(definition.contextOf(attempts), attempts.length > 1 ? undefined : first.inHand.job.id)
    if (!isTraced) return this.handle
    const isLinked = definition.linksTraces || first.inHand.attempt > 1 || attempts.length > 1
    return this.handling(withProcessSpan(this.handler, first.inHand.job, first.trace, isLinked))
  }

  // This process was held up, so leases may have run out: their nodes say whether the jobs may begin. A job whose node does not
  // answer in a moment comes again.
  private confirm(attempts: ReadonlyArray<Attempt<A>>, now: number): Effect.Effect<void> {
    const { inbox } = this.shared
    const checks = Effect.forEach(attempts, ({ leased }) =>
      leased.isDoubtful(now) ? inbox.confirm(leased) : Effect.void
    )
    const jobs = attempts.map(({ leased }) => leased)
    return Effect.flatMap(this.orLetGo(jobs, checks), () => this.begin(attempts.filter(isBeginnable)))
  }

  private readonly handler: Effect.Effect<B, E> = Effect.suspend(() => {
    this.permits?.use(this.attempts.length)
    return this.shared.definition.handle(this.attempts)
  })

  private handling(handler: Effect.Effect<B, E>): Effect.Effect<void> {
    return Effect.matchCauseEffect(this.restore(handler), {
      onFailure: (cause) => this.end(Exit.failCause(cause)),
      onSuccess: (result) => this.end(Exit.succeed(result))
    })
  }

  // The fiber is interrupted with its handler, and takes no more jobs. Another fiber takes its place.
  private readonly onLost = (): void => {
    if (this.attempts.every(({ leased }) => leased.lost !== undefined)) interruptLater(this.fiber)
  }

  // Settle, retry, give up or give back

  private end(exit: Exit.Exit<B, E>): Effect.Effect<void> {
    const { definition, inbox, metrics } = this.shared
    const { attempts } = this
    this.attempts = []
    metrics.end(attempts.length, inbox.now() - this.beganAt)
    const isCut = this.isInterrupted
    let more: Array<Effect.Effect<void>> | undefined
    let place = 0
    for (const attempt of attempts) {
      if (definition.interruptsLost) attempt.leased.unwatch(this.onLost)
      const outcome = Exit.isSuccess(exit) ? definition.exitOf(exit.value, place++) : exit
      const settling = this.settle(attempt, outcome, isCut)
      if (settling === undefined) continue
      if (more === undefined) more = [settling]
      else more.push(settling)
    }
    if (more !== undefined) return Effect.zipRight(allOf(more), this.endChildren)
    return this.forks.hasForked ? this.endChildren : Effect.void
  }

  /** Settles a job, or gives the effect that does. */
  private settle(attempt: Attempt<A>, outcome: Exit.Exit<unknown, E>, isCut: boolean): Effect.Effect<void> | undefined {
    const { failures, inbox, metrics, records, reports, returns } = this.shared
    const { leased } = attempt
    if (Exit.isSuccess(outcome)) {
      metrics.count("done")
      records.forget(leased.job.id)
      inbox.acknowledgeLater(leased)
    } else if (leased.state !== "undecided") {
      // The handler acknowledged the job itself.
      metrics.count("done")
    } else if (leased.lost !== undefined) {
      return reports.lost(leased)
    } else if (isCut) {
      returns.giveBack(leased)
    } else {
      return this.orLetGo([leased], failures.handle(attempt, outcome.cause, this.restore))
    }
    return undefined
  }

  // The fibers that a handler or a hook has started end with its job.
  private readonly endChildren: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.forks.hasForked) return Effect.void
    this.forks.hasForked = false
    return interruptChildren(this.fiber)
  })

  // A fiber that dies keeps no job

  /** Runs an effect. If it fails, the jobs come again after their retry time. */
  private orLetGo<C>(jobs: ReadonlyArray<LeasedJob>, effect: Effect.Effect<C>): Effect.Effect<C> {
    return Effect.tapErrorCause(effect, () =>
      Effect.sync(() => {
        for (const leased of jobs) this.letGo(leased)
      })
    )
  }

  // A job that goes back or is moved is on its way already.
  private letGo(leased: LeasedJob): void {
    if (leased.isOurs && !leased.isReady) this.shared.inbox.letGo(leased)
  }

  /** Ends the loop. The jobs in hand, if the fiber died with them, come again after their retry time. */
  private leave(): void {
    const { idle, inbox, metrics } = this.shared
    idle.leave(this)
    if (this.attempts.length > 0) metrics.end(this.attempts.length, inbox.now() - this.beganAt)
    this.permits?.keep(0)
    if (this.taken !== undefined) this.letGo(this.taken)
    for (const { leased } of this.attempts) this.letGo(leased)
  }
}
