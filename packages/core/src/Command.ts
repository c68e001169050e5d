/**
 * A command as a value: what goes over the wire, how its reply is read, what can go wrong, and what it needs of the
 * connection that carries it.
 */
import * as Cause from "effect/Cause"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as DisqueError from "./DisqueError.js"
import type { Arguments } from "./DisqueLink.js"
import * as Reply from "./Reply.js"

/** A command ready to be sent. `A` is its result, `E` what the node can answer instead. */
export interface Command<out A, out E> {
  /** `ADDJOB`, `GETJOB`, … */
  readonly name: string
  /** The name and the arguments, as they go over the wire. */
  readonly wire: Arguments
  /** Reads the reply of the node at the address given. */
  readonly decode: (reply: Reply.Reply, node: string) => Exit.Exit<A, E | DisqueError.CommandError>
  /** What it fails with where its reply never came. */
  readonly lost: (
    node: string
  ) => (cause: Cause.Cause<DisqueError.ConnectionError>) => Cause.Cause<E | DisqueError.CommandError>
  /** Whether it may be sent again where its reply never came. */
  readonly isIdempotent: boolean
  /** How long the node itself may take before it answers, in milliseconds; the connection's time-out comes on top. */
  readonly serverMillis: number
  /** The node that it should go to while that is reachable. */
  readonly holder: string | undefined
  /** The queue it is about, where it is about one. */
  readonly queue: string | undefined
}

/** The arguments of one call, and what depends on them. */
export interface Call {
  readonly args: Arguments
  readonly serverMillis?: number
  readonly holder?: string | undefined
  readonly queue?: string
}

/** What is the same for all calls of a command. */
export interface Spec<Input extends ReadonlyArray<unknown>, A, W extends DisqueError.RefusalWord, I extends boolean> {
  readonly name: string
  /** Whether the node may let it wait, so that nothing else can use the link meanwhile. */
  readonly blocks: boolean
  /** Whether it may be sent again where its reply never came. Where not, it can fail with `OutcomeUnknown`. */
  readonly isIdempotent: I
  /** Whether it does its work only on a node that holds the job. */
  readonly needsHolder: boolean
  /** The error replies that this command is known to give, beside those that any command can give. */
  readonly refusals: ReadonlyArray<W>
  readonly encode: (...input: Input) => Either.Either<Call, DisqueError.InvalidArgument>
  readonly decode: (reply: Reply.Reply, node: string) => A
}

/** The errors that stand for error replies. */
export type Refused<W extends DisqueError.RefusalWord> = InstanceType<(typeof DisqueError.refusals)[W]>

/** The error of a command whose reply never came, where it must not be sent again. */
export type Lost<I extends boolean> = I extends false ? DisqueError.OutcomeUnknown : never

/** A command of Disque: its specification, and the constructor of its calls. */
export interface Definition<
  Input extends ReadonlyArray<unknown>,
  A,
  W extends DisqueError.RefusalWord,
  I extends boolean
> extends Spec<Input, A, W, I> {
  /** Checks the arguments and gives the command to send. */
  readonly make: (...input: Input) => Either.Either<Command<A, Refused<W> | Lost<I>>, DisqueError.InvalidArgument>
}

const common: ReadonlySet<string> = new Set(["NOAUTH", "LOADING", "MISCONF"])

/** Defines a command from its specification. */
export const define = <
  Input extends ReadonlyArray<unknown>,
  A,
  const W extends DisqueError.RefusalWord = never,
  const I extends boolean = boolean
>(
  spec: Spec<Input, A, W, I>
): Definition<Input, A, W, I> => {
  const known: ReadonlySet<string> = new Set<string>(spec.refusals)

  const refuse = (error: Reply.ErrorReply, node: string): Refused<W> | DisqueError.CommandError => {
    const detail = { command: spec.name, node, reply: error.text }
    const { word } = error
    if (known.has(word) || common.has(word)) {
      const Refusal = DisqueError.refusals[word as W]
      return new Refusal(detail) as Refused<W>
    }
    return new DisqueError.CommandRefused(detail)
  }

  const decode = (reply: Reply.Reply, node: string): Exit.Exit<A, Refused<W> | DisqueError.CommandError> => {
    if (reply instanceof Reply.ErrorReply) return Exit.fail(refuse(reply, node))
    const result = Reply.read((reply) => spec.decode(reply, node), reply)
    return Either.isRight(result)
      ? Exit.succeed(result.right)
      : Exit.fail(
          new DisqueError.ProtocolError({
            command: spec.name,
            node,
            expected: result.left.expected,
            actual: result.left.actual
          })
        )
  }

  const lost =
    (queue: string | undefined) =>
    (node: string) =>
    (cause: Cause.Cause<DisqueError.ConnectionError>): Cause.Cause<Lost<I> | DisqueError.CommandError> =>
      Cause.map(cause, (error) =>
        !spec.isIdempotent && error.mayHaveRun
          ? (new DisqueError.OutcomeUnknown({ command: spec.name, queue, node, cause: error }) as Lost<I>)
          : error
      )

  return {
    ...spec,
    make: (...input) =>
      Either.map(spec.encode(...input), (call) => ({
        name: spec.name,
        wire: [spec.name, ...call.args],
        decode,
        lost: lost(call.queue),
        isIdempotent: spec.isIdempotent,
        serverMillis: call.serverMillis ?? 0,
        holder: spec.needsHolder ? call.holder : undefined,
        queue: call.queue
      }))
  }
}
