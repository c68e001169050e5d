/** Settling in batches: what is decided about jobs goes to their nodes in as few commands as can be. */
import type { DisquePool, Job } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Schedule from "effect/Schedule"
import type { LeasedJob } from "./leasedJob.js"

type Pool = DisquePool.Service

/** What settling a job can fail with. */
export type SettleError = Effect.Effect.Error<ReturnType<Pool["nackJob"]>>

type Outcome = Exit.Exit<unknown, SettleError>

/** Called with what became of a job. */
export type Done = (outcome: Outcome, leased: LeasedJob) => void

interface Entry {
  readonly leased: LeasedJob
  readonly done: Done
}

/** What goes to one node. */
interface Lane {
  pending: Array<Entry>
  isUrgent: boolean
  isRunning: boolean
}

interface Owner {
  readonly send: (jobs: ReadonlyArray<Job.Job>) => Effect.Effect<unknown, SettleError>
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** What a job is while it is being settled. */
  readonly state: "settling" | "returning"
  /** The most jobs of one command. */
  readonly batch: number
  /** How many turns of the scheduler a batch that nobody waits for gathers others. */
  readonly turns: number
}

// Settling twice does no harm, and not at all costs another delivery.
const schedule = Schedule.exponential("50 millis").pipe(Schedule.intersect(Schedule.recurs(4)))

export class SettleBatcher {
  private readonly owner: Owner
  // One for each node, so that one that does not answer holds up no other.
  private readonly lanes = new Map<string, Lane>()
  private busy = 0
  private readonly onIdle = new Set<() => void>()

  constructor(owner: Owner) {
    this.owner = owner
  }

  /** Settles a job with the next batch. */
  add(leased: LeasedJob, done: Done): void {
    leased.state = this.owner.state
    const { node } = leased.job
    let lane = this.lanes.get(node)
    if (lane === undefined) {
      lane = { pending: [], isUrgent: false, isRunning: false }
      this.lanes.set(node, lane)
    }
    lane.pending.push({ leased, done })
    if (lane.isRunning) return
    lane.isRunning = true
    this.busy += 1
    this.owner.fork(this.run(node, lane))
  }

  /** Takes back what has not been sent; gives the jobs that were. */
  withdraw(jobs: ReadonlyArray<LeasedJob>): ReadonlyArray<LeasedJob> {
    const wanted = new Set(jobs.filter((leased) => leased.state === this.owner.state))
    if (wanted.size === 0) return []
    const withdrawn: Array<LeasedJob> = []
    for (const lane of this.lanes.values()) {
      lane.pending = lane.pending.filter(({ leased }) => {
        if (!wanted.has(leased)) return true
        leased.state = "held"
        withdrawn.push(leased)
        return false
      })
    }
    return withdrawn
  }

  /** Sends what gathers. */
  hurry(): void {
    for (const lane of this.lanes.values()) lane.isUrgent = true
  }

  /** Ends when everything that was decided has been answered. */
  readonly settled: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.busy === 0) return resume(Effect.void)
    this.hurry()
    const onIdle = () => resume(Effect.void)
    this.onIdle.add(onIdle)
    return Effect.sync(() => this.onIdle.delete(onIdle))
  })

  private gather(lane: Lane, turns: number): Effect.Effect<void> {
    return Effect.suspend(() =>
      turns <= 0 || lane.isUrgent || lane.pending.length >= this.owner.batch
        ? Effect.void
        : Effect.flatMap(Effect.yieldNow(), () => this.gather(lane, turns - 1))
    )
  }

  private run(node: string, lane: Lane): Effect.Effect<void> {
    const next: Effect.Effect<void> = Effect.flatMap(this.gather(lane, this.owner.turns), () => {
      const batch = lane.pending.splice(0, this.owner.batch)
      if (batch.length === 0) return Effect.void
      if (lane.pending.length === 0) lane.isUrgent = false
      const jobs = batch.map(({ leased }) => leased.job)
      return Effect.retry(this.owner.send(jobs), { while: (error) => error.isRetryable, schedule }).pipe(
        Effect.onExit((outcome) =>
          Effect.sync(() => {
            for (const { done, leased } of batch) done(outcome, leased)
          })
        ),
        Effect.ignore
      )
    })
    return next.pipe(
      Effect.repeat({ while: () => lane.pending.length > 0 }),
      Effect.ensuring(
        Effect.sync(() => {
          // There is something left where the fiber is interrupted only.
          for (const { done, leased } of lane.pending.splice(0)) done(Exit.interrupt(FiberId.none), leased)
          lane.isRunning = false
          lane.isUrgent = false
          this.lanes.delete(node)
          this.busy -= 1
          if (this.busy === 0) for (const resume of [...this.onIdle]) resume()
        })
      ),
      Effect.asVoid
    )
  }
}
