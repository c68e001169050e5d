/** The fibres of a worker: each takes jobs, runs the handler on them, and sees to what becomes of them. */
import type { DisquePool, GetJobsError, InvalidArgument, Job, JobQueue } from "@disco/core"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Runtime from "effect/Runtime"
import type * as Schedule from "effect/Schedule"
import type * as Tracer from "effect/Tracer"
import { ForkWatch } from "../incoming/attendance.js"
import type { Held } from "../incoming/held.js"
import { Inbox, isInterrupted } from "../incoming/inbox.js"
import { background } from "../internal/background.js"
import { delayAfter } from "./backoff.js"
import { bury, factsOf, replace } from "./bury.js"
import { enclosed, fromJob, type Letter, millis, type Reason, retryQueue, write } from "./letter.js"
import { Meters } from "./meters.js"
import type { Pace } from "./pace.js"
import { isTraced, processing } from "./trace.js"

type Pool = Context.Tag.Service<typeof DisquePool>

/** A handler that died: it threw, a promise of it was rejected, or it interrupted itself. */
export class HandlerDied extends Data.TaggedError("HandlerDied")<{
  readonly cause: unknown
}> {
  override get message(): string {
    return this.cause instanceof Error ? this.cause.message : `the handler died: ${String(this.cause)}`
  }
}

/** A job in the hands of a handler. */
export interface Work<A> {
  readonly held: Held
  /** As it was added, whatever happened since. */
  readonly job: Job.Job
  readonly payload: A
  /** The span that it was added in. */
  readonly trace: Tracer.ExternalSpan | undefined
  readonly attempt: number
  readonly history: Letter | undefined
  readonly firstAt: number | undefined
}

export interface FailureReport<A, E> {
  readonly job: Job.Job
  readonly payload: A
  readonly error: E | HandlerDied
  readonly attempt: number
  /** The milliseconds until the next attempt; none where it was the last. */
  readonly againMillis: number | undefined
}

export interface CrewOptions<A, E> {
  readonly queue: string
  readonly open: (job: Job.Job) => Effect.Effect<JobQueue.TypedJob<A>, JobQueue.InvalidPayload>
  /** Handles jobs, and gives what came of each. */
  readonly handle: (works: ReadonlyArray<Work<A>>) => Effect.Effect<ReadonlyArray<Exit.Exit<unknown, E>>>
  /** The services of handlers and hooks, for the jobs given. */
  readonly contextOf: (works: ReadonlyArray<Work<A>>) => Context.Context<never>
  readonly concurrency: number
  readonly prefetch: number
  readonly fetchCount: number
  readonly batch: number
  readonly withinMillis: number
  readonly schedule: Schedule.Schedule<unknown, E | HandlerDied>
  readonly attempts: number
  readonly crashes: number
  readonly parkMillis: number
  readonly letterTtl: Duration.DurationInput
  readonly graceMillis: number
  readonly closeMillis: number
  readonly pace: Pace | undefined
  readonly interruptsLost: boolean
  readonly linksTraces: boolean
  readonly onFailure: (report: FailureReport<A, E>) => Effect.Effect<void>
  readonly onDeadLetter: (letter: Letter) => Effect.Effect<void>
}

/** What is remembered of a job that waits here for its next attempt. */
interface Past {
  readonly attempt: number
  readonly firstAt: number
}

interface Lane {
  fiber: Fiber.RuntimeFiber<void> | undefined
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export class Crew<A, E> {
  readonly inbox: Inbox
  private readonly pool: Pool
  private readonly options: CrewOptions<A, E>
  private readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  private readonly isTraced: boolean
  private readonly meters: Meters
  private readonly lanes = new Set<Lane>()
  private readonly parked = new Set<Held>()
  private readonly pasts = new WeakMap<Held, Past>()
  private isClosing = false
  private failure: GetJobsError | undefined = undefined
  private onEnd: (() => void) | undefined = undefined

  private constructor(
    pool: Pool,
    inbox: Inbox,
    options: CrewOptions<A, E>,
    runtime: Runtime.Runtime<never>,
    isTraced: boolean
  ) {
    this.pool = pool
    this.inbox = inbox
    this.options = options
    this.runFork = background(runtime)
    this.isTraced = isTraced
    this.meters = new Meters(options.queue)
  }

  static make<A, E>(pool: Pool, options: CrewOptions<A, E>): Effect.Effect<Crew<A, E>> {
    return Effect.gen(function* () {
      const inbox = yield* Inbox.make(pool, {
        plan: { from: [options.queue, retryQueue(options.queue)], isRanked: false },
        prefetch: options.prefetch,
        mostPrefetch: options.prefetch,
        fetchCount: options.fetchCount,
        fetchers: 1,
        ackWith: "ackjob",
        putBackWith: "enqueue",
        ackTurns: 8
      })
      const crew = new Crew(pool, inbox, options, yield* Effect.runtime<never>(), yield* isTraced)
      inbox.open()
      for (let i = 0; i < options.concurrency; i++) crew.start()
      return crew
    }).pipe(Effect.annotateLogs("queue", options.queue))
  }

  /** Fails once no node lets jobs be fetched, for a reason that no waiting mends. */
  readonly failed: Effect.Effect<never, GetJobsError> = Effect.async<never, GetJobsError>((resume) => {
    if (this.failure !== undefined) return resume(Effect.fail(this.failure))
    const before = this.onFatal
    this.onFatal = (error) => {
      before?.(error)
      resume(Effect.fail(error))
    }
  })

  /**
   * Takes no more jobs, and waits for handlers for the grace; then interrupts those that are left, and puts back their jobs.
   * Leases are kept to the end.
   */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const { closeMillis, graceMillis } = this.options
    this.isClosing = true
    return Effect.gen(this, function* () {
      const stopping = yield* Effect.fork(
        Effect.interruptible(
          Effect.zipRight(
            this.inbox.closeFetch,
            Effect.sync(() => {
              for (const held of this.parked) this.giveBack(held)
            })
          )
        )
      )
      yield* bounded(this.ended, graceMillis)
      if (this.lanes.size > 0) {
        yield* Effect.logWarning(`${this.lanes.size} handlers are interrupted: they did not end within the grace`)
        for (const lane of this.lanes) this.cut(lane)
        yield* bounded(this.ended, closeMillis)
      }
      // A handler that cannot be interrupted goes on, and its job goes back all the same.
      const isClosed = yield* bounded(Effect.zipRight(Fiber.await(stopping), this.inbox.close), closeMillis)
      if (!isClosed) {
        const what = `${this.inbox.size} jobs are not settled and come back after their retry time`
        yield* Effect.zipRight(
          Effect.logError(`the worker could not close in time: ${what}`),
          Effect.zipRight(Effect.forkDaemon(Fiber.interrupt(stopping)), this.inbox.end)
        )
      }
    })
  })

  private onFatal: ((error: GetJobsError) => void) | undefined = undefined

  private readonly ended: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.lanes.size === 0) return resume(Effect.void)
    this.onEnd = () => resume(Effect.void)
  })

  private start(): void {
    const lane: Lane = { fiber: undefined }
    this.lanes.add(lane)
    const fiber = this.runFork(Effect.mapInputContext(this.work(lane), () => this.options.contextOf([])))
    lane.fiber = fiber
    fiber.addObserver((exit) => {
      this.lanes.delete(lane)
      if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) {
        this.inbox.fork(Effect.logError("a fibre of the worker died: there is one less", exit.cause))
      } else if (!this.isClosing && this.failure === undefined) {
        // One that was interrupted with its handler leaves its place to another.
        this.start()
      }
      if (this.lanes.size === 0) this.onEnd?.()
    })
  }

  private cut(lane: Lane): void {
    lane.fiber?.unsafeInterruptAsFork(FiberId.none)
  }

  private work(lane: Lane): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.withFiberRuntime<void>((fiber) => {
        const watch = new ForkWatch(fiber)
        const fiberId = fiber.id()
        const annotations = fiber.getFiberRef(FiberRef.currentLogAnnotations)
        return Effect.gen(this, function* () {
          yield* FiberRef.set(FiberRef.currentSupervisor, fiber.getFiberRef(FiberRef.currentSupervisor).zip(watch))
          const refs = fiber.getFiberRefs()
          // From the same beginning each time: what a handler sets is no other's. All at once, as it is done for every job.
          const begin = (works: ReadonlyArray<Work<A>>) => () => {
            const context = this.options.contextOf(works)
            const given = FiberRefs.updateAs(refs, { fiberId, fiberRef: FiberRef.currentContext, value: context })
            const [first] = works
            if (works.length > 1 || first === undefined) return given
            const value = HashMap.set(annotations, "job", first.job.id)
            return FiberRefs.updateAs(given, { fiberId, fiberRef: FiberRef.currentLogAnnotations, value })
          }
          while (true) {
            const works = yield* this.next(restore)
            if (works === undefined) return
            if (works.length === 0) continue
            yield* Effect.updateFiberRefs(begin(works))
            yield* this.handle(lane, works, restore)
            // Nor is what it forks.
            if (watch.hasForked) {
              watch.hasForked = false
              for (const child of yield* fiber.children) child.unsafeInterruptAsFork(FiberId.none)
            }
            if (yield* isInterrupted) return
          }
        })
      })
    )
  }

  /** The jobs for the next call of the handler; nothing where there will be no more. */
  private readonly next = Effect.fnUntraced(function* (this: Crew<A, E>, restore: Restore) {
    const { batch, pace, withinMillis } = this.options
    let first = this.inbox.takeNow()
    if (first === undefined) {
      const taken = yield* Effect.exit(restore(this.inbox.wait))
      if (Exit.isFailure(taken)) {
        const error = Option.flatten(Cause.failureOption(taken.cause))
        if (Option.isSome(error)) this.fail(error.value)
        return undefined
      }
      first = taken.value
    }
    const taken = [first]
    if (batch > 1) {
      taken.push(...this.inbox.takeReady(batch - 1))
      if (taken.length < batch && withinMillis > 0) {
        yield* Effect.exit(restore(Effect.sleep(withinMillis)))
        taken.push(...this.inbox.takeReady(batch - taken.length))
      }
    }
    const waitMillis = pace?.reserve(this.inbox.now(), taken.length) ?? 0
    if (waitMillis > 0) yield* Effect.exit(restore(Effect.sleep(waitMillis)))
    const works: Array<Work<A>> = []
    const isCut = (waitMillis > 0 || taken.length > 1) && (yield* isInterrupted)
    for (const held of taken) {
      if (isCut) {
        this.giveBack(held)
        continue
      }
      const work = yield* this.open(held, restore)
      if (work !== undefined) works.push(work)
    }
    return works
  })

  /** Reads a job; one that cannot be read, or was delivered too often, is given up. */
  private readonly open = Effect.fnUntraced(function* (this: Crew<A, E>, held: Held, restore: Restore) {
    const { job } = held
    const past = this.pasts.get(held)
    let history: Letter | undefined
    let original = job
    if (job.queue !== this.options.queue) {
      const letter: Exit.Exit<Letter, InvalidArgument> = yield* Effect.exit(fromJob(job))
      if (Exit.isFailure(letter)) {
        yield* this.giveUp(held, undefined, 0, undefined, Cause.squash(letter.cause), "undecodable", restore)
        return undefined
      }
      history = letter.value
      original = { ...job, queue: history.queue, id: job.id, body: enclosed(history) }
    }
    const firstAt = past?.firstAt ?? (history === undefined ? undefined : millis(history.firstAt))
    const before = past?.attempt ?? (history?.attempts ?? 0) + job.nacks
    if (job.additionalDeliveries > this.options.crashes) {
      const error = new Error(`it was delivered ${job.additionalDeliveries} times more without having failed`)
      yield* this.giveUp(held, history, before, firstAt, error, "crashed", restore)
      return undefined
    }
    const opened: Exit.Exit<JobQueue.Typed<A>, JobQueue.InvalidPayload> = yield* Effect.exit(
      restore(this.options.open(original))
    )
    if (Exit.isFailure(opened)) {
      if (yield* isInterrupted) this.giveBack(held)
      else yield* this.giveUp(held, history, before, firstAt, Cause.squash(opened.cause), "undecodable", restore)
      return undefined
    }
    const { payload, trace } = opened.value
    const work: Work<A> = { held, job: original, payload, trace, attempt: before + 1, history, firstAt }
    return work
  })

  private readonly handle = Effect.fnUntraced(function* (
    this: Crew<A, E>,
    lane: Lane,
    works: ReadonlyArray<Work<A>>,
    restore: Restore
  ) {
    const { interruptsLost } = this.options
    const beganAt = this.inbox.now()
    this.meters.begin(works.length)
    // The fibre is given up with its handler: one that was interrupted takes no more.
    const unwatch = interruptsLost
      ? works.map(({ held }) =>
          held.watch(() => {
            if (works.every(({ held }) => held.lost !== undefined)) this.cut(lane)
          })
        )
      : []
    let running = Effect.suspend(() => this.options.handle(works))
    const [first] = works
    if (this.isTraced && first !== undefined) {
      const isLinked = this.options.linksTraces || first.attempt > 1 || works.length > 1
      running = processing(running, first.job, first.trace, isLinked)
    }
    const exit = yield* Effect.exit(restore(running))
    for (const stop of unwatch) stop()
    this.meters.end(works.length, this.inbox.now() - beganAt)
    const isCut = yield* isInterrupted
    for (const [i, work] of works.entries()) {
      const outcome = Exit.isSuccess(exit) ? (exit.value[i] ?? noResult) : exit
      if (Exit.isSuccess(outcome)) {
        this.meters.count("done")
        this.inbox.acknowledgeLater(work.held)
      } else if (work.held.state !== "held") {
        // Settled by the handler itself.
        this.meters.count("done")
      } else if (work.held.lost !== undefined) {
        this.meters.count("lost")
        yield* this.inbox.notices.say(`lost ${work.held.lost.reason}`, (more) =>
          Effect.logWarning(`${work.held.lost?.message}${more}`)
        )
      } else if (isCut) {
        this.giveBack(work.held)
      } else {
        yield* this.again(work, outcome.cause, restore)
      }
    }
  })

  /** Sees to a job that failed: it waits here, or in the queue for delayed jobs, or is given up. */
  private readonly again = Effect.fnUntraced(function* (
    this: Crew<A, E>,
    work: Work<A>,
    cause: Cause.Cause<E>,
    restore: Restore
  ) {
    const { attempts, concurrency, parkMillis, queue, schedule } = this.options
    const { attempt, held, history, job, payload } = work
    const failure = Cause.failureOption(cause)
    const error = Option.isSome(failure) ? failure.value : new HandlerDied({ cause: Cause.squash(cause) })
    const now = this.inbox.now()
    const firstAt = work.firstAt ?? now
    const planned =
      attempt >= attempts
        ? Effect.succeedNone
        : Effect.catchAllCause(delayAfter(schedule, attempt, error, firstAt, now), (cause) =>
            Effect.as(
              Effect.logError("the schedule of the retries died: the job is given up", cause),
              Option.none<number>()
            )
          )
    const delay = Option.getOrUndefined(yield* planned)
    yield* this.hook(() => this.options.onFailure({ job, payload, error, attempt, againMillis: delay }), restore)
    yield* this.inbox.notices.say(`failed ${tagOf(error)}`, (more) =>
      Effect.logWarning(`a job failed (attempt ${attempt}): ${textOf(error)}${more}`)
    )
    if (delay === undefined) {
      yield* this.giveUp(held, history, attempt, firstAt, error, "failed", restore)
      return
    }
    if (delay <= parkMillis && !this.isClosing && this.inbox.park(concurrency)) {
      this.pasts.set(held, { attempt, firstAt })
      this.parked.add(held)
      this.inbox.fork(
        Effect.zipRight(
          Effect.sleep(delay),
          Effect.sync(() => {
            this.parked.delete(held)
            this.inbox.unpark(held)
          })
        )
      )
      this.meters.count("retried")
      return
    }
    const facts = yield* factsOf(this.pool, held.job)
    const delaySeconds = Math.max(1, Math.ceil(delay / 1000))
    const leftSeconds = facts === undefined ? undefined : Math.ceil(facts.leftMillis / 1000)
    if (leftSeconds !== undefined && delaySeconds >= leftSeconds) {
      const late = new Error(`${textOf(error)} (its TTL ends before the next attempt, in ${delaySeconds} s)`)
      yield* this.giveUp(held, history, attempt, firstAt, late, "failed", restore)
      return
    }
    const letter = write({ job: held.job, history, attempts: attempt, firstAt, now, error: textOf(error), facts })
    const moved = replace(this.pool, this.inbox, held, retryQueue(queue), letter, {
      delay: `${delaySeconds} seconds`,
      ...(leftSeconds === undefined ? {} : { ttl: `${leftSeconds} seconds` }),
      ...(facts === undefined ? {} : { retry: `${facts.retrySeconds} seconds` })
    })
    const isMoved = yield* Effect.exit(restore(moved))
    if (Exit.isFailure(isMoved)) this.giveBack(held)
    else if (isMoved.value) this.meters.count("retried")
  })

  private readonly giveUp = Effect.fnUntraced(function* (
    this: Crew<A, E>,
    held: Held,
    history: Letter | undefined,
    attempts: number,
    firstAt: number | undefined,
    error: unknown,
    reason: Reason,
    restore: Restore
  ) {
    const account = { history, attempts, firstAt: firstAt ?? this.inbox.now(), error: textOf(error) }
    const buried = yield* Effect.exit(
      restore(bury(this.pool, this.inbox, held, account, reason, this.options.letterTtl))
    )
    if (Exit.isFailure(buried)) {
      this.giveBack(held)
      return
    }
    const letter = buried.value
    if (letter === undefined) return
    this.meters.count("dead")
    yield* this.inbox.notices.say(`dead ${reason}`, (more) =>
      Effect.annotateLogs(
        Effect.logError(`a job was given up (${reason}, ${attempts} attempts): ${letter.error}${more}`),
        "job",
        letter.id
      )
    )
    yield* this.hook(() => this.options.onDeadLetter(letter), restore)
  })

  private hook(hook: () => Effect.Effect<void>, restore: Restore): Effect.Effect<void> {
    return Effect.catchAllCause(restore(Effect.suspend(hook)), (cause) =>
      Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logError("a hook of the worker died", cause)
    )
  }

  private giveBack(held: Held): void {
    if (held.state !== "held" || held.lost !== undefined) return
    this.meters.count("returned")
    this.inbox.putBackLater(held)
  }

  private fail(error: GetJobsError): void {
    if (this.failure !== undefined) return
    this.failure = error
    this.onFatal?.(error)
  }
}

const noResult = Exit.die(new Error("the handler gave no result for this job"))

const bounded = (effect: Effect.Effect<unknown>, millis: number): Effect.Effect<boolean> =>
  Effect.map(Effect.timeoutOption(Effect.interruptible(effect), millis), Option.isSome)

/** What went wrong, in words. */
export const textOf = (error: unknown): string => {
  if (error instanceof Error) return error.message === "" ? error.name : error.message
  if (typeof error !== "object" || error === null) return String(error)
  if ("message" in error && typeof error.message === "string") return error.message
  return "_tag" in error && typeof error._tag === "string" ? error._tag : JSON.stringify(error)
}

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : typeof error
