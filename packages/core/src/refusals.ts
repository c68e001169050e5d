/** The errors that stand for error replies: one for each first word of a reply that tells what to do about it. */
import * as Data from "effect/Data"
import type { Failure } from "./internal/remedy.js"

interface Refusal {
  readonly command: string
  readonly node: string
  /** The error as the node wrote it. */
  readonly reply: string
}

const refused = ({ command, node, reply }: Refusal): string => `${node} refused ${command}: ${reply}`

/**
 * NOREPL: too few nodes could be reached, or not enough copies were made in time. The job may exist all the same.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // What an API answers whose request adds a job.
 * const status = Effect.flatMap(DisquePool, (pool) => pool.addJob("emails", "hello", { maxLen: 10_000 })).pipe(
 *   Effect.as(201),
 *   Effect.catchTags({
 *     QueueTooLong: () => Effect.succeed(429),
 *     QueuePaused: () => Effect.succeed(503),
 *     NotReplicated: () => Effect.succeed(503),
 *     OutOfMemory: () => Effect.succeed(503),
 *     NodeLeaving: () => Effect.succeed(503),
 *     NodeLoading: () => Effect.succeed(503),
 *     NotPersisted: () => Effect.succeed(503),
 *     // Neither mends itself: somebody has to look at the configuration.
 *     NotAuthenticated: Effect.die,
 *     CommandRefused: Effect.die
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class NotReplicated extends Data.TaggedError("NotReplicated")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/**
 * MAXLEN: the node's queue is as long as the given maximum, or longer.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class QueueTooLong extends Data.TaggedError("QueueTooLong")<Refusal> implements Failure {
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/**
 * PAUSED: the queue takes no jobs.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class QueuePaused extends Data.TaggedError("QueuePaused")<Refusal> implements Failure {
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/**
 * OOM: the node's memory is full.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class OutOfMemory extends Data.TaggedError("OutOfMemory")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/**
 * LEAVING: the node is leaving the cluster.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class NodeLeaving extends Data.TaggedError("NodeLeaving")<Refusal> implements Failure {
  readonly remedy = "elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/**
 * LOADING: the node is reading its append-only file.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class NodeLoading extends Data.TaggedError("NodeLoading")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/**
 * MISCONF: the node cannot write its append-only file.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class NotPersisted extends Data.TaggedError("NotPersisted")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/**
 * NOAUTH, or a wrong password.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class NotAuthenticated extends Data.TaggedError("NotAuthenticated")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/**
 * NOJOB: the node does not know the job. The job was acknowledged, deleted or expired, or other nodes hold it.
 *
 * @example
 * ```ts
 * import { DisquePool, type Job } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // Whether the job is still ours. If not, another consumer may have it by now.
 * const isOurs = (job: Job.Job) =>
 *   Effect.flatMap(DisquePool, (pool) => pool.working(job)).pipe(
 *     Effect.as(true),
 *     Effect.catchTags({
 *       JobNotFound: () => Effect.succeed(false),
 *       LeaseTooOld: () => Effect.succeed(false)
 *     })
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class JobNotFound extends Data.TaggedError("JobNotFound")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/**
 * TOOLATE: half of the job's TTL has passed, so its next delivery can no longer be postponed.
 *
 * @see {@link JobNotFound}
 * @since 0.1.0
 * @category errors
 */
export class LeaseTooOld extends Data.TaggedError("LeaseTooOld")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/**
 * Any other error reply: the node does not know or does not accept a command or an option.
 *
 * @see {@link NotReplicated}
 * @since 0.1.0
 * @category errors
 */
export class CommandRefused extends Data.TaggedError("CommandRefused")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/**
 * The errors by the first word of the reply. A reply with another first word becomes a `CommandRefused`.
 *
 * @example
 * ```ts
 * import { refusals } from "@disco/core"
 *
 * // The tags by the words that a node replies with: NOREPL is a NotReplicated.
 * const tags = Object.entries(refusals).map(([word, { name }]) => `${word}: ${name}`)
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const refusals = {
  NOREPL: NotReplicated,
  MAXLEN: QueueTooLong,
  PAUSED: QueuePaused,
  OOM: OutOfMemory,
  LEAVING: NodeLeaving,
  LOADING: NodeLoading,
  MISCONF: NotPersisted,
  NOAUTH: NotAuthenticated,
  NOJOB: JobNotFound,
  TOOLATE: LeaseTooOld
} as const

/**
 * The first words of error replies that have an error of their own.
 *
 * @since 0.1.0
 * @category errors
 */
export type RefusalWord = keyof typeof refusals

/**
 * The errors that stand for these replies.
 *
 * @since 0.1.0
 * @category errors
 */
export type RefusalError = InstanceType<(typeof refusals)[RefusalWord]>
