/** One attempt at a job: the job, its payload, and what is known of the attempts before. */
import type { Job } from "@disco/core"
import type * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import type { SettleError } from "../incoming/inbox.js"
import type { LeasedJob, LeaseLost } from "../incoming/leasedJob.js"
import type { Letter } from "./letter.js"

/**
 * The job that a handler works on.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobInHand {
  /** The job as it was added at first, in its first queue. */
  readonly job: Job.Job
  /** The number of this attempt, from 1. Failures in any process count, and so do NACKs. */
  readonly attempt: number
  /**
   * ACKJOB before the handler ends: the job is done, even if the handler fails later. A second `ack` does nothing.
   *
   * @example
   * ```ts
   * import { JobQueue } from "@disco/core"
   * import { Worker } from "@disco/funnel"
   * import { Console, Effect, Schema } from "effect"
   *
   * const emails = JobQueue.make("emails", { payload: Schema.String })
   *
   * // The mail must not be sent twice: better not at all, if what comes after it fails.
   * const program = Worker.run(emails, (to, { ack }) => Effect.zipRight(ack, Console.log(`to ${to}`)))
   * ```
   */
  readonly ack: Effect.Effect<void, SettleError | LeaseLost>
}

/** A job that was decoded, for a handler to try. */
export interface Attempt<A> {
  readonly leased: LeasedJob
  readonly inHand: JobInHand
  readonly payload: A
  /** The span that the job was added in. */
  readonly trace: Tracer.ExternalSpan | undefined
  /** The letter that the job came in, if it came from the retry queue. */
  readonly letter: Letter | undefined
  /** When the job failed first, in milliseconds since 1970. */
  readonly firstAt: number | undefined
}
