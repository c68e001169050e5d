/** A worker that runs: its parts are made here, and here it pauses, closes and fails. */
import type { DisquePool, GetJobsError } from "@disco/core"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { IdleFibers } from "../incoming/idleFibers.js"
import { Inbox } from "../incoming/inbox.js"
import { causeText } from "../internal/failure.js"
import { bounded } from "../internal/patience.js"
import { quietly } from "../internal/quietly.js"
import { forkInterruptible, hasTracer } from "../internal/runtime.js"
import { AttemptRecords } from "./attemptRecords.js"
import { DeadLettering } from "./deadLettering.js"
import type { WorkerDefinition } from "./definition.js"
import { FailureHandling } from "./failureHandling.js"
import { JobReader } from "./jobReader.js"
import { JobReports } from "./jobReports.js"
import { JobReturns } from "./jobReturns.js"
import { retryQueueOf } from "./letter.js"
import { LetterSender } from "./letterSender.js"
import { ParkedJobs } from "./parkedJobs.js"
import { RateLimiter } from "./rateLimiter.js"
import { RetryQueue } from "./retryQueue.js"
import { type Running, register } from "./running.js"
import { WorkerFibers } from "./workerFibers.js"
import { WorkerLoop } from "./workerLoop.js"
import { WorkerMetrics } from "./workerMetrics.js"

type Pool = DisquePool.Service

interface Parts {
  readonly inbox: Inbox
  readonly parked: ParkedJobs
  readonly limiter: RateLimiter | undefined
  /** Takes the worker from those that run in this process. */
  readonly unregister: () => void
  /** What each fiber runs. */
  readonly loop: Effect.Effect<void>
  /** Starts a fiber that outlives the caller. */
  readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
}

/** What others may know of a worker. */
const workerOf = (
  { inbox, metrics, pool }: { readonly inbox: Inbox; readonly metrics: WorkerMetrics; readonly pool: Pool },
  { concurrency, queue }: Pick<WorkerDefinition<never, never, never>, "queue" | "concurrency">
): Effect.Effect<Running> =>
  Effect.map(Random.nextIntBetween(0, 2 ** 48), (id) => {
    const startedAt = inbox.timeOfDay()
    const { outcomes } = metrics
    return Effect.map(pool.health, ({ fetchers }) => ({
      id: id.toString(16).padStart(12, "0"),
      queue,
      startedAt,
      isPaused: !inbox.isHandingOut,
      concurrency,
      busy: metrics.busy,
      succeeded: outcomes.done,
      failed: outcomes.retried + outcomes.dead,
      dead: outcomes.dead,
      leasesLost: outcomes.lost,
      lastFetch: fetchers.reduce<number | undefined>(
        (last, { lastRound, queues }) =>
          queues[0] === queue && lastRound !== undefined && (last === undefined || lastRound > last) ? lastRound : last,
        undefined
      )
    }))
  })

type Options = Pick<WorkerDefinition<never, never, never>, "concurrency" | "graceMillis" | "closeMillis">

export class RunningWorker {
  private readonly parts: Parts
  private readonly options: Options
  private readonly fibers: WorkerFibers
  private isClosing = false
  private closer: Fiber.Fiber<void> | undefined = undefined
  private failure: Cause.Cause<GetJobsError> | undefined = undefined
  private readonly onFailed = new Set<(cause: Cause.Cause<GetJobsError>) => void>()

  private constructor(parts: Parts, options: Options) {
    const { inbox, loop, runFork } = parts
    this.parts = parts
    this.options = options
    this.fibers = new WorkerFibers(
      {
        now: inbox.now,
        runFork,
        loop,
        onDeath: (cause) => this.logDeath(cause),
        onTooManyDeaths: (cause) => this.fail(cause)
      },
      options.concurrency
    )
  }

  static make<A, E, B>(pool: Pool, definition: WorkerDefinition<A, E, B>): Effect.Effect<RunningWorker> {
    return Effect.gen(function* () {
      const { queue, rate } = definition
      const metrics = new WorkerMetrics(queue)
      const records = new AttemptRecords()
      const isClosing = () => worker.isClosing
      const inbox: Inbox = yield* Inbox.make(pool, {
        plan: { from: [queue, retryQueueOf(queue)], isRanked: false },
        prefetch: definition.prefetch,
        mostPrefetch: definition.prefetch,
        prefetchMillis: definition.prefetchMillis,
        fetchCount: definition.fetchCount,
        fetchers: 1,
        ackWith: "ackjob",
        putBackWith: "enqueue",
        giveBack: (leased) => returns.giveBack(leased),
        onUnbegun: (leased) => records.returned(leased.job.id),
        onEnded: (cause) => worker.fail(cause),
        closeMillis: definition.closeMillis,
        ackTurns: 8
      })
      const { now, timeOfDay } = inbox
      const letters = new LetterSender(pool, inbox)
      const reports = new JobReports(inbox.notices, metrics, definition)
      const retryQueue = new RetryQueue({ letters, records, timeOfDay }, definition)
      const returns = new JobReturns({ pool, inbox, retryQueue, records, metrics, isClosing }, definition.crashes)
      const parked = new ParkedJobs(
        { inbox, isClosing, moveOn: (leased, letter, delay) => returns.moveToRetryQueue(leased, letter, delay) },
        definition
      )
      const deadLettering = new DeadLettering({ letters, records, reports, returns, timeOfDay }, definition)
      const failures = new FailureHandling(
        { pool, inbox, records, parked, retryQueue, deadLettering, returns, reports, metrics },
        definition
      )
      const reader = new JobReader(
        { acknowledge: (leased) => inbox.acknowledge(leased), records, deadLettering, returns },
        definition
      )
      const limiter =
        rate === undefined
          ? undefined
          : new RateLimiter(rate.limit, rate.intervalMillis, { now, fork: (effect) => inbox.fork(effect) })
      const loop = WorkerLoop.run({
        inbox,
        idle: new IdleFibers(inbox),
        limiter,
        reader,
        definition,
        failures,
        returns,
        records,
        reports,
        metrics,
        isTraced: yield* hasTracer
      })
      const worker: RunningWorker = new RunningWorker(
        {
          inbox,
          parked,
          limiter,
          unregister: register(yield* workerOf({ pool, inbox, metrics }, definition)),
          loop: Effect.mapInputContext(loop, () => definition.contextOf([])),
          runFork: forkInterruptible(yield* Effect.runtime<never>())
        },
        definition
      )
      inbox.open()
      worker.fibers.start()
      return worker
    }).pipe(Effect.annotateLogs("queue", definition.queue))
  }

  /**
   * Takes no more jobs until `resume`. The jobs that wait here for their next attempt go to the retry queue, after the fetches that
   * wait on the nodes have ended: otherwise these fetches would get them.
   */
  readonly pause: Effect.Effect<void> = Effect.suspend(() => {
    const { inbox, parked } = this.parts
    const clear = Effect.sync(() => {
      if (!inbox.isHandingOut) parked.clear()
    })
    return inbox.handOver(Effect.zipRight(inbox.pause, clear), 1)
  })

  get resume(): Effect.Effect<void> {
    return this.parts.inbox.resume
  }

  /** Fails once no node lets jobs be fetched, for a reason that waiting does not mend, or once too many fibers have died. */
  readonly failed: Effect.Effect<never, GetJobsError> = Effect.async<never, GetJobsError>((resume) => {
    if (this.failure !== undefined) return resume(Effect.failCause(this.failure))
    const onFailed = (cause: Cause.Cause<GetJobsError>) => resume(Effect.failCause(cause))
    this.onFailed.add(onFailed)
    return Effect.sync(() => this.onFailed.delete(onFailed))
  })

  /** Begins to close, if it has not begun yet. Gives the fiber that closes the worker. */
  readonly closing: Effect.Effect<Fiber.Fiber<void>> = Effect.suspend(() =>
    this.closer === undefined
      ? Effect.tap(Effect.forkDaemon(this.close), (closer) =>
          Effect.sync(() => {
            this.closer = closer
          })
        )
      : Effect.succeed(this.closer)
  )

  /**
   * Takes no more jobs, and waits for handlers for the grace; then interrupts those that are left, and puts back their jobs. Leases
   * are renewed to the end.
   */
  private readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const { closeMillis, graceMillis } = this.options
    const { inbox, limiter, parked } = this.parts
    const { fibers } = this
    this.isClosing = true
    this.parts.unregister()
    fibers.stopReplacing()
    return Effect.gen(function* () {
      limiter?.close()
      const clear = Effect.sync(() => parked.clear())
      const stopping = yield* Effect.fork(Effect.interruptible(Effect.zipRight(inbox.closeFetch, clear)))
      yield* bounded(fibers.ended, graceMillis)
      const endBy = inbox.now() + closeMillis
      if (fibers.size > 0) {
        const handlers = fibers.size === 1 ? "a handler is" : `${fibers.size} handlers are`
        yield* quietly(Effect.logWarning(`${handlers} interrupted: not at an end within the grace`))
        fibers.interrupt()
        yield* bounded(fibers.ended, closeMillis / 2)
      }
      // The job of a handler that cannot be interrupted goes back all the same, and so do the jobs here if a fetch does not end.
      const stopped = bounded(Fiber.await(stopping), closeMillis / 4)
      const closing = Effect.zipRight(stopped, Effect.zipRight(clear, inbox.close))
      if (!(yield* bounded(closing, endBy - inbox.now()))) {
        const left = `jobs that are not settled come back after their retry time (${inbox.size})`
        yield* Effect.zipRight(
          quietly(Effect.logError(`the worker could not close in time: ${left}`)),
          Effect.zipRight(Effect.forkDaemon(Fiber.interrupt(stopping)), inbox.end)
        )
      }
    })
  })

  private logDeath(cause: Cause.Cause<never>): void {
    const { inbox } = this.parts
    inbox.fork(
      inbox.notices.say("a fiber of the worker died", (more) =>
        Effect.logError(`a fiber of the worker died, and is replaced: ${causeText(cause, more)}`)
      )
    )
  }

  private fail(cause: Cause.Cause<GetJobsError>): void {
    if (this.failure !== undefined) return
    this.failure = cause
    this.fibers.stopReplacing()
    this.parts.limiter?.close()
    this.parts.inbox.fork(this.parts.inbox.die(cause))
    for (const onFailed of [...this.onFailed]) onFailed(cause)
  }
}
