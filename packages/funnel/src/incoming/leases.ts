/** Leases: WORKING for the jobs that are held for long, by one fiber for all of them. */
import { type DisquePool, type Job, JobId } from "@disco/core"
import { type Notices, Timekeeper } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { causeText } from "../internal/failure.js"
import type { LeasedJob, LeaseLostReason } from "./leasedJob.js"

type Pool = DisquePool.Service

interface Owner {
  readonly pool: Pool
  readonly now: () => number
  /** The jobs in our keeping, by their ids. */
  readonly held: ReadonlyMap<string, LeasedJob>
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly notices: Notices
  readonly onLost: (held: LeasedJob) => void
}

// The retry time of a job runs since it was queued, so that most of it may be over: WORKING begins it anew. A job that is done
// before this has passed never costs a command.
const receiptMillis = 50
// How soon a renewal that failed is tried again.
const againMillis = 1000
// So many renewals are under way at a time: a node that does not answer does not hold up those of another one.
const concurrency = 64

const annotated = ({ job }: LeasedJob, log: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.annotateLogs(log, { queue: job.queue, job: job.id })

/** Whether the lease of a job has to be kept. */
const isKept = (held: LeasedJob): boolean =>
  (held.state === "held" || held.state === "moving") && held.lost === undefined

/** Whether somebody else has a job, or will have it, by what its node says. */
const isElsewhere = ({ job }: LeasedJob, { additionalDeliveries, nacks, state }: Job.JobInfo): boolean =>
  state === "queued" || additionalDeliveries > job.additionalDeliveries || nacks > job.nacks

export class Leases {
  private readonly owner: Owner
  private readonly timekeeper = new Timekeeper(
    () => this.nextDue(),
    (now) => this.tick(now)
  )

  constructor(owner: Owner) {
    this.owner = owner
  }

  /** When the lease of a job that comes at the time given is first renewed; never for a job that is delivered once. */
  first(id: JobId.JobId, now: number): number {
    return JobId.isAtLeastOnce(id) ? now + receiptMillis : Number.POSITIVE_INFINITY
  }

  /** Says that a lease has to be renewed at the time given. */
  expect(at: number): void {
    this.timekeeper.expect(at)
  }

  /** Keeps the leases of what is held. */
  get run(): Effect.Effect<never> {
    return this.timekeeper.run
  }

  private nextDue(): number {
    let due = Number.POSITIVE_INFINITY
    for (const held of this.owner.held.values()) due = Math.min(due, held.renewAt)
    return due
  }

  private tick(now: number): void {
    const due: Array<LeasedJob> = []
    for (const held of this.owner.held.values()) {
      if (held.renewAt > now) continue
      held.renewAt = Number.POSITIVE_INFINITY
      held.askedAt = now
      due.push(held)
    }
    // One that dies, for a fault of ours, is no reason to give up the lease, nor those of others.
    const renew = (held: LeasedJob) =>
      Effect.catchAllCause(this.renew(held), (cause) =>
        Effect.zipRight(
          Effect.sync(() => this.plan(held, this.owner.now() + againMillis)),
          this.owner.notices.say("renewal died", (more) =>
            annotated(
              held,
              Effect.logError(`the renewal of a lease died, and is tried again: ${causeText(cause, more)}`)
            )
          )
        )
      ).pipe(
        Effect.ensuring(
          Effect.sync(() => {
            held.askedAt = Number.POSITIVE_INFINITY
          })
        )
      )
    this.owner.fork(Effect.forEach(due, renew, { concurrency, discard: true }))
  }

  /** Renews the lease of a job, or finds out that it is lost. */
  renew(held: LeasedJob): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!isKept(held)) return Effect.void
      if (!held.isPostponable) return this.expire(held)
      return Effect.matchEffect(this.owner.pool.working(held.job), {
        onSuccess: (retry) =>
          Effect.sync(() => {
            const now = this.owner.now()
            const millis = Duration.toMillis(retry)
            held.expiresAt = now + millis
            if (millis > 0) this.plan(held, now + millis / 2)
          }),
        onFailure: (error) => {
          // What is being settled is not known any more, as it should be.
          if (!isKept(held)) return Effect.void
          if (error._tag === "JobNotFound") return this.lost(held, "unknown")
          return error._tag === "LeaseTooOld" ? this.lookUp(held) : this.again(held, error)
        }
      })
    })
  }

  /**
   * Finds out whether a job is still ours whose lease may have run out, and renews it then: WORKING would renew it for whoever
   * has it now. It is lost where its node does not say.
   */
  confirm(held: LeasedJob): Effect.Effect<void> {
    return Effect.suspend(() => {
      held.doubt(this.owner.now())
      return Effect.matchEffect(this.owner.pool.show(held.job), {
        onFailure: () => (isKept(held) ? this.lost(held, "expired") : Effect.void),
        onSuccess: (found) => {
          if (!isKept(held)) return Effect.void
          if (Option.isNone(found) || found.value.state === "acked") return this.lost(held, "unknown")
          return isElsewhere(held, found.value) ? this.lost(held, "expired") : this.renew(held)
        }
      })
    })
  }

  // WORKING was refused, but nobody else has the job yet: it is ours until the delivery that cannot be postponed.
  private lookUp(held: LeasedJob): Effect.Effect<void> {
    return Effect.matchEffect(this.owner.pool.show(held.job), {
      onFailure: (error) => (isKept(held) ? this.again(held, error) : Effect.void),
      onSuccess: (found) => {
        if (!isKept(held)) return Effect.void
        if (Option.isNone(found)) return this.lost(held, "unknown")
        if (isElsewhere(held, found.value)) return this.lost(held, "too-old")
        return Effect.sync(() => {
          const { nextRequeueWithin } = found.value
          const millis = nextRequeueWithin === null ? Number.POSITIVE_INFINITY : Duration.toMillis(nextRequeueWithin)
          const at = this.owner.now() + Math.max(0, millis)
          held.fix(at)
          if (at < Number.POSITIVE_INFINITY) this.plan(held, at)
        })
      }
    })
  }

  private expire(held: LeasedJob): Effect.Effect<void> {
    if (this.owner.now() >= held.expiresAt) return this.lost(held, "too-old")
    return Effect.sync(() => this.plan(held, held.expiresAt))
  }

  private again(held: LeasedJob, error: { readonly _tag: string; readonly message: string }): Effect.Effect<void> {
    const now = this.owner.now()
    if (now >= held.expiresAt) return this.lost(held, "expired")
    this.plan(held, Math.min(now + againMillis, held.expiresAt))
    return this.owner.notices.say(`renew ${held.job.queue} ${held.job.node} ${error._tag}`, (more) =>
      annotated(held, Effect.logWarning(`leases of jobs cannot be renewed at present: ${error.message}${more}`))
    )
  }

  private plan(held: LeasedJob, at: number): void {
    if (this.owner.held.get(held.job.id) !== held) return
    held.renewAt = at
    this.expect(at)
  }

  private lost(held: LeasedJob, reason: LeaseLostReason): Effect.Effect<void> {
    return Effect.sync(() => this.lose(held, reason))
  }

  /** Takes a job for lost. */
  lose(held: LeasedJob, reason: LeaseLostReason): void {
    held.lose(reason)
    this.owner.onLost(held)
  }
}
