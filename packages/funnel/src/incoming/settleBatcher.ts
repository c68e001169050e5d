/** Settling in batches: the jobs of each node are acknowledged, or put back, by as few commands as possible. */
import type { DisquePool, Job } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Schedule from "effect/Schedule"
import type { LeasedJob } from "./leasedJob.js"

type Pool = DisquePool.Service

/**
 * What settling a job can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type SettleError = Effect.Effect.Error<ReturnType<Pool["nackJob"]>>

type Outcome = Exit.Exit<unknown, SettleError>

/** Called with what became of a job. */
export type Done = (outcome: Outcome, leased: LeasedJob) => void

interface Entry {
  readonly leased: LeasedJob
  readonly done: Done
}

/** The jobs to settle on one node. */
interface NodeSettlements {
  pending: Array<Entry>
  isUrgent: boolean
  isRunning: boolean
}

interface Needs {
  readonly send: (jobs: ReadonlyArray<Job.Job>) => Effect.Effect<unknown, SettleError>
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** The state of a job while it is being settled. */
  readonly state: "settling" | "returning"
  /** The most jobs of one command. */
  readonly batch: number
  /** How many turns of the scheduler a batch that nobody waits for gathers others. */
  readonly turns: number
}

// To settle a job twice does no harm. A job that is not settled is delivered again.
const schedule = Schedule.exponential("50 millis").pipe(Schedule.intersect(Schedule.recurs(4)))

export class SettleBatcher {
  private readonly needs: Needs
  // One for each node, so that a node that does not answer holds up no other.
  private readonly byNode = new Map<string, NodeSettlements>()
  private busy = 0
  private readonly onIdle = new Set<() => void>()

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** Settles a job with the next batch. */
  add(leased: LeasedJob, done: Done): void {
    leased.state = this.needs.state
    const { node } = leased.job
    let waiting = this.byNode.get(node)
    if (waiting === undefined) {
      waiting = { pending: [], isUrgent: false, isRunning: false }
      this.byNode.set(node, waiting)
    }
    waiting.pending.push({ leased, done })
    if (waiting.isRunning) return
    waiting.isRunning = true
    this.busy += 1
    this.needs.fork(this.run(node, waiting))
  }

  /** Takes back those of the jobs that have not been sent, and gives them. */
  withdraw(jobs: ReadonlyArray<LeasedJob>): ReadonlyArray<LeasedJob> {
    const wanted = new Set(jobs.filter((leased) => leased.state === this.needs.state))
    if (wanted.size === 0) return []
    const withdrawn: Array<LeasedJob> = []
    for (const waiting of this.byNode.values()) {
      waiting.pending = waiting.pending.filter(({ leased }) => {
        if (!wanted.has(leased)) return true
        leased.state = "undecided"
        withdrawn.push(leased)
        return false
      })
    }
    return withdrawn
  }

  /** Ends the gathering: batches are sent at once. */
  hurry(): void {
    for (const waiting of this.byNode.values()) waiting.isUrgent = true
  }

  /** Ends when everything that was decided has been answered. */
  readonly settled: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.busy === 0) return resume(Effect.void)
    this.hurry()
    const onIdle = () => resume(Effect.void)
    this.onIdle.add(onIdle)
    return Effect.sync(() => this.onIdle.delete(onIdle))
  })

  private gather(waiting: NodeSettlements, turns: number): Effect.Effect<void> {
    return Effect.suspend(() =>
      turns <= 0 || waiting.isUrgent || waiting.pending.length >= this.needs.batch
        ? Effect.void
        : Effect.flatMap(Effect.yieldNow(), () => this.gather(waiting, turns - 1))
    )
  }

  // A schedule is made only where something failed, because to make one costs more than to settle a job.
  private send(jobs: ReadonlyArray<Job.Job>): Effect.Effect<unknown, SettleError> {
    const send = this.needs.send(jobs)
    return Effect.catchAll(send, (failure) => {
      let isFirst = true
      const again = Effect.suspend(() => {
        if (!isFirst) return send
        isFirst = false
        return Effect.fail(failure)
      })
      return Effect.retry(again, { while: (error) => error.isRetryable, schedule })
    })
  }

  private run(node: string, waiting: NodeSettlements): Effect.Effect<void> {
    const next: Effect.Effect<void> = Effect.flatMap(this.gather(waiting, this.needs.turns), () => {
      const batch = waiting.pending.splice(0, this.needs.batch)
      if (batch.length === 0) return Effect.void
      if (waiting.pending.length === 0) waiting.isUrgent = false
      const jobs = batch.map(({ leased }) => leased.job)
      const end = (outcome: Outcome) =>
        Effect.sync(() => {
          for (const { done, leased } of batch) done(outcome, leased)
        })
      return Effect.ignore(Effect.onExit(this.send(jobs), end))
    })
    const all: Effect.Effect<void> = Effect.flatMap(next, () => (waiting.pending.length > 0 ? all : Effect.void))
    return all.pipe(
      Effect.ensuring(
        Effect.sync(() => {
          // Jobs are left only if the fiber was interrupted.
          for (const { done, leased } of waiting.pending.splice(0)) done(Exit.interrupt(FiberId.none), leased)
          waiting.isRunning = false
          waiting.isUrgent = false
          this.byNode.delete(node)
          this.busy -= 1
          if (this.busy === 0) for (const resume of [...this.onIdle]) resume()
        })
      ),
      Effect.asVoid
    )
  }
}
