/**
 * A reply of a node as data, and the readers that make values of Disco from a reply.
 *
 * A command of your own (`Command.define`) reads its reply with them. `text`, `ok`, `bytes`, `integer`, `int64` and `plain` read a whole
 * reply. `nullable` and `array` make a reader of another reader. `items` and `tuple` give the items of an array, and `at` reads one of
 * them; `record` gives the fields of an array of names and values, and `field` reads one of them.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import { itemsWithJson, JsonMap } from "./internal/json.js"
import { isText, quote } from "./internal/text.js"

/**
 * An error reply, as the node wrote it. The first word says which kind of error it is (`NOREPL …`, `ERR …`).
 *
 * @example
 * ```ts
 * import { DisqueConnection, Reply } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // `raw` fails where the node answers with an error. Within a longer reply, an error is a value.
 * const errors = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const reply = yield* disque.raw("COMMAND")
 *   return Reply.items(reply).flatMap((item) => (item instanceof Reply.ErrorReply ? [item.word] : []))
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class ErrorReply extends Data.TaggedClass("ErrorReply")<{ readonly text: string }> {
  /** The first word, which says which kind of error this is. */
  get word(): string {
    const end = this.text.indexOf(" ")
    return end < 0 ? this.text : this.text.slice(0, end)
  }
}

/**
 * What a node replies. A status line is a `string`, a bulk string is its bytes, an integer is a `number` (a `bigint` beyond 2⁵³),
 * and both kinds of null are `null`.
 *
 * `JSON.stringify` accepts the replies that `raw` and `debug` give. Within an array it writes a `bigint` as its digits and bytes as
 * text, or as `{ "base64": "…" }` if they are not UTF-8. JSON cannot hold a reply that is itself a `bigint`.
 *
 * @since 0.1.0
 * @category models
 */
export type Reply = string | Uint8Array | number | bigint | null | ErrorReply | ReadonlyArray<Reply>

/**
 * A reply that is not what the command is documented to give.
 *
 * @see {@link Reader}
 * @since 0.1.0
 * @category errors
 */
export class Mismatch extends Data.TaggedError("Mismatch")<{ readonly expected: string; readonly actual: string }> {}

/**
 * Reads a value from a reply. Readers call each other directly. They throw `Mismatch`, which {@link read} catches.
 *
 * @example
 * ```ts
 * import { Reply } from "@disco/core"
 * import { Either } from "effect"
 *
 * const isYes: Reply.Reader<boolean> = (reply) => {
 *   const text = Reply.text(reply)
 *   if (text === "yes" || text === "no") return text === "yes"
 *   throw new Reply.Mismatch({ expected: "yes or no", actual: Reply.describe(reply) })
 * }
 *
 * const answer = Either.getOrElse(Reply.read(isYes, "yes"), ({ expected }) => expected)
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type Reader<A> = (reply: Reply) => A

/**
 * Applies a reader. Here, and nowhere else, a thrown `Mismatch` becomes a value.
 *
 * @see {@link Reader}
 * @since 0.1.0
 * @category readers
 */
export const read = <A>(reader: Reader<A>, reply: Reply): Either.Either<A, Mismatch> =>
  Either.try({
    try: () => reader(reply),
    catch: (thrown) => {
      if (thrown instanceof Mismatch) return thrown
      throw thrown
    }
  })

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * Describes a reply in few words. Bytes are not shown, because bodies have no place in errors and logs.
 *
 * @see {@link Reader}
 * @since 0.1.0
 * @category conversions
 */
export const describe = (reply: Reply | undefined): string => {
  if (reply === undefined) return "nothing"
  if (reply === null) return "null"
  if (reply instanceof Uint8Array) return `a bulk of ${reply.length} bytes`
  if (reply instanceof ErrorReply) return `the error ${quote(reply.text)}`
  if (typeof reply === "object") return `an array of ${reply.length}`
  return typeof reply === "string" ? `the status ${quote(reply)}` : `the integer ${reply}`
}

const mismatch = (expected: string, reply: Reply | undefined): never => {
  throw new Mismatch({ expected, actual: describe(reply) })
}

// The length of the longest string.
const mostText = 2 ** 29 - 24

/**
 * A status line or a bulk string, as text.
 *
 * @see {@link Reader}
 * @since 0.1.0
 * @category readers
 */
export const text: Reader<string> = (reply) => {
  if (typeof reply === "string") return reply
  return reply instanceof Uint8Array && reply.length <= mostText ? decoder.decode(reply) : mismatch("text", reply)
}

/**
 * The status line `OK`.
 *
 * @example
 * ```ts
 * import { Command, Reply } from "@disco/core"
 * import { Either } from "effect"
 *
 * // A command of a module that answers OK.
 * const forget = Command.define({
 *   name: "QFORGET",
 *   summary: "forgets a queue",
 *   method: "",
 *   encode: (queue: string) => Either.right({ args: [queue] }),
 *   decode: Reply.ok
 * })
 * ```
 *
 * @since 0.1.0
 * @category readers
 */
export const ok: Reader<void> = (reply) => {
  if (!isText(reply, "OK")) mismatch("OK", reply)
}

// A link may give bytes as a `Buffer` of Node.js, whose methods differ from those of a `Uint8Array`.
const plainBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)

/**
 * A bulk string, as bytes.
 *
 * @example
 * ```ts
 * import { Reply } from "@disco/core"
 *
 * // [name, count, total, body or null] of a module: `total` may be more than a double holds.
 * const readEntry = (reply: Reply.Reply) => {
 *   const parts = Reply.tuple(4)(reply)
 *   return {
 *     name: Reply.at(parts, 0, Reply.text),
 *     count: Reply.at(parts, 1, Reply.integer),
 *     total: Reply.at(parts, 2, Reply.int64),
 *     body: Reply.at(parts, 3, Reply.nullable(Reply.bytes))
 *   }
 * }
 *
 * const readEntries = Reply.array(readEntry)
 * ```
 *
 * @since 0.1.0
 * @category readers
 */
export const bytes: Reader<Uint8Array> = (reply) =>
  reply instanceof Uint8Array ? plainBytes(reply) : mismatch("a bulk", reply)

// No reply of Disque nests arrays deeper than a few. A reply that nests without end would exhaust the stack.
const mostDepth = 32

const plainWithin = (depth: number, reply: Reply): Reply => {
  if (reply instanceof Uint8Array) return plainBytes(reply)
  if (!Array.isArray(reply)) return reply
  return depth === 0
    ? mismatch(`arrays in arrays ${mostDepth} deep at most`, reply)
    : itemsWithJson(reply.map((item) => plainWithin(depth - 1, item)))
}

/**
 * A reply as it is, for a caller that reads it by itself.
 *
 * @see {@link record}
 * @since 0.1.0
 * @category readers
 */
export const plain: Reader<Reply> = (reply) => plainWithin(mostDepth, reply)

/**
 * An integer that a double can hold.
 *
 * @see {@link bytes}
 * @since 0.1.0
 * @category readers
 */
export const integer: Reader<number> = (reply) => {
  if (Number.isSafeInteger(reply)) return reply as number
  const digits = reply instanceof Uint8Array && reply.length <= 16 ? decoder.decode(reply) : ""
  return /^-?\d{1,15}$/.test(digits) ? Number(digits) : mismatch("an integer", reply)
}

/**
 * A 64-bit integer.
 *
 * @see {@link bytes}
 * @since 0.1.0
 * @category readers
 */
export const int64: Reader<bigint> = (reply) => {
  if (typeof reply === "bigint") return reply
  return Number.isSafeInteger(reply) ? BigInt(reply as number) : mismatch("an integer", reply)
}

/**
 * `null` if the reply is null, or else the result of the reader.
 *
 * @see {@link bytes}
 * @since 0.1.0
 * @category readers
 */
export const nullable =
  <A>(reader: Reader<A>): Reader<A | null> =>
  (reply) =>
    reply === null ? null : reader(reply)

/**
 * An array.
 *
 * @see {@link ErrorReply}
 * @since 0.1.0
 * @category readers
 */
export const items = (reply: Reply | undefined): ReadonlyArray<Reply> =>
  Array.isArray(reply) ? (reply as ReadonlyArray<Reply>) : mismatch("an array", reply)

const none: ReadonlyArray<never> = []

/**
 * An array, each item read by the same reader.
 *
 * @see {@link bytes}
 * @since 0.1.0
 * @category readers
 */
export const array =
  <A>(reader: Reader<A>): Reader<ReadonlyArray<A>> =>
  (reply) =>
    items(reply).map(reader)

/**
 * An array of at least `length` items.
 *
 * @see {@link bytes}
 * @since 0.1.0
 * @category readers
 */
export const tuple =
  (length: number): Reader<ReadonlyArray<Reply>> =>
  (reply) => {
    const all = items(reply)
    return all.length >= length ? all : mismatch(`an array of at least ${length}`, reply)
  }

/**
 * The items of an array beyond the first `length`.
 *
 * @internal
 */
export const beyond = (all: ReadonlyArray<Reply>, length: number): ReadonlyArray<Reply> =>
  all.length > length ? (plain(all.slice(length)) as ReadonlyArray<Reply>) : none

/**
 * The item at `index`, read by `reader`.
 *
 * @see {@link bytes}
 * @since 0.1.0
 * @category readers
 */
export const at = <A>(all: ReadonlyArray<Reply>, index: number, reader: Reader<A>): A => {
  const item = all[index]
  return item === undefined ? mismatch(`an item ${index}`, all) : reader(item)
}

/**
 * A flat array of names and values, read by name.
 *
 * @example
 * ```ts
 * import { Reply } from "@disco/core"
 *
 * // ["name", …, "len", …, "extra", …]: the reply of a module that names its fields.
 * const readQueue = (reply: Reply.Reply) => {
 *   const fields = Reply.record(reply)
 *   return {
 *     name: Reply.field(fields, "name", Reply.text),
 *     length: Reply.field(fields, "len", Reply.integer),
 *     // Whatever the module says.
 *     extra: Reply.field(fields, "extra", Reply.plain)
 *   }
 * }
 * ```
 *
 * @since 0.1.0
 * @category readers
 */
export const record: Reader<ReadonlyMap<string, Reply>> = (reply) => {
  const all = items(reply)
  if (all.length % 2 !== 0) mismatch("an array of names and values", reply)
  const fields = new JsonMap<Reply>()
  for (let i = 0; i < all.length; i += 2) fields.set(at(all, i, text), plain(all[i + 1] as Reply))
  return fields
}

/**
 * The field `name` of a record, read by `reader`.
 *
 * @see {@link record}
 * @since 0.1.0
 * @category readers
 */
export const field = <A>(fields: ReadonlyMap<string, Reply>, name: string, reader: Reader<A>): A => {
  const value = fields.get(name)
  return value === undefined ? mismatch(`a field ${JSON.stringify(name)}`, value) : reader(value)
}
