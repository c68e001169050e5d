/**
 * A command as a value: what goes over the wire, how its reply is read, what can go wrong, and what it needs of the
 * connection that carries it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as DisqueError from "./DisqueError.js"
import type { Arguments, EncodedCommand } from "./internal/encodedCommand.js"
import * as Reply from "./Reply.js"

/**
 * A command with its arguments. `A` is the result. `E` has the errors that the node can answer with and other commands do not have. `B`
 * says whether the command blocks: `execute` takes no command that blocks, because the commands of `execute` share a link.
 *
 * @since 0.1.0
 * @category models
 */
export interface Command<out A, out E, out B extends boolean = boolean>
  extends EncodedCommand<A, E | DisqueError.CommandError, B> {}

/**
 * The arguments of one call, and what depends on them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call {
  /** The command's name, if only the call knows it. */
  readonly name?: string
  readonly args: Arguments
  readonly serverMillis?: number
  readonly waits?: boolean
  readonly holder?: string | undefined
  readonly queue?: string
  /** An argument that no error may show, even if the node quotes it. */
  readonly secret?: string | undefined
}

/**
 * What is the same for all calls of a command. A specification states what is special about its command. The defaults are safe: the
 * command is sent once, over the link that commands share, to the node in use.
 *
 * @since 0.1.0
 * @category models
 */
export interface Spec<
  Input extends ReadonlyArray<unknown>,
  A,
  W extends DisqueError.RefusalWord,
  I extends boolean,
  B extends boolean
> {
  /** The words that the command begins with: `ADDJOB`, `CLUSTER MEET`, … */
  readonly name: string
  /** What the command does, in a line. */
  readonly summary: string
  /** The arguments as Disque writes them. Default: no arguments. */
  readonly syntax?: string
  /** The method of a connection or a pool that sends the command: `addJob`, `cluster.meet`, … */
  readonly method: string
  /** Whether the node may let the command wait, so that nothing else can use the link meanwhile. Default: false. */
  readonly blocks?: B
  /**
   * Whether the command may be sent again if its reply never came. Default: false; then it can fail with `OutcomeUnknown`.
   */
  readonly isIdempotent?: I
  /** Whether the command does its work only on a node that holds the job. Default: false. */
  readonly needsHolder?: boolean
  /** The error replies that this command is known to give, beside those that any command can give. Default: none. */
  readonly refusals?: ReadonlyArray<W>
  /** Tells what kind of error a reply is, if its first word does not tell. */
  readonly kindOf?: (text: string) => DisqueError.RefusalWord | undefined
  /** Checks the arguments of a call. Default: no arguments. */
  readonly encode?: (...input: Input) => Either.Either<Call, DisqueError.InvalidArgument>
  /** Reads the reply of the node at the address given. */
  readonly decode: (reply: Reply.Reply, node: string) => A
}

/**
 * The errors that stand for error replies.
 *
 * @since 0.1.0
 * @category errors
 */
export type Refused<W extends DisqueError.RefusalWord> = InstanceType<(typeof DisqueError.refusals)[W]>

/**
 * The error of a command that must not be sent again and whose reply never came.
 *
 * @since 0.1.0
 * @category errors
 */
export type Lost<A, I extends boolean> = I extends false ? DisqueError.OutcomeUnknown<A> : never

/**
 * A command of Disque: its specification, and the constructor of its calls.
 *
 * @since 0.1.0
 * @category models
 */
export interface Definition<
  Input extends ReadonlyArray<unknown>,
  A,
  W extends DisqueError.RefusalWord,
  I extends boolean,
  B extends boolean
> extends Spec<Input, A, W, I, B> {
  readonly syntax: string
  readonly blocks: B
  readonly isIdempotent: I
  readonly needsHolder: boolean
  readonly refusals: ReadonlyArray<W>
  /** Checks the arguments and gives the command to send. */
  readonly make: (...input: Input) => Either.Either<Command<A, Refused<W> | Lost<A, I>, B>, DisqueError.InvalidArgument>
}

/** The error replies that any command can give. */
const common: ReadonlySet<string> = new Set(["NOAUTH", "LOADING", "MISCONF"])

// Disque ends the connection of a client that sends more words.
const mostWords = 1024 * 1024
// All words together: beyond that a connection of Disque would not buffer them either.
const mostBytes = 1024 * 1024 * 1024

/** A command's words, then its arguments: an array that is made as long as it will be. */
const joined = (words: Arguments, args: Arguments): Arguments => {
  const wire = new Array<string | Uint8Array>(words.length + args.length)
  for (let i = 0; i < words.length; i++) wire[i] = words[i] as string | Uint8Array
  for (let i = 0; i < args.length; i++) wire[words.length + i] = args[i] as string | Uint8Array
  return wire
}

/** What is wrong with the size of a whole command; undefined if nothing is. */
const excess = (wire: Arguments): readonly [value: string, expected: string] | undefined => {
  if (wire.length > mostWords) return [`${wire.length} words`, `at most ${mostWords}`]
  let size = 0
  for (let i = 0; i < wire.length; i++) size += (wire[i] as string | Uint8Array).length
  return size > mostBytes ? [`${size} bytes or more`, "at most 1 GB"] : undefined
}

const concealed = "<redacted>"

// An error reply may quote an argument of any length. A longer text says no more to a reader.
const mostErrorText = 4096

/** The text of an error reply as errors show it: without the secret, and cut if it is too long. */
const errorText = (text: string, secret: string | undefined): string => {
  const hidden = secret?.length ?? 0
  const isCut = text.length > mostErrorText + hidden
  const head = isCut ? text.slice(0, mostErrorText + hidden) : text
  const shown = secret === undefined ? head : head.replaceAll(secret, concealed)
  // The text may have been cut within the secret.
  return isCut ? `${shown.slice(0, shown.length - hidden)}…` : shown
}

/**
 * The failure of a command whose reply never came.
 *
 * @internal
 */
export const lost = <A, E>(
  command: Command<A, E>,
  node: string,
  cause: Cause.Cause<DisqueError.ConnectionError>
): Cause.Cause<E | DisqueError.CommandError> =>
  Cause.map(cause, (error) => {
    if (command.isIdempotent || !error.mayHaveRun) return error
    const { name, queue } = command
    // `define` adds this error to `E` for each command that is not idempotent.
    return new DisqueError.OutcomeUnknown<A>({
      command: name,
      queue,
      node,
      cause: error,
      again: () => command as Command<A, DisqueError.RefusalError, false>
    }) as E
  })

// A class, because V8 may allocate object literals where only a full garbage collection frees them and all that they hold.
class MadeCommand<A, E, B extends boolean> implements Command<A, E, B> {
  readonly name: string
  readonly blocks: B
  readonly wire: Arguments
  readonly decode: Command<A, E>["decode"]
  readonly isIdempotent: boolean
  readonly serverMillis: number
  readonly waits: boolean
  readonly holder: string | undefined
  readonly queue: string | undefined

  constructor(
    spec: { readonly blocks: B; readonly isIdempotent: boolean; readonly needsHolder: boolean },
    call: Call,
    name: string,
    wire: Arguments,
    decode: Command<A, E>["decode"]
  ) {
    this.name = name
    this.blocks = spec.blocks
    this.wire = wire
    this.decode = decode
    this.isIdempotent = spec.isIdempotent
    this.serverMillis = call.serverMillis ?? 0
    this.waits = call.waits === true
    this.holder = spec.needsHolder ? call.holder : undefined
    this.queue = call.queue
  }
}

const withoutArguments: Either.Either<Call> = Either.right({ args: [] })

/**
 * Defines a command from its specification, for `execute` to send: a command of a node that Disco does not know. `decode` reads the
 * reply with the readers of `Reply`; its error is a `ProtocolError` if they throw `Reply.Mismatch`.
 *
 * @example
 * ```ts
 * import { Command, DisqueConnection, Reply } from "@disco/core"
 * import { Effect, Either } from "effect"
 *
 * // A module of the node answers QFOO with the names of queues.
 * const foo = Command.define({
 *   name: "QFOO",
 *   summary: "gives the names of queues that begin with a text",
 *   method: "",
 *   isIdempotent: true,
 *   encode: (prefix: string) => Either.right({ args: [prefix] }),
 *   decode: Reply.array(Reply.text)
 * })
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const names = yield* disque.execute(yield* foo.make("mail"))
 *   return names.length
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const define = <
  Input extends ReadonlyArray<unknown> = [],
  A = unknown,
  const W extends DisqueError.RefusalWord = never,
  const I extends boolean = false,
  const B extends boolean = false
>(
  spec: Spec<Input, A, W, I, B>
): Definition<Input, A, W, I, B> => {
  type Error = Refused<W> | Lost<A, I> | DisqueError.CommandError
  const { blocks = false as B, encode, isIdempotent = false as I, needsHolder = false, refusals = [] } = spec
  const known: ReadonlySet<string> = new Set<string>(refusals)
  const words: Arguments = spec.name.split(" ")

  const refuse = (error: Reply.ErrorReply, command: string, node: string, secret: string | undefined): Error => {
    const detail = { command, node, reply: errorText(error.text, secret) }
    const word = spec.kindOf?.(error.text) ?? error.word
    if (known.has(word) || common.has(word)) return new DisqueError.refusals[word as W](detail) as Refused<W>
    return new DisqueError.CommandRefused(detail)
  }

  const decodeAs =
    (command: string, secret: string | undefined) =>
    (reply: Reply.Reply, node: string): Exit.Exit<A, Error> => {
      if (reply instanceof Reply.ErrorReply) return Exit.fail(refuse(reply, command, node, secret))
      try {
        return Exit.succeed(spec.decode(reply, node))
      } catch (thrown) {
        if (!(thrown instanceof Reply.Mismatch)) throw thrown
        const { actual, expected } = thrown
        return Exit.fail(new DisqueError.ProtocolError({ command, node, expected, actual }))
      }
    }
  const decode = decodeAs(spec.name, undefined)

  const traits = { blocks, isIdempotent, needsHolder }
  return {
    ...spec,
    ...traits,
    syntax: spec.syntax ?? "",
    refusals,
    make: (...input) => {
      const encoded = encode === undefined ? withoutArguments : encode(...input)
      if (Either.isLeft(encoded)) return Either.left(encoded.left)
      const call = encoded.right
      const name = call.name ?? spec.name
      const wire = joined(call.name === undefined ? words : [name], call.args)
      const over = excess(wire)
      if (over !== undefined) {
        const [value, expected] = over
        return Either.left(new DisqueError.InvalidArgument({ subject: name, argument: "command", value, expected }))
      }
      const isPlain = call.name === undefined && call.secret === undefined
      return Either.right(new MadeCommand(traits, call, name, wire, isPlain ? decode : decodeAs(name, call.secret)))
    }
  }
}
