/** A job in our keeping: fetched, and not yet settled. */
import type { Job } from "@disco/core"
import * as Data from "effect/Data"

/**
 * Why a lease is lost.
 *
 * - `unknown`: the node does not know the job (NOJOB): it was acknowledged, deleted or has expired, or other nodes hold it
 * - `too-old`: half of the job's TTL had gone (TOOLATE), so that its next delivery could not be postponed, and that is due
 * - `expired`: the lease was not renewed in time, because the node did not answer, or this process was held up
 */
export type LeaseLostReason = "unknown" | "too-old" | "expired"

const reasons: Record<LeaseLostReason, string> = {
  unknown: "its node does not know it any more",
  "too-old": "half of its TTL had gone, so that its next delivery could not be postponed, and it is due",
  expired: "its lease was not renewed in time"
}

/** A job may be in other hands, or will be soon: somebody else has it, or has settled it. */
export class LeaseLost extends Data.TaggedError("LeaseLost")<{
  readonly queue: string
  readonly jobId: string
  readonly reason: LeaseLostReason
}> {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return `job ${this.jobId} of queue ${JSON.stringify(this.queue)} is no longer ours: ${reasons[this.reason]}`
  }
}

// A renewal that is so late will have been held up; and so will one that was sent so long ago, longer than any command may take.
const overdueMillis = 1000
const unansweredMillis = 30_000

type Watcher = (lost: LeaseLost) => void

export class LeasedJob {
  readonly job: Job.Job
  /** When it came, in milliseconds of the monotonic clock, as all times here are. */
  readonly fetchedAt: number
  /** Since when it waits to be taken. */
  readySince: number
  /**
   * `moving`: it is being added to another queue, and is acknowledged then. `settling` and `returning`: its acknowledgement, or
   * that it goes back, is on the way to the node.
   */
  state: "held" | "moving" | "settling" | "returning" | "settled" = "held"
  lost: LeaseLost | undefined = undefined
  /** Whether it is fetched and waits to be taken. */
  isReady = false
  /** Whether it was taken. */
  wasTaken = false
  /** Whether a handler began with it. */
  hasBegun = false
  /** When the lease is renewed next. */
  renewAt: number
  /** When the renewal was sent that is under way. */
  askedAt = Number.POSITIVE_INFINITY
  /** When the node will deliver the job again, as far as is known. */
  expiresAt = Number.POSITIVE_INFINITY
  /** Whether its next delivery can be postponed (WORKING); not once half of its TTL has gone. */
  isPostponable = true
  /** Called once its next delivery cannot be postponed any more. */
  onFixed: (() => void) | undefined = undefined
  // Most jobs have one watcher, who is gone before anything happens.
  private watcher: Watcher | undefined = undefined
  private others: Set<Watcher> | undefined = undefined

  constructor(job: Job.Job, fetchedAt: number, renewAt: number) {
    this.job = job
    this.fetchedAt = fetchedAt
    this.readySince = fetchedAt
    this.renewAt = renewAt
  }

  /** Whether it is ours: nothing is decided about it, and nobody else has it. */
  get isOurs(): boolean {
    return this.state === "held" && this.lost === undefined
  }

  /** Whether its lease may have run out at the time given, though nobody has found that out yet. */
  isDoubtful(now: number): boolean {
    return now >= this.expiresAt || now - overdueMillis > this.renewAt || now - unansweredMillis > this.askedAt
  }

  /** Says that its lease is over, unless its node says otherwise. */
  doubt(now: number): void {
    if (this.isPostponable) this.expiresAt = Math.min(this.expiresAt, now)
  }

  /** Says when the next delivery comes, which cannot be postponed any more. */
  fix(expiresAt: number): void {
    this.expiresAt = expiresAt
    this.isPostponable = false
    this.onFixed?.()
  }

  /** Calls back once the lease is lost, or at once where it is. Gives what takes the watch back. */
  watch(onLost: Watcher): () => void {
    if (this.lost !== undefined) {
      onLost(this.lost)
    } else if (this.watcher === undefined) {
      this.watcher = onLost
    } else {
      this.others ??= new Set()
      this.others.add(onLost)
    }
    return () => this.unwatch(onLost)
  }

  /** Takes back a watch. */
  unwatch(onLost: Watcher): void {
    if (this.watcher === onLost) this.watcher = undefined
    else this.others?.delete(onLost)
  }

  lose(reason: LeaseLostReason): void {
    if (this.lost !== undefined) return
    this.lost = new LeaseLost({ queue: this.job.queue, jobId: this.job.id, reason })
    const watchers = [...(this.watcher === undefined ? [] : [this.watcher]), ...(this.others ?? [])]
    this.watcher = undefined
    this.others = undefined
    for (const watcher of watchers) watcher(this.lost)
  }
}
