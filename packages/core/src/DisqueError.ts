/**
 * One tagged error for each kind of failure. Every error says whether trying again can help, and where.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import type { EncodedCommand } from "./internal/encodedCommand.js"
import type { Failure, Remedy } from "./internal/remedy.js"
import { ErrorReply } from "./Reply.js"
import type { CommandRefused, NodeLoading, NotAuthenticated, NotPersisted, RefusalError } from "./refusals.js"

export type { Remedy } from "./internal/remedy.js"
export {
  CommandRefused,
  JobNotFound,
  LeaseTooOld,
  NodeLeaving,
  NodeLoading,
  NotAuthenticated,
  NotPersisted,
  NotReplicated,
  OutOfMemory,
  QueuePaused,
  QueueTooLong,
  type RefusalError,
  type RefusalWord,
  refusals
} from "./refusals.js"

const quote = (names: ReadonlyArray<string>): string => names.map((name) => JSON.stringify(name)).join(", ")

/**
 * No job came within the timeout of the call.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect, Option } from "effect"
 *
 * const next = Effect.flatMap(DisqueConnection, (disque) => disque.getJob("emails", { timeout: "5 seconds" })).pipe(
 *   Effect.asSome,
 *   Effect.catchTag("GetJobTimeout", () => Effect.succeed(Option.none()))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class GetJobTimeout
  extends Data.TaggedError("GetJobTimeout")<{
    readonly queues: ReadonlyArray<string>
    readonly timeout: Duration.Duration
  }>
  implements Failure
{
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    return `no job came from ${quote(this.queues)} within ${Duration.format(this.timeout)}`
  }
}

/**
 * An argument or option that Disque would refuse. It was found before anything was sent.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // Nothing is sent: Disque counts in whole seconds.
 * const program = Effect.flatMap(DisquePool, (pool) => pool.addJob("emails", "hello", { delay: "1500 millis" })).pipe(
 *   Effect.catchTag("InvalidArgument", ({ argument, expected, value }) =>
 *     Effect.logError(`${argument} is ${value}, expected ${expected}`)
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidArgument
  extends Data.TaggedError("InvalidArgument")<{
    /** The command, or the part of Disco that the option belongs to: `ADDJOB`, `DisquePool`. */
    readonly subject: string
    readonly argument: string
    /** The value as text. */
    readonly value: string
    readonly expected: string
  }>
  implements Failure
{
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return `${this.subject}: ${this.argument} is ${this.value}, expected ${this.expected}`
  }
}

/**
 * Why a node could not be used.
 *
 * - `refused`: nothing listens at the address
 * - `unknown-host`: the host name does not resolve
 * - `timed-out`: the connection was not made in time
 * - `lost`: the connection ended while a reply was due
 * - `unsent`: the command was never sent, because the connection ended first, or its time was up while it stood in line
 * - `silent`: the node took the command and did not answer in time
 * - `closed`: this side closed the connection
 * - `unreachable`: none of the nodes could be reached
 * - `failed`: any other failure of the transport; see `cause`
 *
 * @since 0.1.0
 * @category errors
 */
export type ConnectionErrorReason =
  | "refused"
  | "unknown-host"
  | "timed-out"
  | "lost"
  | "unsent"
  | "silent"
  | "closed"
  | "unreachable"
  | "failed"

const reasons: Record<ConnectionErrorReason, string> = {
  refused: "refused the connection: nothing listens there",
  "unknown-host": "has a host name that does not resolve",
  "timed-out": "did not accept the connection in time",
  lost: "closed the connection before it replied",
  unsent: "was not sent the command: the connection ended first, or no time was left",
  silent: "did not reply in time",
  closed: "is no longer connected: this side closed the connection",
  unreachable: "cannot be reached",
  failed: "cannot be used"
}

/**
 * A node could not be reached, or the connection to it ended.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const length = Effect.flatMap(DisquePool, (pool) => pool.queueLength("emails")).pipe(
 *   Effect.tapErrorTag("ConnectionError", ({ attempts, node, reason }) =>
 *     Effect.logWarning(`${node}: ${reason}, after ${attempts?.length ?? 1} attempts`)
 *   ),
 *   // It says by itself whether trying again can help.
 *   Effect.retry({ while: (error) => error._tag === "ConnectionError" && error.isRetryable, times: 3 })
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectionError
  extends Data.TaggedError("ConnectionError")<{
    readonly node: string
    readonly reason: ConnectionErrorReason
    /** The failed attempts, if several nodes were tried. */
    readonly attempts?: ReadonlyArray<ConnectionError | NotAuthenticated>
    /**
     * What the transport threw; or the `ErrorReply` with which the node ended the connection (`ERR max number of clients reached`);
     * or an `InvalidArgument` if the node's address is not an address.
     */
    readonly cause?: unknown
  }>
  implements Failure
{
  get remedy(): Remedy {
    return this.reason === "closed" || this.cause instanceof InvalidArgument ? "none" : "later or elsewhere"
  }
  get isRetryable(): boolean {
    return this.remedy !== "none"
  }
  /** What `JSON.stringify` shows. The cause may be any value of the transport, so it is shown only as a part of the message. */
  override toJSON(): unknown {
    const { _tag, attempts, message, node, reason } = this
    return { _tag, node, reason, message, attempts }
  }
  /** Whether a command that failed with this error may have been carried out. */
  get mayHaveRun(): boolean {
    return this.reason === "lost" || this.reason === "silent" || this.reason === "closed"
  }
  override get message(): string {
    const { cause } = this
    const said = cause instanceof ErrorReply ? `: its last message was ${JSON.stringify(cause.text)}` : ""
    const detail = this.reason === "failed" && cause instanceof Error ? `: ${cause.message}` : said
    const attempts = (this.attempts ?? []).map((attempt) => attempt.message).join("; ")
    return `${this.node} ${reasons[this.reason]}${detail}${attempts && ` (${attempts})`}`
  }
}

/**
 * The connection ended before the reply came to a command that must not be sent twice. The command may have been carried out, or
 * not. For ADDJOB: the job may be in the queue, and adding it again may make a second job.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // The handler does no harm if it sees a job twice: then it is better to add the job again than not at all.
 * const add = Effect.flatMap(DisquePool, (pool) =>
 *   Effect.catchTag(pool.addJob("emails", "hello"), "OutcomeUnknown", (error) => pool.execute(error.again()))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class OutcomeUnknown<out A = unknown>
  extends Data.TaggedError("OutcomeUnknown")<{
    readonly command: string
    readonly queue: string | undefined
    /** The node that the command was sent to. If a job was added, `disque.on(node).jobs({ queue })` lists it. */
    readonly node: string
    readonly cause: ConnectionError
    /** The command, for a caller who knows that executing it twice does no harm. */
    readonly again: () => EncodedCommand<A, CommandError | RefusalError | OutcomeUnknown<A>, false>
  }>
  implements Failure
{
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    const queue = this.queue === undefined ? "" : ` to ${quote([this.queue])}`
    return `it is unknown whether ${this.command}${queue} was carried out: ${this.cause.message}`
  }
}

/**
 * No connection of the pool became free while the call waited, or too many calls were waiting already.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const job = Effect.flatMap(DisquePool, (pool) => pool.getJob("emails")).pipe(
 *   Effect.tapErrorTag("PoolExhausted", ({ maxActive, waiting }) =>
 *     Effect.logWarning(`raise maxActive (${maxActive}): ${waiting} calls wait for a connection`)
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class PoolExhausted
  extends Data.TaggedError("PoolExhausted")<{
    readonly maxActive: number
    readonly waiting: number
    readonly waited: Duration.Duration
  }>
  implements Failure
{
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    return `all ${this.maxActive} connections are in use, ${this.waiting} more calls wait for one, and none became free within ${Duration.format(this.waited)}`
  }
}

/**
 * A node gave a reply that is not what the command is documented to give.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const stats = Effect.flatMap(DisquePool, (pool) => pool.queueStats("emails")).pipe(
 *   Effect.tapErrorTag("ProtocolError", ({ actual, command, expected, node }) =>
 *     Effect.logError(`is ${node} a Disque node? It answered ${command} with ${actual}, expected ${expected}`)
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ProtocolError
  extends Data.TaggedError("ProtocolError")<{
    readonly command: string
    readonly node: string
    readonly expected: string
    readonly actual: string
  }>
  implements Failure
{
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return `${this.node} answered ${this.command} with ${this.actual}, expected ${this.expected}`
  }
}

/**
 * What any command can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type CommandError =
  | ConnectionError
  | NotAuthenticated
  | NodeLoading
  | NotPersisted
  | CommandRefused
  | ProtocolError

/**
 * Every error that a command can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type DisqueError = CommandError | GetJobTimeout | InvalidArgument | OutcomeUnknown | PoolExhausted | RefusalError
