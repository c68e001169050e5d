/** The fibers of a worker: as many as its concurrency, for as long as it is open. */
import type { DisquePool, GetJobsError } from "@disco/core"
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Runtime from "effect/Runtime"
import { Inbox } from "../incoming/inbox.js"
import { causeText } from "../internal/failure.js"
import { Deaths } from "../internal/keepAlive.js"
import { bounded } from "../internal/patience.js"
import { quietly } from "../internal/quietly.js"
import { forkInterruptible, interruptLater } from "../internal/runtime.js"
import type { CrewOptions } from "./attempt.js"
import { Fate } from "./failureHandling.js"
import { Door } from "./idleFibers.js"
import { Opening } from "./jobReader.js"
import { retryQueue } from "./letter.js"
import { isTraced } from "./processSpan.js"
import { Pace } from "./rateLimiter.js"
import { Lane, type Shared } from "./workerLoop.js"
import { Meters } from "./workerMetrics.js"

type Pool = Context.Tag.Service<typeof DisquePool>

export class Crew<A, E, B> {
  readonly inbox: Inbox
  private readonly options: CrewOptions<A, E, B>
  private readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  private readonly fate: Fate<A, E, B>
  private readonly shared: Shared<A, E, B>
  private readonly fibers = new Set<Fiber.RuntimeFiber<void>>()
  private isClosing = false
  private closer: Fiber.Fiber<void> | undefined = undefined
  private readonly deaths: Deaths
  private failure: Cause.Cause<GetJobsError> | undefined = undefined
  private readonly onFatal = new Set<(cause: Cause.Cause<GetJobsError>) => void>()
  private onEnd: (() => void) | undefined = undefined

  private constructor(
    pool: Pool,
    inbox: Inbox,
    options: CrewOptions<A, E, B>,
    runtime: Runtime.Runtime<never>,
    isTraced: boolean
  ) {
    this.inbox = inbox
    this.options = options
    this.runFork = forkInterruptible(runtime)
    this.deaths = new Deaths(inbox.now, options.concurrency + mostDeaths)
    const meters = new Meters(options.queue)
    const fate = new Fate(pool, inbox, options, meters)
    this.fate = fate
    this.shared = {
      inbox,
      options,
      isTraced,
      meters,
      door: new Door(inbox),
      opening: new Opening(inbox, options, fate),
      fate,
      pace:
        options.rate === undefined
          ? undefined
          : new Pace(options.rate.limit, options.rate.intervalMillis, {
              now: inbox.now,
              fork: (effect) => inbox.fork(effect)
            })
    }
  }

  static make<A, E, B>(pool: Pool, options: CrewOptions<A, E, B>): Effect.Effect<Crew<A, E, B>> {
    return Effect.gen(function* () {
      const inbox: Inbox = yield* Inbox.make(pool, {
        plan: { from: [options.queue, retryQueue(options.queue)], isRanked: false },
        prefetch: options.prefetch,
        mostPrefetch: options.prefetch,
        prefetchMillis: options.prefetchMillis,
        fetchCount: options.fetchCount,
        fetchers: 1,
        ackWith: "ackjob",
        putBackWith: "enqueue",
        giveBack: (held) => crew.fate.giveBack(held),
        onUnbegun: (held) => crew.fate.records.returned(held.job.id),
        onEnded: (cause) => crew.fail(cause),
        closeMillis: options.closeMillis,
        ackTurns: 8
      })
      const crew: Crew<A, E, B> = new Crew(pool, inbox, options, yield* Effect.runtime<never>(), yield* isTraced)
      inbox.open()
      for (let i = 0; i < options.concurrency; i++) crew.start()
      return crew
    }).pipe(Effect.annotateLogs("queue", options.queue))
  }

  /** Fails once no node lets jobs be fetched, for a reason that no waiting mends. */
  readonly failed: Effect.Effect<never, GetJobsError> = Effect.async<never, GetJobsError>((resume) => {
    if (this.failure !== undefined) return resume(Effect.failCause(this.failure))
    const onFatal = (cause: Cause.Cause<GetJobsError>) => resume(Effect.failCause(cause))
    this.onFatal.add(onFatal)
    return Effect.sync(() => this.onFatal.delete(onFatal))
  })

  /**
   * Takes no more jobs until `resume`. Those that wait here for their next attempt go to the queue of the retries, after the
   * fetches that wait on the nodes have ended: else these would get what goes back.
   */
  readonly pause: Effect.Effect<void> = Effect.suspend(() =>
    this.inbox.handOver(
      Effect.zipRight(
        this.inbox.pause,
        Effect.sync(() => {
          if (!this.inbox.isHandingOut) this.fate.clear()
        })
      ),
      1
    )
  )

  /**
   * Takes no more jobs, and waits for handlers for the grace; then interrupts those that are left, and puts back their jobs.
   * Leases are kept to the end.
   */
  private readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const { closeMillis, graceMillis } = this.options
    const { inbox } = this
    this.isClosing = true
    this.fate.close()
    return Effect.gen(this, function* () {
      this.shared.pace?.close()
      const clear = Effect.sync(() => this.fate.clear())
      const stopping = yield* Effect.fork(Effect.interruptible(Effect.zipRight(inbox.closeFetch, clear)))
      yield* bounded(this.ended, graceMillis)
      const endBy = inbox.now() + closeMillis
      if (this.fibers.size > 0) {
        const what = this.fibers.size === 1 ? "a handler is" : `${this.fibers.size} handlers are`
        yield* quietly(Effect.logWarning(`${what} interrupted: not at an end within the grace`))
        for (const fiber of this.fibers) interruptLater(fiber)
        yield* bounded(this.ended, closeMillis / 2)
      }
      // A handler that cannot be interrupted goes on, and its job goes back all the same; nor does a fetch that is waited for hold
      // up what is here.
      const stopped = bounded(Fiber.await(stopping), closeMillis / 4)
      const closing = Effect.zipRight(stopped, Effect.zipRight(clear, inbox.close))
      if (!(yield* bounded(closing, endBy - inbox.now()))) {
        const what = `jobs that are not settled come back after their retry time (${inbox.size})`
        yield* Effect.zipRight(
          quietly(Effect.logError(`the worker could not close in time: ${what}`)),
          Effect.zipRight(Effect.forkDaemon(Fiber.interrupt(stopping)), inbox.end)
        )
      }
    })
  })

  /** Begins to close, where it has not; gives what closes it. */
  readonly closing: Effect.Effect<Fiber.Fiber<void>> = Effect.suspend(() =>
    this.closer === undefined
      ? Effect.tap(Effect.forkDaemon(this.close), (closer) =>
          Effect.sync(() => {
            this.closer = closer
          })
        )
      : Effect.succeed(this.closer)
  )

  private readonly ended: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.fibers.size === 0) return resume(Effect.void)
    this.onEnd = () => resume(Effect.void)
  })

  private start(): void {
    const fiber = this.runFork(Effect.mapInputContext(Lane.run(this.shared), () => this.options.contextOf([])))
    this.fibers.add(fiber)
    fiber.addObserver((exit) => {
      this.fibers.delete(fiber)
      if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) this.died(exit.cause)
      // One that was interrupted with its handler leaves its place to another, and so does one that died.
      if (!this.isClosing && this.failure === undefined) this.start()
      if (this.fibers.size === 0) this.onEnd?.()
    })
  }

  private died(cause: Cause.Cause<never>): void {
    if (this.deaths.areTooMany()) {
      this.fail(cause)
      return
    }
    this.inbox.fork(
      this.inbox.notices.say("a fiber of the worker died", (more) =>
        Effect.logError(`a fiber of the worker died, and is replaced: ${causeText(cause, more)}`)
      )
    )
  }

  private fail(cause: Cause.Cause<GetJobsError>): void {
    if (this.failure !== undefined) return
    this.failure = cause
    this.shared.pace?.close()
    this.inbox.fork(this.inbox.die(cause))
    for (const onFatal of [...this.onFatal]) onFatal(cause)
  }
}

// Each of them may die once for the same reason, and a few more for others.
const mostDeaths = 10
