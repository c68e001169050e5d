/** Jobs on their way from the cluster to those who take them: fetched as there is room, kept under their leases, each settled once. */
import { type DisquePool, type GetJobsError, type Job, JobId } from "@disco/core"
import { consume, Notices, Slot, Time, Timekeeper } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Runtime from "effect/Runtime"
import { causeText, kindOf, textOf } from "../internal/failure.js"
import { keepAlive } from "../internal/keepAlive.js"
import type { QueuePlan } from "../internal/options.js"
import { Patience } from "../internal/patience.js"
import { forkInterruptible, interruptLater } from "../internal/runtime.js"
import { copyOptions, factsOf } from "./jobCopy.js"
import { LeasedJob, type LeaseLost } from "./leasedJob.js"
import { Leases } from "./leases.js"
import { PrefetchBuffer } from "./prefetchBuffer.js"
import { type Done, SettleBatcher, type SettleError } from "./settleBatcher.js"

type Pool = DisquePool.Service

export type { SettleError } from "./settleBatcher.js"

export interface InboxOptions {
  readonly plan: QueuePlan
  /** How many jobs are fetched ahead of those that are taken. */
  readonly prefetch: number
  /** How long such a job waits to be taken before it goes back, in milliseconds. */
  readonly prefetchMillis: number
  /** How many there may be for consumers that are faster than one GETJOB after another. */
  readonly mostPrefetch: number
  /** The most jobs of one GETJOB. */
  readonly fetchCount: number
  /** The longest that a GETJOB waits, in milliseconds; the slice of the pool where it is left open. */
  readonly fetchTimeout?: number | undefined
  /** How many GETJOBs wait on each node. */
  readonly fetchers: number
  readonly ackWith: "ackjob" | "fastack"
  /** How jobs go back. */
  readonly putBackWith: "nack" | "enqueue"
  /** Gives back a job that nobody has settled; as `putBackWith` says, unless there is more to it. */
  readonly giveBack?: (held: LeasedJob) => void
  /** Is told of a job that comes again though nobody began with it: it was lost, or has to be let go. */
  readonly onUnbegun?: (held: LeasedJob) => void
  /** Is told why there will be no more jobs, where the inbox has not closed. */
  readonly onEnded?: (cause: Cause.Cause<GetJobsError>) => void
  /** The longest that it may take to settle what is left where a run ends, or the inbox. */
  readonly closeMillis: number
  /** How many turns an acknowledgement that nobody waits for gathers others, and can be withdrawn. */
  readonly ackTurns: number
}

/** What ends an inbox that has not closed. */
export type Ended = Exit.Exit<never, GetJobsError>

/** Fails with none where the inbox has closed. */
type Taker = Slot<LeasedJob, Option.Option<GetJobsError>>

/** A fetch that waits for room. */
interface Demander {
  readonly most: number
  readonly slot: Slot<number, never>
}

const ackBatch = 128
// A job that was fetched so long before it is taken could have waited in its queue for somebody else.
const longAheadMillis = 1000
// How long the lease of a job that waited here is asked after before its next attempt.
const checkMillis = 1000
// Where one GETJOB must not wait for long on its node, as there is room for one job and it may come to another node.
const shortSliceMillis = 250
// The rest of the time is for what ends after it.
const endingPart = 0.5

export class Inbox {
  /** The jobs in our keeping, by their ids. */
  private readonly held = new Map<string, LeasedJob>()
  readonly notices: Notices
  /** The time for all that ends together: runs, and the inbox after them. */
  readonly patience: Patience
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number
  /** Milliseconds since 1970. */
  readonly timeOfDay: () => number
  private readonly pool: Pool
  private readonly options: InboxOptions
  private readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  private readonly leases: Leases
  private readonly acks: SettleBatcher
  private readonly returns: SettleBatcher
  private readonly shelf: PrefetchBuffer
  private readonly shelfKeeper: Timekeeper
  // In the order of arrival.
  private readonly takers = new Set<Taker>()
  /** Takers that have jobs already, and fill up a group: they go before the others. */
  private readonly fillers = new Set<Taker>()
  /** How many more than one each the fillers would take. */
  private missing = 0
  private readonly demanders = new Set<Demander>()
  private resting = 0
  private reserved = 0
  /** How many jobs may be fetched ahead at present. */
  private window: number
  /** When a job was taken last, while less is fetched ahead than may be. */
  private takenAt = Number.NEGATIVE_INFINITY
  /** When the jobs came that are taken at present. */
  private takenFrom = 0
  private consumers = 0
  private parked = 0
  private moving = 0
  private readonly onMoved = new Set<() => void>()
  private isStopping = false
  private isPaused = false
  private isReturning = false
  private isClosed = false
  private ended: Ended | undefined = undefined
  private fetching: Fiber.RuntimeFiber<void> | undefined = undefined
  private readonly background = new Set<Fiber.RuntimeFiber<void>>()
  private onEmpty: (() => void) | undefined = undefined

  private constructor(pool: Pool, options: InboxOptions, clock: Clock.Clock, runtime: Runtime.Runtime<never>) {
    this.pool = pool
    this.options = options
    this.window = options.prefetch
    this.now = () => Time.monotonicMillis(clock)
    this.timeOfDay = () => clock.unsafeCurrentTimeMillis()
    const { now } = this
    this.patience = new Patience(now, options.closeMillis)
    this.runFork = forkInterruptible(runtime)
    this.notices = new Notices(clock, this.runFork)
    this.shelf = new PrefetchBuffer(options.plan.from, options.plan.isRanked)
    this.shelfKeeper = new Timekeeper(
      () => (this.isReturning ? Number.POSITIVE_INFINITY : this.shelf.oldest + options.prefetchMillis),
      (now) => this.returnStale(now)
    )
    const fork = (effect: Effect.Effect<void>) => {
      this.fork(effect)
    }
    this.leases = new Leases({
      pool,
      now,
      held: this.held,
      fork,
      notices: this.notices,
      onLost: (held) => this.forget(held)
    })
    this.acks = new SettleBatcher({
      send: (jobs) => (options.ackWith === "fastack" ? pool.fastAckJob(jobs) : pool.ackJob(jobs)),
      fork,
      state: "settling",
      batch: ackBatch,
      turns: options.ackTurns
    })
    this.returns = new SettleBatcher({
      send: (jobs) => (options.putBackWith === "nack" ? pool.nackJob(jobs) : pool.enqueueJob(jobs)),
      fork,
      state: "returning",
      batch: ackBatch,
      turns: 1
    })
  }

  static make(pool: Pool, options: InboxOptions): Effect.Effect<Inbox> {
    return Effect.gen(function* () {
      const clock = yield* Effect.clock
      const runtime = yield* Effect.runtime<never>()
      const inbox = new Inbox(pool, options, clock, runtime)
      for (const run of [inbox.leases.run, inbox.shelfKeeper.run]) {
        inbox.fork(Effect.catchAllCause(keepAlive("a timekeeper", run, inbox.now), (cause) => inbox.die(cause)))
      }
      return inbox
    })
  }

  /** A job that is ready. */
  takeNow(): LeasedJob | undefined {
    if (this.isPaused || this.isClosed) return undefined
    const held = this.shelf.take()
    if (held === undefined) return undefined
    if (this.window < this.options.prefetch) this.widen()
    if (held.fetchedAt !== this.takenFrom) this.beginBatch(held.fetchedAt)
    this.offerRoom()
    held.wasTaken = true
    return held
  }

  // Jobs went back, because nobody began with them in time. More are fetched ahead once they are taken faster than that.
  private widen(): void {
    const now = this.now()
    const { prefetch, prefetchMillis } = this.options
    if (now - this.takenAt < prefetchMillis) this.window = Math.min(prefetch, Math.max(1, this.window * 2))
    this.takenAt = now
  }

  private beginBatch(fetchedAt: number): void {
    this.takenFrom = fetchedAt
    if (this.window > this.options.prefetch && this.now() - fetchedAt > longAheadMillis) {
      this.window = Math.max(this.options.prefetch, this.window >> 1)
    }
  }

  /** Waits for the next job, where none is ready. */
  readonly wait: Effect.Effect<LeasedJob, Option.Option<GetJobsError>> = Effect.suspend(() => {
    const slot = this.line(this.takers)
    return Effect.onExit(slot.take, () => Effect.sync(() => this.takers.delete(slot)))
  })

  /** Waits for one more job of a group that is begun, of which `missing` may still come; fails with none after the time given. */
  waitFor(millis: number, missing: number): Effect.Effect<LeasedJob, Option.Option<GetJobsError>> {
    return Effect.suspend(() => {
      this.missing += missing - 1
      const slot = this.line(this.fillers)
      const late = Effect.sync(() => slot.fill(Exit.fail(Option.none())))
      const timer = this.fork(Effect.zipRight(Time.sleep(millis), late))
      return Effect.onExit(slot.take, () =>
        Effect.sync(() => {
          this.missing -= missing - 1
          this.fillers.delete(slot)
          interruptLater(timer)
        })
      )
    })
  }

  private line(takers: Set<Taker>): Taker {
    const slot: Taker = new Slot((held) => this.shelve(held))
    if (this.ended !== undefined) slot.fill(Exit.mapError(this.ended, Option.some))
    else if (this.isClosed) slot.fill(Exit.fail(Option.none()))
    else this.seat(slot, takers)
    this.offerRoom()
    return slot
  }

  // A job may have come since the taker found none.
  private seat(taker: Taker, takers: Set<Taker>): void {
    const ready = this.takeNow()
    if (ready === undefined) takers.add(taker)
    else taker.fill(Exit.succeed(ready))
  }

  private endTakers(exit: Exit.Exit<never, Option.Option<GetJobsError>>): void {
    for (const takers of [this.fillers, this.takers]) {
      for (const taker of takers) taker.fill(exit)
      takers.clear()
    }
  }

  /** Counts one more who would take a job, but leaves it to another to wait for it. */
  rest(): void {
    this.resting += 1
    this.offerRoom()
  }

  /** Counts one less. */
  rise(): void {
    this.resting -= 1
  }

  /** Counts one more who takes jobs: as long as there is none, none are fetched. */
  open(): void {
    this.consumers += 1
    this.startFetch()
    this.offerRoom()
  }

  /**
   * Counts one less, and puts back what it leaves. With the last, jobs that were fetched ahead go back too, after the fetches
   * that wait on the nodes have ended: else these would get them. All of that goes on where a node is waited for in vain.
   */
  leave(left: ReadonlyArray<LeasedJob>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.consumers -= 1
      if (this.consumers > 0 || (left.length === 0 && this.shelf.size === 0)) {
        for (const held of left) this.putBackLater(held)
        return Effect.asVoid(this.patience.wait(this.settled, endingPart))
      }
      return this.handOver(this.putBackAll(left))
    })
  }

  /** Goes on with an effect until the inbox ends, and waits for it and what was decided so far for a part of the time. */
  handOver(effect: Effect.Effect<void>, part = endingPart): Effect.Effect<void> {
    return Effect.suspend(() => {
      const going = this.fork(effect)
      return Effect.asVoid(this.patience.wait(Effect.zipRight(Fiber.await(going), this.settled), part))
    })
  }

  /** Stops to hand out jobs, and puts back those that were fetched ahead. */
  readonly pause: Effect.Effect<void> = Effect.suspend(() => {
    this.isPaused = true
    // What they have goes back too.
    for (const filler of this.fillers) filler.fill(Exit.fail(Option.none()))
    return this.putBackAll([])
  })

  readonly resume: Effect.Effect<void> = Effect.sync(() => {
    this.isPaused = false
    this.startFetch()
    // Jobs that could not go back before this are still here, and takers that came meanwhile wait for them.
    for (const takers of [this.fillers, this.takers]) {
      for (const taker of takers) {
        const held = this.takeNow()
        if (held === undefined) break
        takers.delete(taker)
        taker.fill(Exit.succeed(held))
      }
    }
    this.offerRoom()
  })

  /** Whether jobs are handed out at present. */
  get isHandingOut(): boolean {
    return !this.isPaused && !this.isClosed
  }

  private putBackAll(left: ReadonlyArray<LeasedJob>): Effect.Effect<void> {
    return Effect.zipRight(
      this.stopFetch,
      Effect.suspend(() => {
        for (const held of left) this.putBackLater(held)
        if (!this.isWanted) for (const held of this.shelf.clear()) this.giveBack(held)
        return Effect.void
      })
    )
  }

  /** Gives back a job that nobody has settled. */
  private giveBack(held: LeasedJob): void {
    if (this.options.giveBack !== undefined) this.options.giveBack(held)
    else if (held.wasTaken || JobId.isAtLeastOnce(held.job.id)) this.putBackLater(held)
    else this.move(held, this.addAgain(held))
  }

  // Neither NACK nor ENQUEUE brings back a job that is delivered once. Nobody has seen this one, so it is added once more.
  private addAgain(held: LeasedJob): Effect.Effect<void> {
    const { job } = held
    return Effect.flatMap(factsOf(this.pool, job), (facts) => {
      if (facts === "unknown") return Effect.void
      return Effect.matchEffect(this.pool.addJob(job.queue, job.body, copyOptions(job, facts, 0)), {
        onFailure: (error) => {
          if (!this.isClosed) this.keepReady(held)
          return this.sayUnreturned(held, error, this.isClosed ? "is lost" : "stays here")
        },
        onSuccess: () => Effect.sync(() => this.acknowledgeLater(held))
      })
    })
  }

  /** Says that a job that is delivered once cannot go back, and what becomes of it. */
  sayUnreturned({ job }: LeasedJob, error: unknown, end: string): Effect.Effect<void> {
    return this.notices.say(`return ${job.queue} ${kindOf(error)}`, (more) =>
      Effect.annotateLogs(
        Effect.logError(`a job could not go back, and ${end}, as it is delivered once only: ${textOf(error)}${more}`),
        { queue: job.queue, job: job.id }
      )
    )
  }

  /** Keeps a job that cannot go back, until somebody takes it or it can. */
  keepReady(held: LeasedJob): void {
    held.state = "held"
    held.readySince = this.now()
    this.shelf.put(held)
    this.shelfKeeper.expect(held.readySince + this.options.prefetchMillis)
  }

  // After the fetches that wait on the nodes have ended: else these would get them.
  private returnStale(now: number): void {
    const { prefetchMillis } = this.options
    if (this.shelf.oldest > now - prefetchMillis) return
    this.window = 0
    this.isReturning = true
    const giveBack = Effect.sync(() => {
      this.isReturning = false
      for (const held of this.shelf.takeSince(this.now() - prefetchMillis)) this.giveBack(held)
      this.shelfKeeper.expect(this.shelf.oldest + prefetchMillis)
      this.offerRoom()
    })
    this.fork(Effect.zipRight(this.stopFetch, giveBack))
  }

  /** Whether one more job of so many may wait here for its next attempt; where so, it counts as fetched ahead until `unpark`. */
  park(most: number): boolean {
    if (this.isClosed || this.parked >= most) return false
    this.parked += 1
    return true
  }

  /** Hands out a job that waited. */
  unpark(held: LeasedJob): void {
    this.parked -= 1
    held.readySince = this.now()
    held.hasBegun = false
    if (held.isOurs) this.shelve(held)
    else this.offerRoom()
  }

  /** Lets a job that waited here go another way. */
  leavePark(): void {
    this.parked -= 1
    this.offerRoom()
  }

  /** Takes a job elsewhere: until the effect has settled it, nothing else becomes of it. What is left of it comes again. */
  move(held: LeasedJob, effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> | undefined {
    if (held.state !== "held") return undefined
    held.state = "moving"
    this.moving += 1
    const fiber = this.fork(effect)
    fiber.addObserver(() => {
      if (held.state === "moving") this.letGo(held)
      this.moving -= 1
      if (this.moving === 0) for (const resume of [...this.onMoved]) resume()
    })
    return fiber
  }

  private readonly moved: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.moving === 0) return resume(Effect.void)
    const onMoved = () => resume(Effect.void)
    this.onMoved.add(onMoved)
    return Effect.sync(() => this.onMoved.delete(onMoved))
  })

  /** ACKJOB, and what came of it. A job whose lease is lost is acknowledged all the same: it may come again otherwise. */
  acknowledge(held: LeasedJob): Effect.Effect<void, SettleError | LeaseLost> {
    return Effect.suspend(() => {
      const { lost } = held
      if (held.state !== "held") return Effect.void
      const settled = this.settleNow(this.acks, held)
      return lost === undefined ? settled : Effect.zipRight(settled, Effect.fail(lost))
    })
  }

  /** NACK or ENQUEUE, and what came of it. A job whose lease is lost is in other hands already. */
  putBack(held: LeasedJob): Effect.Effect<void, SettleError | LeaseLost> {
    return Effect.suspend((): Effect.Effect<void, SettleError | LeaseLost> => {
      if (held.state !== "held") return Effect.void
      return held.lost === undefined ? this.settleNow(this.returns, held) : Effect.fail(held.lost)
    })
  }

  /** ACKJOB with the next batch. */
  acknowledgeLater(held: LeasedJob): void {
    if (held.state !== "held" && held.state !== "moving") return
    this.acks.add(held, this.acknowledged)
    if (held.lost === undefined) return
    // It was delivered again, and waits here: it need not be done again.
    const again = this.held.get(held.job.id)
    if (again?.isReady !== true) return
    this.shelf.discount(again)
    this.acks.add(again, this.acknowledged)
  }

  /** NACK or ENQUEUE with the next batch. */
  putBackLater(held: LeasedJob): void {
    if (held.isOurs) this.returns.add(held, this.returned)
  }

  /** Leaves a job to come again after its retry time. */
  letGo(held: LeasedJob): void {
    if (held.state !== "held" && held.state !== "moving") return
    if (!held.hasBegun) this.options.onUnbegun?.(held)
    this.settle(held)
  }

  /** Takes a job for lost: its node does not know it. */
  lose(held: LeasedJob): void {
    this.leases.lose(held, "unknown")
  }

  /** Renews the lease of a job, or finds out that it is lost; what takes longer than a moment is not waited for. */
  check(held: LeasedJob): Effect.Effect<void> {
    return JobId.isAtLeastOnce(held.job.id)
      ? Effect.asVoid(Time.timeoutOption(this.leases.renew(held), checkMillis))
      : Effect.void
  }

  /**
   * Says whether a job is still ours, once its node has, where its lease may have run out: this process was held up. One whose
   * node does not say so in a moment is let go, and comes again.
   */
  confirm(held: LeasedJob): Effect.Effect<boolean> {
    return Effect.map(Time.timeoutOption(this.leases.confirm(held), checkMillis), (confirmed) => {
      if (Option.isNone(confirmed)) this.letGo(held)
      return held.isOurs
    })
  }

  /** Takes back acknowledgements that have not been sent. */
  withdraw(jobs: ReadonlyArray<LeasedJob>): ReadonlyArray<LeasedJob> {
    return this.acks.withdraw(jobs)
  }

  /** Ends when all that was decided so far has been answered. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() =>
    Effect.zipRight(this.moved, Effect.zipRight(this.acks.settled, this.returns.settled))
  )

  /** The number of jobs whose fate is not decided, or not known to the cluster. */
  get size(): number {
    return this.held.size
  }

  /** Ends the takers: nobody gets a job any more. */
  stop(): void {
    this.isClosed = true
    this.endTakers(Exit.fail(Option.none()))
  }

  /** Fetches no more, and puts back what is in no hands. */
  readonly closeFetch: Effect.Effect<void> = Effect.suspend(() => {
    this.stop()
    return this.putBackAll([])
  })

  /** Puts back what nobody has settled, and ends when everything is. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.stop()
    // What is here goes back, whether or not a node answers for what may yet come.
    return this.patience.wait(this.stopFetch, endingPart)
  }).pipe(
    Effect.zipRight(
      Effect.async<void>((resume) => {
        for (const held of [...this.held.values()]) this.giveBack(held)
        this.acks.hurry()
        if (this.held.size === 0) return resume(Effect.void)
        this.onEmpty = () => resume(Effect.void)
      })
    ),
    // Acknowledgements of jobs that were lost are under way too.
    Effect.zipRight(Effect.suspend(() => this.settled)),
    Effect.zipRight(Effect.suspend(() => this.end))
  )

  /** Ends what runs for the inbox, whatever it waits for. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    for (const fiber of this.background) interruptLater(fiber)
    return this.notices.end
  })

  private readonly fetch: Effect.Effect<void> = Effect.suspend(() => {
    const { fetchCount, fetchers, fetchTimeout, plan, prefetch } = this.options
    const consuming = consume(this.pool, plan.from, {
      demand: (most) => this.demand(most),
      receive: (jobs, reserved) => this.receive(jobs, reserved),
      ranked: plan.isRanked,
      count: fetchCount,
      perNode: fetchers,
      slice: fetchTimeout ?? (prefetch === 0 ? shortSliceMillis : undefined),
      unwanted: (jobs) => {
        for (const held of this.keep(jobs)) this.giveBack(held)
      }
    })
    return Effect.catchAllCause(keepAlive("the fetching of jobs", consuming, this.now), (cause) => this.die(cause))
  })

  /** Ends all who wait for jobs: for a reason that no waiting mends, or a fault of ours that happens again and again. */
  die(cause: Cause.Cause<GetJobsError>): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.ended !== undefined || Cause.isInterruptedOnly(cause)) return
      this.ended = Exit.failCause(cause)
      this.endTakers(Exit.mapError(this.ended, Option.some))
      this.options.onEnded?.(cause)
    })
  }

  /** Whether somebody takes jobs. */
  private get isWanted(): boolean {
    return this.consumers > 0 && !this.isPaused && !this.isClosed
  }

  private startFetch(): void {
    if (this.fetching !== undefined || !this.isWanted || this.ended !== undefined) return
    const fetching = this.fork(this.fetch)
    this.fetching = fetching
    fetching.addObserver(() => {
      this.fetching = undefined
      this.isStopping = false
      this.reserved = 0
      this.startFetch()
    })
  }

  /** Ends when no fetch waits on a node any more: the replies still due are read. */
  private readonly stopFetch: Effect.Effect<void> = Effect.suspend(() => {
    if (this.fetching === undefined) return Effect.void
    this.isStopping = true
    return Effect.asVoid(Fiber.interrupt(this.fetching))
  })

  /** Runs an effect until it ends, or the inbox does. One that dies is a fault of ours, and is said. */
  fork(effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> {
    const fiber = this.runFork(effect)
    this.background.add(fiber)
    fiber.addObserver((exit) => {
      this.background.delete(fiber)
      if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return
      const { cause } = exit
      this.runFork(this.notices.say("died", (more) => Effect.logError(`a fiber died: ${causeText(cause, more)}`)))
    })
    return fiber
  }

  private settleNow(settler: SettleBatcher, held: LeasedJob): Effect.Effect<void, SettleError> {
    return Effect.async<void, SettleError>((resume) => {
      settler.add(held, (outcome) => {
        if (Exit.isSuccess(outcome)) {
          this.settle(held)
          resume(Effect.void)
        } else {
          // Whoever asked for it may ask again.
          held.state = "held"
          if (this.isClosed) this.putBackLater(held)
          resume(Effect.failCause(outcome.cause))
        }
      })
      settler.hurry()
    })
  }

  private readonly acknowledged = this.settledAs("acknowledged")
  private readonly returned = this.settledAs("put back")

  private settledAs(what: string): Done {
    return (outcome, held) => {
      this.settle(held)
      if (Exit.isSuccess(outcome) || Exit.isInterrupted(outcome)) return
      this.fork(
        this.notices.say(`settle ${held.job.queue} ${held.job.node} ${what}`, (more) =>
          Effect.annotateLogs(
            Effect.logWarning(
              `a job could not be ${what}, and comes back after its retry time: ${causeText(outcome.cause, more)}`
            ),
            { queue: held.job.queue, job: held.job.id }
          )
        )
      )
    }
  }

  private settle(held: LeasedJob): void {
    held.state = "settled"
    this.forget(held)
  }

  private forget(held: LeasedJob): void {
    if (this.held.get(held.job.id) !== held) return
    this.held.delete(held.job.id)
    if (this.held.size === 0) this.onEmpty?.()
    if (held.lost === undefined) return
    if (!held.hasBegun) this.options.onUnbegun?.(held)
    if (!held.isReady) return
    this.shelf.discount(held)
    this.offerRoom()
  }

  private get room(): number {
    if (!this.isWanted || this.isStopping) return 0
    return Math.max(0, this.window - this.parked) + this.wanting - this.shelf.size - this.reserved
  }

  /** How many jobs would be taken at once. */
  private get wanting(): number {
    return this.takers.size + this.fillers.size + this.missing + this.resting
  }

  private demand(most: number): Effect.Effect<number> {
    return Effect.suspend(() => {
      const demander: Demander = {
        most,
        slot: new Slot<number, never>((granted) => {
          this.reserved -= granted
          this.offerRoom()
        })
      }
      this.demanders.add(demander)
      this.offerRoom()
      return Effect.onExit(demander.slot.take, () => Effect.sync(() => this.demanders.delete(demander)))
    })
  }

  // Grants what room there is, first come first served. A poll for many waits until half of the prefetch is free: else it would
  // ask for each job by itself. Where queues have ranks it does not, for what has come to the first of them is wanted next.
  private offerRoom(): void {
    const { fetchCount, plan } = this.options
    for (const demander of this.demanders) {
      const { room } = this
      if (room < 1) return
      const isWanted = this.wanting > this.shelf.size + this.reserved
      const least = plan.isRanked ? 1 : Math.min(demander.most, Math.ceil(this.window / 2), fetchCount)
      if (room < least && !isWanted) continue
      this.demanders.delete(demander)
      const granted = Math.min(demander.most, room)
      this.reserved += granted
      demander.slot.fill(Exit.succeed(granted))
    }
  }

  private receive(jobs: ReadonlyArray<Job.Job>, reserved: number): Effect.Effect<void> {
    return Effect.sync(() => {
      this.reserved -= reserved
      // Consumers waited, and there is more where these came from.
      if (jobs.length === reserved && reserved > 1 && this.takers.size > 0 && this.shelf.size === 0) {
        this.window = Math.min(this.options.mostPrefetch, this.window * 2)
      }
      for (const held of this.keep(jobs)) this.shelve(held)
      this.offerRoom()
    })
  }

  /** Takes jobs into our keeping. */
  private keep(jobs: ReadonlyArray<Job.Job>): ReadonlyArray<LeasedJob> {
    const now = this.now()
    const kept: Array<LeasedJob> = []
    for (const job of jobs) {
      if (this.isSettledAlready(job)) continue
      const held = new LeasedJob(job, now, this.leases.first(job.id, now))
      this.held.set(job.id, held)
      this.leases.expect(held.renewAt)
      kept.push(held)
    }
    return kept
  }

  // A job that comes again while it is in our hands was delivered once more: so it was lost there. If what was decided about it is
  // on its way, that settles this delivery too.
  private isSettledAlready({ id }: Job.Job): boolean {
    const held = this.held.get(id)
    if (held === undefined || held.state === "returning") return false
    if (held.state !== "held") return true
    this.leases.lose(held, held.isPostponable ? "expired" : "too-old")
    return false
  }

  // To the first who waits, or to the shelf. A job for which nobody will come is not kept from others; but while fetches end, one of them would get it.
  private shelve(held: LeasedJob): void {
    const takers = this.fillers.size > 0 ? this.fillers : this.takers
    const [taker] = takers
    if (taker !== undefined && !this.isPaused) {
      takers.delete(taker)
      if (this.window < this.options.prefetch) this.widen()
      held.wasTaken = true
      taker.fill(Exit.succeed(held))
    } else if (this.isWanted || this.isStopping || this.isClosed) {
      this.shelf.put(held)
      this.shelfKeeper.expect(held.readySince + this.options.prefetchMillis)
    } else {
      this.giveBack(held)
    }
  }
}
