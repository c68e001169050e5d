/** The jobs that were fetched and are not settled, each under its lease. */
import { type DisquePool, type Job, JobId } from "@disco/core"
import { type Notices, Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { LeasedJob } from "./leasedJob.js"
import { Leases } from "./leases.js"

// How long a node may take to answer whether a job is still leased.
const checkMillis = 1000

export interface LeasedJobsNeeds {
  readonly pool: DisquePool.Service
  readonly now: () => number
  readonly notices: Notices
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** Called when a lease is lost. */
  readonly onLost: (leased: LeasedJob) => void
  /** Called when a job that no handler has begun is left to be delivered again. */
  readonly onUnbegun: (leased: LeasedJob) => void
}

export class LeasedJobs {
  private readonly needs: LeasedJobsNeeds
  private readonly jobs = new Map<string, LeasedJob>()
  private readonly leases: Leases
  private onEmpty: (() => void) | undefined = undefined

  constructor(needs: LeasedJobsNeeds) {
    this.needs = needs
    const { fork, notices, now, pool } = needs
    this.leases = new Leases({
      pool,
      now,
      fork,
      notices,
      leased: this.jobs,
      onLost: (leased) => this.remove(leased)
    })
  }

  /** Renews the leases. */
  get renewals(): Effect.Effect<never> {
    return this.leases.run
  }

  /** The number of leased jobs. */
  get size(): number {
    return this.jobs.size
  }

  /** All leased jobs, as a copy. */
  get all(): ReadonlyArray<LeasedJob> {
    return [...this.jobs.values()]
  }

  find(id: JobId.JobId): LeasedJob | undefined {
    return this.jobs.get(id)
  }

  /** Ends when there is no leased job. */
  readonly empty: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.jobs.size === 0) return resume(Effect.void)
    this.onEmpty = () => resume(Effect.void)
  })

  /** Adds jobs that arrived. Gives those that are to be worked on. */
  add(jobs: ReadonlyArray<Job.Job>): ReadonlyArray<LeasedJob> {
    const now = this.needs.now()
    const added: Array<LeasedJob> = []
    for (const job of jobs) {
      if (this.isDecided(job)) continue
      const leased = new LeasedJob(job, now, this.leases.first(job.id, now))
      this.jobs.set(job.id, leased)
      this.leases.expect(leased.renewAt)
      added.push(leased)
    }
    return added
  }

  // A job that arrives again while it is here was delivered once more, so its first lease was lost. If it is being settled, that
  // settles this delivery too.
  private isDecided({ id }: Job.Job): boolean {
    const leased = this.jobs.get(id)
    if (leased === undefined || leased.state === "returning") return false
    if (leased.state !== "undecided") return true
    this.leases.lose(leased, leased.isPostponable ? "expired" : "too-old")
    return false
  }

  /** Removes a job that is settled. */
  settle(leased: LeasedJob): void {
    leased.state = "settled"
    this.remove(leased)
  }

  /** Removes a job without settling it: it is delivered again after its retry time. */
  letGo(leased: LeasedJob): void {
    if (leased.state !== "undecided" && leased.state !== "moving") return
    if (!leased.hasBegun) this.needs.onUnbegun(leased)
    this.settle(leased)
  }

  /** Takes a job for lost: its node does not know it. */
  lose(leased: LeasedJob): void {
    this.leases.lose(leased, "unknown")
  }

  private remove(leased: LeasedJob): void {
    if (this.jobs.get(leased.job.id) !== leased) return
    this.jobs.delete(leased.job.id)
    if (this.jobs.size === 0) this.onEmpty?.()
    if (leased.lost === undefined) return
    if (!leased.hasBegun) this.needs.onUnbegun(leased)
    this.needs.onLost(leased)
  }

  /** Renews the lease of a job, or finds out that it is lost. Waits a second at most. */
  check(leased: LeasedJob): Effect.Effect<void> {
    return JobId.isAtLeastOnce(leased.job.id)
      ? Effect.asVoid(Time.timeoutOption(this.leases.renew(leased), checkMillis))
      : Effect.void
  }

  /**
   * Asks the node of a job whether the job is still ours, because this process was held up for longer than the lease. If the node
   * does not answer within a second, the job is let go.
   */
  confirm(leased: LeasedJob): Effect.Effect<boolean> {
    return Effect.map(Time.timeoutOption(this.leases.confirm(leased), checkMillis), (confirmed) => {
      if (Option.isNone(confirmed)) this.letGo(leased)
      return leased.isOurs
    })
  }
}
