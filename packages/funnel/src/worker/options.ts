/** What users set for a worker, and what its hooks are given. */
import type { GetJobsError, Job } from "@disco/core"
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { GiveUp, HandlerDied } from "./errors.js"
import type { Letter } from "./letter.js"

/**
 * The errors of a handler that do not give up the job.
 *
 * @since 0.1.0
 * @category models
 */
export type Tried<E> = Exclude<E, GiveUp<unknown>>

/**
 * The errors of a handler, with those that `giveUp` was given.
 *
 * @since 0.1.0
 * @category models
 */
export type Reported<E> = Tried<E> | (E extends GiveUp<infer Given> ? Given : never)

/**
 * A job that failed, as `onFailure` is given it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failure<A, E> {
  readonly job: Job.Job
  readonly payload: A
  readonly error: E | HandlerDied
  readonly attempt: number
  /** The time until the next attempt; undefined if the job is given up. */
  readonly again: Duration.Duration | undefined
}

/**
 * A number of jobs in a time.
 *
 * @since 0.1.0
 * @category options
 */
export interface RateLimit {
  readonly limit: number
  readonly interval: Duration.DurationInput
}

/**
 * The options of a worker. `E` is the error type of its handler.
 *
 * @since 0.1.0
 * @category options
 */
export interface WorkerOptions<A, E, R = never> {
  /** How many handlers run at a time; 1. */
  readonly concurrency?: number | undefined
  /**
   * How many jobs are fetched ahead of those in hand; as many as `concurrency`, and at least 4. They wait in this process until a
   * handler is free, and no other worker can have them meanwhile. With 0, a job is fetched only when it can begin, at the cost of
   * a round trip for each job.
   */
  readonly prefetch?: number | undefined
  /**
   * How long a job that was fetched ahead waits to begin; 10 seconds. After that it goes back for others to take, and no jobs are
   * fetched ahead until jobs begin faster than that.
   */
  readonly prefetchTimeToLive?: Duration.DurationInput | undefined
  /**
   * When a job that failed is tried again, and when no more; after 1 second, doubling up to 10 minutes. The schedule is given
   * each failure: a `HandlerDied` if the handler threw or interrupted itself. When the worker is made, the schedule is also run
   * once without a failure, to check that the waits fit into the `ttl`.
   *
   * A wait of up to `parkUpTo` is spent in this process: the job keeps its lease, and no other process takes it. For a longer wait
   * the job is added again, with DELAY, to the queue `<name>.retry`, in a letter that counts its attempts, and the old job is
   * acknowledged. A worker takes jobs from both queues. A failed job is never put back by NACK: it would be delivered again at
   * once.
   */
  readonly retry?: Schedule.Schedule<unknown, Tried<E> | HandlerDied, R> | undefined
  /**
   * Whether a job whose handler failed with this error may be tried again. If not, the job goes to the queue `<name>.dead` at
   * once; if so, `retry` and `attempts` decide. By default every job may. The function is not called for a handler that died or
   * interrupted itself. If the function throws, the job may be tried again. A handler can give up by itself with `giveUp`.
   */
  readonly retryable?: ((error: Tried<E>) => boolean) | undefined
  /** How often a job is tried before it goes to the queue `<name>.dead`; 10. NACKs by other clients count. */
  readonly attempts?: number | undefined
  /**
   * How often a job may be delivered again without having failed, for example because a process was killed, before the job goes to
   * the queue `<name>.dead`; 10. Jobs that workers give back (on pause, on shutdown, because they did not begin in time) are not
   * crashes. A worker knows which jobs it gave back itself; for the other workers, a job that was given back half as often as it
   * may crash goes to `<name>.retry` in a letter that says so.
   */
  readonly crashes?: number | undefined
  /** The longest wait for the next attempt that a job spends in this process, under its lease; 10 seconds. */
  readonly parkUpTo?: Duration.DurationInput | undefined
  /** How long jobs of this queue live: as the queue says, by default 7 days. All retries have to fit in it. */
  readonly ttl?: Duration.DurationInput | undefined
  /** How long a letter in the queue `<name>.dead` is kept; 30 days. */
  readonly deadLetterTtl?: Duration.DurationInput | undefined
  /** How long handlers may go on when the worker closes; 25 seconds. */
  readonly grace?: Duration.DurationInput | undefined
  /** The longest that the close may take after the handlers have ended or the grace is over; 5 seconds. */
  readonly closeWithin?: Duration.DurationInput | undefined
  /**
   * At most so many jobs begin within any `interval`, wherever the interval begins. Except for those that are fetched ahead, a job
   * is fetched when it may begin. A batch has at most `limit` jobs.
   */
  readonly rateLimit?: RateLimit | undefined
  /**
   * Whether a handler is interrupted when the lease of its job is lost, or goes on; `interrupt`. A lease is lost when another
   * delivery of the job is due or was seen. Disque does not postpone the delivery of a job of which half of the TTL has gone: its
   * handler has what is left of RETRY.
   */
  readonly onLeaseLost?: "interrupt" | "ignore" | undefined
  /**
   * How the span of a handler belongs to the span that the job was added in, if the queue is `traced`: below it, or linked to it;
   * `join`. Choose `link` if jobs are delayed, or if a trace would go on for days. A later attempt and a batch are always linked.
   */
  readonly traces?: "join" | "link" | undefined
  /** Called when a job has failed, before it is tried again or given up. */
  readonly onFailure?: ((failure: Failure<A, Reported<E>>) => Effect.Effect<void, never, R>) | undefined
  /** Called when a job has been given up, and its letter is in the queue `<name>.dead`. */
  readonly onDeadLetter?: ((letter: Letter) => Effect.Effect<void, never, R>) | undefined
}

/**
 * The options of a worker for batches.
 *
 * @since 0.1.0
 * @category options
 */
export interface BatchOptions<A, E, R = never> extends WorkerOptions<A, E, R> {
  /** The most jobs of a batch; 10. */
  readonly size?: number | undefined
  /** How long a batch waits for more jobs after its first one; 0. A batch begins as soon as it is full. */
  readonly within?: Duration.DurationInput | undefined
}

/**
 * The options of a worker that is a layer.
 *
 * @since 0.1.0
 * @category options
 */
export interface LayerOptions<R = never> {
  /**
   * Runs when the worker ends before its scope does, with the reason: no node lets the worker fetch, for a reason that waiting does
   * not mend (a wrong password, for example), or the worker fails again and again for a fault of its own. Without this, the program
   * that the layer was built in ends with that reason, as if it had died of it. If that program has already ended (a
   * `ManagedRuntime` builds its layers in a program of their own), the reason is in the log alone.
   */
  readonly onEnd?: ((cause: Cause.Cause<GetJobsError>) => Effect.Effect<unknown, never, R>) | undefined
}
