/** Jobs on their way from the cluster to those who take them: fetched as there is room, kept under their leases, each settled once. */
import { type DisquePool, type GetJobsError, type Job, Slot } from "@disco/core"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Runtime from "effect/Runtime"
import { background } from "../internal/background.js"
import { Notices } from "../internal/notice.js"
import type { QueuePlan } from "../internal/options.js"
import { Held, type LeaseLost } from "./held.js"
import { Leases } from "./leases.js"
import { type Done, type SettleError, Settler } from "./settler.js"
import { Shelf } from "./shelf.js"

type Pool = Context.Tag.Service<typeof DisquePool>

export type { SettleError } from "./settler.js"

export interface InboxOptions {
  readonly plan: QueuePlan
  /** How many jobs are fetched ahead of those that are taken. */
  readonly prefetch: number
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
  /** How many turns an acknowledgement that nobody waits for gathers others, and can be withdrawn. */
  readonly ackTurns: number
}

/** Fails with none where the inbox has closed. */
type Taker = Slot<Held, Option.Option<GetJobsError>>

/** A fetch that waits for room. */
interface Demander {
  readonly most: number
  readonly slot: Slot<number, never>
}

const ackBatch = 128
// A job that was fetched so long before it is taken could have waited in its queue for somebody else.
const longAheadMillis = 1000

export class Inbox {
  readonly held = new Set<Held>()
  readonly notices: Notices
  readonly now: () => number
  private readonly pool: Pool
  private readonly options: InboxOptions
  private readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  private readonly leases: Leases
  private readonly acks: Settler
  private readonly returns: Settler
  private readonly shelf: Shelf
  // In the order of arrival.
  private readonly takers = new Set<Taker>()
  private readonly demanders = new Set<Demander>()
  private resting = 0
  private reserved = 0
  private window: number
  /** When the jobs came that are taken at present. */
  private takenFrom = 0
  private consumers = 0
  private parked = 0
  private isStopping = false
  private isPaused = false
  private isClosed = false
  private failure: GetJobsError | undefined = undefined
  private fetching: Fiber.RuntimeFiber<void> | undefined = undefined
  private readonly background = new Set<Fiber.RuntimeFiber<void>>()
  private onEmpty: (() => void) | undefined = undefined

  private constructor(pool: Pool, options: InboxOptions, now: () => number, runtime: Runtime.Runtime<never>) {
    this.pool = pool
    this.options = options
    this.window = options.prefetch
    this.now = now
    this.notices = new Notices(now)
    this.runFork = background(runtime)
    this.shelf = new Shelf(options.plan.from, options.plan.isRanked)
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
    this.acks = new Settler({
      send: (jobs) => (options.ackWith === "fastack" ? pool.fastAckJob(jobs) : pool.ackJob(jobs)),
      fork,
      batch: ackBatch,
      turns: options.ackTurns
    })
    this.returns = new Settler({
      send: (jobs) => (options.putBackWith === "nack" ? pool.nackJob(jobs) : pool.enqueueJob(jobs)),
      fork,
      batch: ackBatch,
      turns: 1
    })
  }

  static make(pool: Pool, options: InboxOptions): Effect.Effect<Inbox> {
    return Effect.gen(function* () {
      const clock = yield* Effect.clock
      const runtime = yield* Effect.runtime<never>()
      const inbox = new Inbox(pool, options, () => clock.unsafeCurrentTimeMillis(), runtime)
      inbox.fork(inbox.leases.run)
      return inbox
    })
  }

  /** A job that is ready. */
  takeNow(): Held | undefined {
    if (this.isPaused || this.isClosed) return undefined
    const held = this.shelf.take()
    if (held === undefined) return undefined
    if (held.fetchedAt !== this.takenFrom) this.beginBatch(held.fetchedAt)
    this.offerRoom()
    return held
  }

  private beginBatch(fetchedAt: number): void {
    this.takenFrom = fetchedAt
    if (this.window > this.options.prefetch && this.now() - fetchedAt > longAheadMillis) {
      this.window = Math.max(this.options.prefetch, this.window >> 1)
    }
  }

  /** Waits for the next job, where none is ready. */
  readonly wait: Effect.Effect<Held, Option.Option<GetJobsError>> = Effect.suspend(() => {
    const slot = this.line()
    return Effect.onExit(slot.take, () => Effect.sync(() => this.takers.delete(slot)))
  })

  /** The same for a time; fails with none after it. */
  waitFor(millis: number): Effect.Effect<Held, Option.Option<GetJobsError>> {
    return Effect.suspend(() => {
      const slot = this.line()
      const late = Effect.sync(() => slot.fill(Exit.fail(Option.none())))
      const timer = this.fork(Effect.zipRight(Effect.sleep(millis), late))
      return Effect.onExit(slot.take, () =>
        Effect.sync(() => {
          this.takers.delete(slot)
          timer.unsafeInterruptAsFork(FiberId.none)
        })
      )
    })
  }

  private line(): Taker {
    const slot: Taker = new Slot((held) => this.shelve(held))
    if (this.failure !== undefined) slot.fill(Exit.fail(Option.some(this.failure)))
    else if (this.isClosed) slot.fill(Exit.fail(Option.none()))
    else this.seat(slot)
    this.offerRoom()
    return slot
  }

  // A job may have come since the taker found none.
  private seat(taker: Taker): void {
    const ready = this.takeNow()
    if (ready === undefined) this.takers.add(taker)
    else taker.fill(Exit.succeed(ready))
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

  /** Jobs that are ready, `most` at most. */
  takeReady(most: number): Array<Held> {
    const taken: Array<Held> = []
    while (taken.length < most) {
      const held = this.takeNow()
      if (held === undefined) break
      taken.push(held)
    }
    return taken
  }

  /** Counts one more who takes jobs: as long as there is none, none are fetched. */
  open(): void {
    this.consumers += 1
    this.startFetch()
    this.offerRoom()
  }

  /**
   * Counts one less, and puts back what it leaves. With the last, jobs that were fetched ahead go back too, after the fetches
   * that wait on the nodes have ended: else these would get them.
   */
  leave(left: ReadonlyArray<Held>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.consumers -= 1
      if (this.consumers > 0) {
        for (const held of left) this.putBackLater(held)
        return this.settled
      }
      if (left.length === 0 && this.shelf.size === 0) return this.settled
      return this.putBackAll(left)
    })
  }

  /** Stops to hand out jobs, and puts back those that were fetched ahead. */
  readonly pause: Effect.Effect<void> = Effect.suspend(() => {
    this.isPaused = true
    return this.putBackAll([])
  })

  readonly resume: Effect.Effect<void> = Effect.sync(() => {
    this.isPaused = false
    this.startFetch()
    this.offerRoom()
  })

  private putBackAll(left: ReadonlyArray<Held>): Effect.Effect<void> {
    return Effect.zipRight(
      this.stopFetch,
      Effect.suspend(() => {
        for (const held of left) this.putBackLater(held)
        if (!this.isWanted) this.clearShelf()
        return this.settled
      })
    )
  }

  /** Whether one more job of so many may wait here for its next attempt; where so, it counts as fetched ahead until `unpark`. */
  park(most: number): boolean {
    if (this.isClosed || this.parked >= most) return false
    this.parked += 1
    return true
  }

  /** Hands out a job that waited. */
  unpark(held: Held): void {
    this.parked -= 1
    if (held.state === "held" && held.lost === undefined) this.shelve(held)
    else this.offerRoom()
  }

  /** ACKJOB, and what came of it. A job whose lease is lost is acknowledged all the same: it may come again otherwise. */
  acknowledge(held: Held): Effect.Effect<void, SettleError | LeaseLost> {
    return Effect.suspend(() => {
      const { lost } = held
      if (held.state !== "held") return Effect.void
      const settled = this.settleNow(this.acks, held)
      return lost === undefined ? settled : Effect.zipRight(settled, Effect.fail(lost))
    })
  }

  /** NACK or ENQUEUE, and what came of it. A job whose lease is lost is in other hands already. */
  putBack(held: Held): Effect.Effect<void, SettleError | LeaseLost> {
    return Effect.suspend((): Effect.Effect<void, SettleError | LeaseLost> => {
      if (held.state !== "held") return Effect.void
      return held.lost === undefined ? this.settleNow(this.returns, held) : Effect.fail(held.lost)
    })
  }

  /** ACKJOB with the next batch. */
  acknowledgeLater(held: Held): void {
    if (held.state === "held") this.acks.add(held, this.acknowledged)
  }

  /** NACK or ENQUEUE with the next batch. */
  putBackLater(held: Held): void {
    if (held.state === "held" && held.lost === undefined) this.returns.add(held, this.returned)
  }

  /** Leaves a job to come again after its retry time. */
  letGo(held: Held): void {
    if (held.state === "held") this.settle(held)
  }

  /** Takes back acknowledgements that have not been sent. */
  withdraw(jobs: ReadonlyArray<Held>): ReadonlyArray<Held> {
    return this.acks.withdraw(jobs)
  }

  /** Ends when all that was decided so far has been answered. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() => Effect.zipRight(this.acks.settled, this.returns.settled))

  /** The number of jobs whose fate is not decided, or not known to the cluster. */
  get size(): number {
    return this.held.size
  }

  /** Ends the takers: nobody gets a job any more. */
  stop(): void {
    this.isClosed = true
    for (const taker of this.takers) taker.fill(Exit.fail(Option.none()))
    this.takers.clear()
  }

  /** Fetches no more, and puts back what is in no hands. */
  readonly closeFetch: Effect.Effect<void> = Effect.suspend(() => {
    this.stop()
    return this.putBackAll([])
  })

  /** Puts back what nobody has settled, and ends when everything is. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.stop()
    return this.stopFetch
  }).pipe(
    Effect.zipRight(
      Effect.async<void>((resume) => {
        for (const held of this.held) this.putBackLater(held)
        this.acks.hurry()
        if (this.held.size === 0) return resume(Effect.void)
        this.onEmpty = () => resume(Effect.void)
      })
    ),
    Effect.zipRight(Effect.suspend(() => this.end))
  )

  /** Ends what runs for the inbox, whatever it waits for. */
  readonly end: Effect.Effect<void> = Effect.sync(() => {
    for (const fiber of this.background) fiber.unsafeInterruptAsFork(FiberId.none)
  })

  private readonly fetch: Effect.Effect<void> = Effect.suspend(() => {
    const { fetchCount, fetchers, fetchTimeout, plan, putBackWith } = this.options
    return this.pool.consume(plan.from, {
      demand: (most) => this.demand(most),
      receive: (jobs, reserved) => this.receive(jobs, reserved),
      ranked: plan.isRanked,
      count: fetchCount,
      perNode: fetchers,
      slice: fetchTimeout,
      unwanted: putBackWith
    })
  }).pipe(
    Effect.catchAll((error) =>
      Effect.sync(() => {
        this.failure = error
        for (const taker of this.takers) taker.fill(Exit.fail(Option.some(error)))
        this.takers.clear()
      })
    )
  )

  /** Whether somebody takes jobs. */
  private get isWanted(): boolean {
    return this.consumers > 0 && !this.isPaused && !this.isClosed
  }

  private startFetch(): void {
    if (this.fetching !== undefined || !this.isWanted || this.failure !== undefined) return
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

  /** Runs an effect until it ends, or the inbox does. */
  fork(effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> {
    const fiber = this.runFork(effect)
    this.background.add(fiber)
    fiber.addObserver(() => this.background.delete(fiber))
    return fiber
  }

  private settleNow(settler: Settler, held: Held): Effect.Effect<void, SettleError> {
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
        this.notices.say(`settle ${held.job.node} ${what}`, (more) =>
          Effect.annotateLogs(
            Effect.logWarning(`a job could not be ${what}, and comes back after its retry time${more}`, outcome.cause),
            { queue: held.job.queue, job: held.job.id }
          )
        )
      )
    }
  }

  private settle(held: Held): void {
    held.state = "settled"
    this.forget(held)
  }

  private forget(held: Held): void {
    if (!this.held.delete(held)) return
    if (this.held.size === 0) this.onEmpty?.()
    // Jobs in our hands are not ready ones: there is room when they were lost on the shelf.
    if (held.lost !== undefined) this.offerRoom()
  }

  private get room(): number {
    if (!this.isWanted || this.isStopping) return 0
    return this.window + this.takers.size + this.resting - this.shelf.size - this.parked - this.reserved
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
      const isWanted = this.takers.size + this.resting > this.shelf.size + this.reserved
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
      const now = this.now()
      for (const job of jobs) {
        const held = new Held(job, now, this.leases.first(job.id, now))
        this.held.add(held)
        this.leases.expect(held.renewAt)
        this.shelve(held)
      }
      this.offerRoom()
    })
  }

  // To the first who waits, or to the shelf. A job for which nobody will come is not kept from others; but while fetches end, one of them would get it.
  private shelve(held: Held): void {
    const [taker] = this.takers
    if (taker !== undefined && !this.isPaused) {
      this.takers.delete(taker)
      taker.fill(Exit.succeed(held))
    } else if (this.isWanted || this.isStopping || this.isClosed) {
      this.shelf.put(held)
    } else {
      this.putBackLater(held)
    }
  }

  private clearShelf(): void {
    for (const held of this.shelf.clear()) this.putBackLater(held)
  }
}
