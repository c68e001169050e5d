/** Giving back jobs that this worker did not finish, for others to take at once. */
import { type DisquePool, JobId } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { factsOf } from "../incoming/jobCopy.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import type { AttemptRecords } from "./attemptRecords.js"
import type { Letter } from "./letter.js"
import type { RetryQueue } from "./retryQueue.js"
import type { WorkerMetrics } from "./workerMetrics.js"

type Pool = DisquePool.Service

/** The inbox of the jobs, as far as their return needs it. */
interface Inbox {
  readonly putBackLater: (leased: LeasedJob) => void
  readonly move: (leased: LeasedJob, effect: Effect.Effect<void>) => unknown
  readonly keepReady: (leased: LeasedJob) => void
  readonly logUnreturned: (leased: LeasedJob, error: unknown, end: string) => Effect.Effect<void>
}

interface Needs {
  readonly pool: Pool
  readonly inbox: Inbox
  readonly retryQueue: RetryQueue
  readonly records: AttemptRecords
  readonly metrics: WorkerMetrics
  /** Whether the worker closes. */
  readonly isClosing: () => boolean
}

export class JobReturns {
  private readonly needs: Needs
  private readonly crashes: number

  /** `crashes` is the crash budget of the jobs. */
  constructor(needs: Needs, crashes: number) {
    this.needs = needs
    this.crashes = crashes
  }

  /**
   * Gives a job back.
   *
   * The node counts an ENQUEUE as one more delivery, which the next worker may take for a crash. So a job that was given back often
   * goes to the retry queue, in a letter which says that it did not crash. So does a job of which only this worker knows the
   * failures. ENQUEUE does nothing for a job that is delivered once, so such a job goes in a letter too if it did not begin.
   */
  giveBack(leased: LeasedJob): void {
    if (!leased.isOurs) return
    const { inbox, metrics, records, retryQueue } = this.needs
    metrics.count("returned")
    const { job } = leased
    const letter = retryQueue.letterOf(job)
    const seenByOthers = (letter?.crashes ?? 0) + job.additionalDeliveries + 1
    const isUntried = !records.hasFailed(job.id)
    if (JobId.isAtLeastOnce(job.id) ? isUntried && seenByOthers <= this.crashes / 2 : isUntried && leased.hasBegun) {
      records.returned(job.id)
      inbox.putBackLater(leased)
    } else {
      this.moveToRetryQueue(leased, letter, 0)
    }
  }

  /** Moves a job to the retry queue, in a letter with all that is known of it. */
  moveToRetryQueue(leased: LeasedJob, letter: Letter | undefined, delayMillis: number): void {
    const { inbox, pool, records, retryQueue } = this.needs
    const moving = Effect.flatMap(factsOf(pool, leased.job), (facts) => {
      // Another client acknowledged or deleted the job, or its TTL has ended.
      if (facts === "unknown" || leased.lost !== undefined) return Effect.void
      return Effect.flatMap(retryQueue.addOnce(leased, letter, facts, delayMillis), (failure) => {
        if (Option.isSome(failure)) return this.putBackUnmoved(leased, failure.value)
        records.forget(leased.job.id)
        return Effect.void
      })
    })
    inbox.move(leased, moving)
  }

  // The job goes back to its own queue at once. A job that has failed goes back by NACK, which counts one failure at least.
  private putBackUnmoved(leased: LeasedJob, error: unknown): Effect.Effect<void> {
    const { inbox, isClosing, pool, records } = this.needs
    const { job } = leased
    if (JobId.isAtLeastOnce(job.id)) {
      return Effect.ignore(records.hasFailed(job.id) ? pool.nackJob(job) : pool.enqueueJob(job))
    }
    if (!isClosing()) inbox.keepReady(leased)
    return inbox.logUnreturned(leased, error, isClosing() ? "is lost" : "stays here")
  }
}
