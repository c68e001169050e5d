/** Leases: WORKING for the jobs that are not settled for long, by one fiber for all of them. */
import { type DisquePool, type Job, JobId } from "@disco/core"
import { type Notices, Timekeeper } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { causeText } from "../internal/failure.js"
import type { LeasedJob, LeaseLostReason } from "./leasedJob.js"

type Pool = DisquePool.Service

export interface LeasesNeeds {
  readonly pool: Pool
  readonly now: () => number
  /** The jobs that are not settled, by their ids. */
  readonly leased: ReadonlyMap<string, LeasedJob>
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly notices: Notices
  readonly onLost: (leased: LeasedJob) => void
}

// The retry time of a job runs since the job was queued, so that most of it may be over when the job arrives: the first WORKING comes
// this soon. A job that is done earlier costs no WORKING.
const receiptMillis = 50
// How soon a renewal that failed is tried again.
const againMillis = 1000
// So many renewals are under way at a time: a node that does not answer does not hold up those of another one.
const concurrency = 64

const annotated = ({ job }: LeasedJob, log: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.annotateLogs(log, { queue: job.queue, job: job.id })

/** Whether the lease of a job has to be kept. */
const isKept = (leased: LeasedJob): boolean =>
  (leased.state === "undecided" || leased.state === "moving") && leased.lost === undefined

/** Whether somebody else has a job, or will have it, by what its node says. */
const isElsewhere = ({ job }: LeasedJob, { additionalDeliveries, nacks, state }: Job.JobInfo): boolean =>
  state === "queued" || additionalDeliveries > job.additionalDeliveries || nacks > job.nacks

export class Leases {
  private readonly needs: LeasesNeeds
  private readonly timekeeper = new Timekeeper(
    () => this.nextDue(),
    (now) => this.tick(now)
  )

  constructor(needs: LeasesNeeds) {
    this.needs = needs
  }

  /** When the lease of a job that comes at the time given is first renewed; Infinity for an at-most-once job. */
  first(id: JobId.JobId, now: number): number {
    return JobId.isAtLeastOnce(id) ? now + receiptMillis : Number.POSITIVE_INFINITY
  }

  /** Says that a lease has to be renewed at the time given. */
  expect(at: number): void {
    this.timekeeper.expect(at)
  }

  /** Renews the leases. */
  get run(): Effect.Effect<never> {
    return this.timekeeper.run
  }

  private nextDue(): number {
    let due = Number.POSITIVE_INFINITY
    for (const leased of this.needs.leased.values()) due = Math.min(due, leased.renewAt)
    return due
  }

  private tick(now: number): void {
    const due: Array<LeasedJob> = []
    for (const leased of this.needs.leased.values()) {
      if (leased.renewAt > now) continue
      leased.renewAt = Number.POSITIVE_INFINITY
      leased.askedAt = now
      due.push(leased)
    }
    // A renewal that dies of a bug here must end neither its own lease nor those of other jobs.
    const renew = (leased: LeasedJob) =>
      Effect.catchAllCause(this.renew(leased), (cause) =>
        Effect.zipRight(
          Effect.sync(() => this.plan(leased, this.needs.now() + againMillis)),
          this.needs.notices.say("renewal died", (more) =>
            annotated(
              leased,
              Effect.logError(`the renewal of a lease died, and is tried again: ${causeText(cause, more)}`)
            )
          )
        )
      ).pipe(
        Effect.ensuring(
          Effect.sync(() => {
            leased.askedAt = Number.POSITIVE_INFINITY
          })
        )
      )
    this.needs.fork(Effect.forEach(due, renew, { concurrency, discard: true }))
  }

  /** Renews the lease of a job, or finds out that it is lost. */
  renew(leased: LeasedJob): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!isKept(leased)) return Effect.void
      if (!leased.isPostponable) return this.expire(leased)
      return Effect.matchEffect(this.needs.pool.working(leased.job), {
        onSuccess: (retry) =>
          Effect.sync(() => {
            const now = this.needs.now()
            const millis = Duration.toMillis(retry)
            leased.expiresAt = now + millis
            if (millis > 0) this.plan(leased, now + millis / 2)
          }),
        onFailure: (error) => {
          // A node forgets a job that was settled meanwhile.
          if (!isKept(leased)) return Effect.void
          if (error._tag === "JobNotFound") return this.lost(leased, "unknown")
          return error._tag === "LeaseTooOld" ? this.lookUp(leased) : this.again(leased, error)
        }
      })
    })
  }

  /**
   * Asks the node whether a job whose lease may have run out is still ours, and if so renews the lease. WORKING alone would not do: it
   * would renew the lease of another consumer that has the job now. If the node does not answer, the lease is lost.
   */
  confirm(leased: LeasedJob): Effect.Effect<void> {
    return Effect.suspend(() => {
      leased.doubt(this.needs.now())
      return Effect.matchEffect(this.needs.pool.show(leased.job), {
        onFailure: () => (isKept(leased) ? this.lost(leased, "expired") : Effect.void),
        onSuccess: (found) => {
          if (!isKept(leased)) return Effect.void
          if (Option.isNone(found) || found.value.state === "acked") return this.lost(leased, "unknown")
          return isElsewhere(leased, found.value) ? this.lost(leased, "expired") : this.renew(leased)
        }
      })
    })
  }

  // WORKING was refused, but nobody else has the job yet: it is ours until the delivery that cannot be postponed.
  private lookUp(leased: LeasedJob): Effect.Effect<void> {
    return Effect.matchEffect(this.needs.pool.show(leased.job), {
      onFailure: (error) => (isKept(leased) ? this.again(leased, error) : Effect.void),
      onSuccess: (found) => {
        if (!isKept(leased)) return Effect.void
        if (Option.isNone(found)) return this.lost(leased, "unknown")
        if (isElsewhere(leased, found.value)) return this.lost(leased, "too-old")
        return Effect.sync(() => {
          const { nextRequeueWithin } = found.value
          const millis = nextRequeueWithin === null ? Number.POSITIVE_INFINITY : Duration.toMillis(nextRequeueWithin)
          const at = this.needs.now() + Math.max(0, millis)
          leased.fix(at)
          if (at < Number.POSITIVE_INFINITY) this.plan(leased, at)
        })
      }
    })
  }

  private expire(leased: LeasedJob): Effect.Effect<void> {
    if (this.needs.now() >= leased.expiresAt) return this.lost(leased, "too-old")
    return Effect.sync(() => this.plan(leased, leased.expiresAt))
  }

  private again(leased: LeasedJob, error: { readonly _tag: string; readonly message: string }): Effect.Effect<void> {
    const now = this.needs.now()
    if (now >= leased.expiresAt) return this.lost(leased, "expired")
    this.plan(leased, Math.min(now + againMillis, leased.expiresAt))
    return this.needs.notices.say(`renew ${leased.job.queue} ${leased.job.node} ${error._tag}`, (more) =>
      annotated(leased, Effect.logWarning(`leases of jobs cannot be renewed at present: ${error.message}${more}`))
    )
  }

  private plan(leased: LeasedJob, at: number): void {
    if (this.needs.leased.get(leased.job.id) !== leased) return
    leased.renewAt = at
    this.expect(at)
  }

  private lost(leased: LeasedJob, reason: LeaseLostReason): Effect.Effect<void> {
    return Effect.sync(() => this.lose(leased, reason))
  }

  /** Takes a job for lost. */
  lose(leased: LeasedJob, reason: LeaseLostReason): void {
    leased.lose(reason)
    this.needs.onLost(leased)
  }
}
