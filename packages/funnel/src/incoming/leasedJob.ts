/** A leased job: fetched, and not settled yet. */
import type { Job } from "@disco/core"
import * as Data from "effect/Data"

/**
 * Why a lease is lost.
 *
 * - `unknown`: the node does not know the job (NOJOB): it was acknowledged, deleted or has expired, or other nodes hold it
 * - `too-old`: half of the job's TTL had gone (TOOLATE), so that its next delivery could not be postponed, and that is due
 * - `expired`: the lease was not renewed in time, because the node did not answer, or this process was held up
 *
 * @since 0.1.0
 * @category errors
 */
export type LeaseLostReason = "unknown" | "too-old" | "expired"

const reasons: Record<LeaseLostReason, string> = {
  unknown: "its node does not know it any more",
  "too-old": "half of its TTL had gone, so that its next delivery could not be postponed, and it is due",
  expired: "its lease was not renewed in time"
}

/**
 * Another consumer has the job, will have it soon, or has settled it.
 *
 * @example
 * ```ts
 * import { Funnel } from "@disco/funnel"
 * import { Effect } from "effect"
 *
 * // The work ends when the job is another consumer's.
 * const program = Effect.gen(function* () {
 *   const funnel = yield* Funnel.make({ queues: "videos" })
 *   yield* funnel.forEach((job) =>
 *     job
 *       .guard(Effect.sleep("10 minutes"))
 *       .pipe(Effect.catchTag("LeaseLost", ({ reason }) => Effect.logWarning(`${job.id} is not ours: ${reason}`)))
 *   )
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
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

// A renewal that is this late was held up. So was a renewal that was sent this long ago, because no command may take so long.
const overdueMillis = 1000
const unansweredMillis = 30_000

type Watcher = (lost: LeaseLost) => void

export class LeasedJob {
  readonly job: Job.Job
  /** When the job came. All times here are milliseconds of the monotonic clock. */
  readonly fetchedAt: number
  /** Since when the job waits to be taken. */
  readySince: number
  /**
   * - `undecided`: nothing is decided about the job
   * - `moving`: the job is being added to another queue, and is acknowledged then
   * - `settling`: its acknowledgement is on the way to the node
   * - `returning`: its NACK or ENQUEUE is on the way to the node
   * - `settled`: the node has answered, or the job is left to come again after its retry time
   */
  state: "undecided" | "moving" | "settling" | "returning" | "settled" = "undecided"
  lost: LeaseLost | undefined = undefined
  /** Whether the job waits to be taken. */
  isReady = false
  /** Whether the job was taken. */
  wasTaken = false
  /** Whether a handler began with the job. */
  hasBegun = false
  /** When the lease is renewed next. */
  renewAt: number
  /** When the renewal was sent that is under way. */
  askedAt = Number.POSITIVE_INFINITY
  /** When the node will deliver the job again, as far as is known. */
  expiresAt = Number.POSITIVE_INFINITY
  /** Whether WORKING postpones the next delivery of the job; not once half of the TTL has passed. */
  isPostponable = true
  /** Called once the next delivery cannot be postponed any more. */
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

  /** Whether the job is ours: nothing is decided about it, and no other consumer has it. */
  get isOurs(): boolean {
    return this.state === "undecided" && this.lost === undefined
  }

  /** Whether the lease may have run out at the time given, though its loss was not noticed yet. */
  isDoubtful(now: number): boolean {
    return now >= this.expiresAt || now - overdueMillis > this.renewAt || now - unansweredMillis > this.askedAt
  }

  /** Takes the lease for over, unless the node says otherwise. */
  doubt(now: number): void {
    if (this.isPostponable) this.expiresAt = Math.min(this.expiresAt, now)
  }

  /** Sets the time of the next delivery, which cannot be postponed any more. */
  fix(expiresAt: number): void {
    this.expiresAt = expiresAt
    this.isPostponable = false
    this.onFixed?.()
  }

  /** Calls back when the lease is lost, or at once if it is lost already. Gives the function that ends the watch. */
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

  /** Ends a watch. */
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
