/** Jobs on their way from the cluster to their consumers: fetched as there is room, kept under their leases, each settled once. */
import type { DisquePool, GetJobsError, Job } from "@disco/core"
import { consume, type Notices, Time, Timekeeper } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Runtime from "effect/Runtime"
import { BackgroundFibers } from "../internal/backgroundFibers.js"
import { keepAlive } from "../internal/keepAlive.js"
import type { QueuePlan } from "../internal/options.js"
import { Patience } from "../internal/patience.js"
import { FetchSwitch } from "./fetchSwitch.js"
import { FetchWindow, type FetchWindowOptions } from "./fetchWindow.js"
import type { LeasedJob, LeaseLost } from "./leasedJob.js"
import { LeasedJobs } from "./leasedJobs.js"
import { PrefetchBuffer } from "./prefetchBuffer.js"
import type { SettleError } from "./settleBatcher.js"
import { Settlement, type SettlementOptions } from "./settlement.js"
import { type NoMoreJobs, Takers } from "./takers.js"

export type { SettleError } from "./settleBatcher.js"

type Pool = DisquePool.Service

export interface InboxOptions extends Omit<FetchWindowOptions, "isRanked">, SettlementOptions {
  readonly plan: QueuePlan
  /** The longest that a GETJOB waits, in milliseconds; the slice of the pool by default. */
  readonly fetchTimeout?: number | undefined
  /** How many GETJOBs wait on each node. */
  readonly fetchers: number
  /** Gives back a job that nobody has settled; as `putBackWith` says by default. */
  readonly giveBack?: (leased: LeasedJob) => void
  /** Called with a job that is delivered again though nobody began it here: its lease was lost, or the job was let go. */
  readonly onUnbegun?: (leased: LeasedJob) => void
  /** Called with the reason if there will be no more jobs though the inbox has not closed. */
  readonly onEnded?: (cause: Cause.Cause<GetJobsError>) => void
  /** The longest that it may take to settle what is left when a run ends, or the inbox. */
  readonly closeMillis: number
}

// The longest GETJOB if there is room for one job at a time: the job may arrive at another node meanwhile.
const shortSliceMillis = 250
// The rest of the time is for the steps after it.
const endingPart = 0.5

export class Inbox {
  /** Bounds the time of all closes together: of the runs, and of the inbox after them. */
  readonly patience: Patience
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number
  /** Milliseconds since 1970. */
  readonly timeOfDay: () => number
  private readonly jobs: LeasedJobs
  private readonly settlement: Settlement
  private readonly takers: Takers
  private readonly pool: Pool
  private readonly options: InboxOptions
  private readonly background: BackgroundFibers
  private readonly window: FetchWindow
  private readonly fetching: FetchSwitch
  private readonly buffer: PrefetchBuffer
  private readonly bufferTimer: Timekeeper
  private consumers = 0
  private readonly closers = new Set<Effect.Effect<void>>()
  private isPaused = false
  private isReturning = false
  private isClosed = false
  private isEnded = false

  private constructor(pool: Pool, options: InboxOptions, clock: Clock.Clock, runtime: Runtime.Runtime<never>) {
    this.pool = pool
    this.options = options
    const now = () => Time.monotonicMillis(clock)
    this.now = now
    this.timeOfDay = () => clock.unsafeCurrentTimeMillis()
    this.patience = new Patience(now, options.closeMillis)
    this.background = new BackgroundFibers(clock, runtime)
    const { notices } = this.background
    const fork = (effect: Effect.Effect<void>) => this.background.fork(effect)
    this.buffer = new PrefetchBuffer(options.plan.from, options.plan.isRanked)
    this.bufferTimer = new Timekeeper(
      () => (this.isReturning ? Number.POSITIVE_INFINITY : this.buffer.oldest + options.prefetchMillis),
      (now) => this.returnStale(now)
    )
    this.jobs = new LeasedJobs({
      pool,
      now,
      notices,
      fork,
      onLost: (leased) => {
        if (!leased.isReady) return
        this.buffer.discount(leased)
        this.window.offer()
      },
      onUnbegun: (leased) => options.onUnbegun?.(leased)
    })
    this.settlement = new Settlement(
      {
        pool,
        notices,
        fork,
        jobs: {
          find: (id) => this.jobs.find(id),
          settle: (leased) => this.jobs.settle(leased),
          letGo: (leased) => this.jobs.letGo(leased)
        },
        isClosed: () => this.isClosed,
        keepReady: (leased) => this.keepReady(leased),
        onReadySettled: (leased) => this.buffer.discount(leased)
      },
      options
    )
    this.takers = new Takers({
      takeNow: () => this.takeNow(),
      reclaim: (leased) => this.handOut(leased),
      onWaiting: () => this.window.offer(),
      fork
    })
    this.window = new FetchWindow(
      { ...options, isRanked: options.plan.isRanked },
      {
        now,
        isOpen: () => this.isWanted && !this.fetching.isStopping,
        wanted: () => this.takers.wanted,
        ready: () => this.buffer.size
      }
    )
    this.fetching = new FetchSwitch({
      fetch: this.fetch,
      isWanted: () => this.isWanted && !this.isEnded,
      fork,
      onStopped: () => this.window.releaseAll()
    })
  }

  static make(pool: Pool, options: InboxOptions): Effect.Effect<Inbox> {
    return Effect.gen(function* () {
      const inbox = new Inbox(pool, options, yield* Effect.clock, yield* Effect.runtime<never>())
      for (const run of [inbox.jobs.renewals, inbox.bufferTimer.run]) {
        inbox.fork(Effect.catchAllCause(keepAlive("a timekeeper", run, inbox.now), (cause) => inbox.die(cause)))
      }
      return inbox
    })
  }

  /** A job that is ready. */
  takeNow(): LeasedJob | undefined {
    if (!this.isHandingOut) return undefined
    const leased = this.buffer.take()
    if (leased === undefined) return undefined
    this.window.taken()
    this.window.takenFromBatch(leased.fetchedAt)
    this.window.offer()
    leased.wasTaken = true
    return leased
  }

  /** Waits for the next job, if none is ready. */
  get wait(): Effect.Effect<LeasedJob, NoMoreJobs> {
    return this.takers.wait
  }

  /** Waits for one more job of a group that is begun, of which `missing` may still come. Fails with nothing after the time given. */
  waitFor(millis: number, missing: number): Effect.Effect<LeasedJob, NoMoreJobs> {
    return this.takers.waitFor(millis, missing)
  }

  /** Counts one more fiber that would take a job and lets another fiber wait in its place. */
  rest(): void {
    this.takers.rest()
  }

  /** Counts one such fiber less. */
  rise(): void {
    this.takers.rise()
  }

  /** Whether jobs are handed out at present. */
  get isHandingOut(): boolean {
    return !this.isPaused && !this.isClosed
  }

  /** Whether some consumer takes jobs. */
  private get isWanted(): boolean {
    return this.consumers > 0 && this.isHandingOut
  }

  /** Counts one more consumer: as long as there is none, no jobs are fetched. */
  open(): void {
    this.consumers += 1
    this.fetching.start()
    this.window.offer()
  }

  /**
   * Counts one consumer less, and puts back the jobs that the consumer leaves. When the last consumer leaves, jobs that were fetched
   * ahead go back too. They go back after the fetches that wait on the nodes have ended, or these fetches would get them. If a node does
   * not answer in time, all of this goes on in the background.
   */
  leave(left: ReadonlyArray<LeasedJob>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.consumers -= 1
      if (this.consumers > 0 || (left.length === 0 && this.buffer.size === 0)) {
        for (const leased of left) this.putBackLater(leased)
        return Effect.asVoid(this.patience.wait(this.settlement.settled, endingPart))
      }
      return this.handOver(this.putBackAll(left))
    })
  }

  /** Runs an effect in the background until the inbox ends. Waits for it, and for what was decided so far, for a part of the time. */
  handOver(effect: Effect.Effect<void>, part = endingPart): Effect.Effect<void> {
    return Effect.suspend(() => {
      const going = this.fork(effect)
      return Effect.asVoid(this.patience.wait(Effect.zipRight(Fiber.await(going), this.settlement.settled), part))
    })
  }

  /** Hands out no more jobs until `resume`, and puts back those that were fetched ahead. */
  readonly pause: Effect.Effect<void> = Effect.suspend(() => {
    this.isPaused = true
    // The jobs of groups that are begun go back too.
    this.takers.endFillers()
    return this.putBackAll([])
  })

  readonly resume: Effect.Effect<void> = Effect.sync(() => {
    this.isPaused = false
    this.fetching.start()
    // Jobs that could not go back before this are still here, and takers that came meanwhile wait for them.
    this.takers.serve()
    this.window.offer()
  })

  private putBackAll(left: ReadonlyArray<LeasedJob>): Effect.Effect<void> {
    return Effect.zipRight(
      this.fetching.stop,
      Effect.suspend(() => {
        for (const leased of left) this.putBackLater(leased)
        if (!this.isWanted) for (const leased of this.buffer.clear()) this.giveBack(leased)
        return Effect.void
      })
    )
  }

  private giveBack(leased: LeasedJob): void {
    if (this.options.giveBack !== undefined) this.options.giveBack(leased)
    else this.settlement.giveBack(leased)
  }

  /** Keeps a job that cannot go back at present, until a consumer takes it or it can go back. */
  keepReady(leased: LeasedJob): void {
    leased.state = "undecided"
    leased.readySince = this.now()
    this.makeReady(leased)
  }

  private makeReady(leased: LeasedJob): void {
    this.buffer.put(leased)
    this.bufferTimer.expect(leased.readySince + this.options.prefetchMillis)
  }

  // The jobs go back after the fetches that wait on the nodes have ended, or these fetches would get them.
  private returnStale(now: number): void {
    const { prefetchMillis } = this.options
    if (this.buffer.oldest > now - prefetchMillis) return
    this.window.shut()
    this.isReturning = true
    const giveBack = Effect.sync(() => {
      this.isReturning = false
      for (const leased of this.buffer.takeSince(this.now() - prefetchMillis)) this.giveBack(leased)
      this.bufferTimer.expect(this.buffer.oldest + prefetchMillis)
      this.window.offer()
    })
    this.fork(Effect.zipRight(this.fetching.stop, giveBack))
  }

  /** Whether one more job of so many may wait here for its next attempt. If so, it counts as fetched ahead until `unpark`. */
  park(most: number): boolean {
    return !this.isClosed && this.window.park(most)
  }

  /** Hands out a parked job for its next attempt. */
  unpark(leased: LeasedJob): void {
    this.window.unpark()
    leased.readySince = this.now()
    leased.hasBegun = false
    if (leased.isOurs) this.handOut(leased)
    else this.window.offer()
  }

  /** Notes that a parked job was moved elsewhere. */
  leavePark(): void {
    this.window.unpark()
    this.window.offer()
  }

  /** ACKJOB, with its result. */
  acknowledge(leased: LeasedJob): Effect.Effect<void, SettleError | LeaseLost> {
    return this.settlement.acknowledge(leased)
  }

  /** NACK, with its result. */
  nack(leased: LeasedJob): Effect.Effect<void, SettleError | LeaseLost> {
    return this.settlement.nack(leased)
  }

  /** ACKJOB with the next batch. */
  acknowledgeLater(leased: LeasedJob): void {
    this.settlement.acknowledgeLater(leased)
  }

  /** NACK or ENQUEUE with the next batch. */
  putBackLater(leased: LeasedJob): void {
    this.settlement.putBackLater(leased)
  }

  /** Takes back acknowledgements that have not been sent. */
  withdraw(jobs: ReadonlyArray<LeasedJob>): ReadonlyArray<LeasedJob> {
    return this.settlement.withdraw(jobs)
  }

  /** Moves a job to another queue by an effect that settles it. */
  move(leased: LeasedJob, effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> | undefined {
    return this.settlement.move(leased, effect)
  }

  /** Logs that an at-most-once job could not go back, and what becomes of the job. */
  logUnreturned(leased: LeasedJob, error: unknown, end: string): Effect.Effect<void> {
    return this.settlement.logUnreturned(leased, error, end)
  }

  /** Leaves a job to come again after its retry time. */
  letGo(leased: LeasedJob): void {
    this.jobs.letGo(leased)
  }

  /** Takes a job for lost: its node does not know it. */
  lose(leased: LeasedJob): void {
    this.jobs.lose(leased)
  }

  /** Renews the lease of a job, or finds out that it is lost. Waits a second at most. */
  check(leased: LeasedJob): Effect.Effect<void> {
    return this.jobs.check(leased)
  }

  /** Asks the node of a job whether the job is still ours. */
  confirm(leased: LeasedJob): Effect.Effect<boolean> {
    return this.jobs.confirm(leased)
  }

  /** How many jobs are here that are not settled yet. */
  get size(): number {
    return this.jobs.size
  }

  private stop(): void {
    this.isClosed = true
    this.takers.end(Exit.fail(Option.none()))
  }

  /** Hands out and fetches no more jobs, and puts back those that were fetched ahead. */
  readonly closeFetch: Effect.Effect<void> = Effect.suspend(() => {
    this.stop()
    return this.putBackAll([])
  })

  /** Puts back the jobs that are not settled, and ends when all of them are. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.stop()
    const closers = Effect.all([this.fetching.stop, ...this.closers], { concurrency: "unbounded", discard: true })
    // After this time the jobs here go back, even if a fetch or a handler has not ended.
    return this.patience.wait(closers, endingPart)
  }).pipe(
    Effect.zipRight(
      Effect.suspend(() => {
        for (const leased of this.jobs.all) this.giveBack(leased)
        this.settlement.hurry()
        return this.jobs.empty
      })
    ),
    // Acknowledgements of jobs that were lost are under way too.
    Effect.zipRight(Effect.suspend(() => this.settlement.settled)),
    Effect.zipRight(Effect.suspend(() => this.end))
  )

  /** Has an effect run when the inbox closes, before jobs that are not settled go back. Gives the function that cancels this. */
  onClose(effect: Effect.Effect<void>): () => void {
    this.closers.add(effect)
    return () => this.closers.delete(effect)
  }

  /** Interrupts all fibers of the inbox. */
  get end(): Effect.Effect<void> {
    return this.background.end
  }

  /** Ends all waits for jobs: for a reason that waiting does not mend, or because of a bug of this library that shows again and again. */
  die(cause: Cause.Cause<GetJobsError>): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.isEnded || Cause.isInterruptedOnly(cause)) return
      this.isEnded = true
      this.takers.end(Exit.mapError(Exit.failCause(cause), Option.some))
      this.options.onEnded?.(cause)
    })
  }

  /** Runs an effect until it ends, or the inbox does. */
  fork(effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> {
    return this.background.fork(effect)
  }

  /** The log, in which trouble of one kind is one line a minute. */
  get notices(): Notices {
    return this.background.notices
  }

  private readonly fetch: Effect.Effect<void> = Effect.suspend(() => {
    const { fetchCount, fetchers, fetchTimeout, plan, prefetch } = this.options
    const consuming = consume(this.pool, plan.from, {
      demand: (most) => this.window.reserve(most),
      receive: (jobs, reserved) => this.receive(jobs, reserved),
      ranked: plan.isRanked,
      count: fetchCount,
      perNode: fetchers,
      slice: fetchTimeout ?? (prefetch === 0 ? shortSliceMillis : undefined),
      unwanted: (jobs) => {
        for (const leased of this.jobs.add(jobs)) this.giveBack(leased)
      }
    })
    return Effect.catchAllCause(keepAlive("the fetching of jobs", consuming, this.now), (cause) => this.die(cause))
  })

  private receive(jobs: ReadonlyArray<Job.Job>, reserved: number): Effect.Effect<void> {
    return Effect.sync(() => {
      this.window.release(reserved)
      // Consumers waited, and the node gave as many jobs as it was asked for.
      const isShort = reserved > 1 && this.takers.areWaiting && this.buffer.size === 0
      if (jobs.length === reserved && isShort) this.window.grow()
      for (const leased of this.jobs.add(jobs)) this.handOut(leased)
      this.window.offer()
    })
  }

  // The job goes to the first taker, or to the buffer. If nobody takes jobs here, it goes back for other consumers. But while fetches
  // end, it stays in the buffer: one of these fetches would get it again.
  private handOut(leased: LeasedJob): void {
    const taker = this.isPaused ? undefined : this.takers.next()
    if (taker !== undefined) {
      this.window.taken()
      leased.wasTaken = true
      taker.fill(Exit.succeed(leased))
    } else if (this.isWanted || this.fetching.isStopping || this.isClosed) {
      this.makeReady(leased)
    } else {
      this.giveBack(leased)
    }
  }
}
