/**
 * One tagged error for each kind of failure. Every error says whether trying again can help, and where.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import type { EncodedCommand } from "./internal/encodedCommand.js"
import { ErrorReply } from "./Reply.js"

/** Where trying again can help: nowhere, on the same node after a while, on another node, or on either. */
export type Remedy = "none" | "later" | "elsewhere" | "later or elsewhere"

/** What all errors of Disco have. */
interface Failure {
  /** Where trying the same call again can help. */
  readonly remedy: Remedy
  /** Whether trying the same call again can help at all. */
  readonly isRetryable: boolean
}

const quote = (names: ReadonlyArray<string>): string => names.map((name) => JSON.stringify(name)).join(", ")

/** No job came within the timeout of the call. */
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

/** An argument or option that Disque would refuse. It was found before anything was sent. */
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

/** A node could not be reached, or the connection to it ended. */
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

/** No connection of the pool became free while the call waited, or too many calls were waiting already. */
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

/** A node gave a reply that is not what the command is documented to give. */
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

interface Refusal {
  readonly command: string
  readonly node: string
  /** The error as the node wrote it. */
  readonly reply: string
}

const refused = ({ command, node, reply }: Refusal): string => `${node} refused ${command}: ${reply}`

/** NOREPL: too few nodes could be reached, or not enough copies were made in time. The job may exist all the same. */
export class NotReplicated extends Data.TaggedError("NotReplicated")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/** MAXLEN: the node's queue is as long as the given maximum, or longer. */
export class QueueTooLong extends Data.TaggedError("QueueTooLong")<Refusal> implements Failure {
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/** PAUSED: the queue takes no jobs. */
export class QueuePaused extends Data.TaggedError("QueuePaused")<Refusal> implements Failure {
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/** OOM: the node's memory is full. */
export class OutOfMemory extends Data.TaggedError("OutOfMemory")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/** LEAVING: the node is leaving the cluster. */
export class NodeLeaving extends Data.TaggedError("NodeLeaving")<Refusal> implements Failure {
  readonly remedy = "elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/** LOADING: the node is reading its append-only file. */
export class NodeLoading extends Data.TaggedError("NodeLoading")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/** MISCONF: the node cannot write its append-only file. */
export class NotPersisted extends Data.TaggedError("NotPersisted")<Refusal> implements Failure {
  readonly remedy = "later or elsewhere"
  readonly isRetryable = true
  override get message(): string {
    return refused(this)
  }
}

/** NOAUTH, or a wrong password. */
export class NotAuthenticated extends Data.TaggedError("NotAuthenticated")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/** NOJOB: the node does not know the job. The job was acknowledged, deleted or expired, or other nodes hold it. */
export class JobNotFound extends Data.TaggedError("JobNotFound")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/** TOOLATE: half of the job's TTL has passed, so its next delivery can no longer be postponed. */
export class LeaseTooOld extends Data.TaggedError("LeaseTooOld")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/** Any other error reply: the node does not know or does not accept a command or an option. */
export class CommandRefused extends Data.TaggedError("CommandRefused")<Refusal> implements Failure {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return refused(this)
  }
}

/** The errors by the first word of the reply. A reply with another first word becomes a `CommandRefused`. */
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

/** The first words of error replies that have an error of their own. */
export type RefusalWord = keyof typeof refusals

/** The errors that stand for these replies. */
export type RefusalError = InstanceType<(typeof refusals)[RefusalWord]>

/** What any command can fail with. */
export type CommandError =
  | ConnectionError
  | NotAuthenticated
  | NodeLoading
  | NotPersisted
  | CommandRefused
  | ProtocolError

/** Every error that a command can fail with. */
export type DisqueError = CommandError | GetJobTimeout | InvalidArgument | OutcomeUnknown | PoolExhausted | RefusalError
