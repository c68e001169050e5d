/** The commands about a node. */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { JsonMap, withJson } from "../internal/json.js"
import * as Reply from "../Reply.js"

/**
 * PING: succeeds if the node answers.
 *
 * @example
 * ```ts
 * import { Commands, DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   yield* disque.execute(yield* Commands.ping.make())
 *   const { id, nodes } = yield* disque.execute(yield* Commands.hello.make())
 *   return `${id} is one of ${nodes.length}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const ping = Command.define({
  name: "PING",
  summary: "Asks whether the node answers.",
  method: "ping",
  isIdempotent: true,
  decode: Reply.text
})

/**
 * A node of the cluster, as another one sees it (HELLO).
 *
 * @since 0.1.0
 * @category models
 */
export interface HelloNode {
  readonly id: string
  /** Empty if the node is alone and says its own address. */
  readonly host: string
  readonly port: number
  /** Where to reach the node, `host:port`. For the node that answered, this is the address that was dialed. */
  readonly address: string
  /** 1: fine. 5: no link to it. 10: suspected to fail. 100: failed or leaving. */
  readonly priority: number
  /** Further items that later versions of Disque may add. */
  readonly more: ReadonlyArray<Reply.Reply>
}

/**
 * What a node says of itself and of its cluster (HELLO).
 *
 * @since 0.1.0
 * @category models
 */
export interface Hello {
  /** The version of this reply's format. */
  readonly version: number
  /** The id of the node that answers. */
  readonly id: string
  /** All nodes of the cluster, the node that answers included. An item that cannot be read as a node is left out. */
  readonly nodes: ReadonlyArray<HelloNode>
}

/** A host and a port as one address. */
export const addressOf = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

const readNode = (reply: Reply.Reply, ownId: string, dialed: string): HelloNode => {
  const parts = Reply.tuple(4)(reply)
  const id = Reply.at(parts, 0, Reply.text)
  const host = Reply.at(parts, 1, Reply.text)
  const port = Reply.at(parts, 2, Reply.integer)
  return {
    id,
    host,
    port,
    address: host === "" || id === ownId ? dialed : addressOf(host, port),
    priority: Reply.at(parts, 3, Reply.integer),
    more: Reply.beyond(parts, 4)
  }
}

/** A node of HELLO. An item that cannot be read is left out, so that the other nodes are known all the same. */
const readNodes = (reply: Reply.Reply, ownId: string, dialed: string): ReadonlyArray<HelloNode> =>
  Either.match(
    Reply.read((part) => readNode(part, ownId, dialed), reply),
    { onLeft: () => [], onRight: (node) => [node] }
  )

/**
 * HELLO: the node's id, and the nodes of its cluster.
 *
 * @see {@link ping}
 * @since 0.1.0
 * @category commands
 */
export const hello = Command.define({
  name: "HELLO",
  summary: "Gives the node's id, and the nodes of its cluster.",
  method: "hello",
  isIdempotent: true,
  decode: (reply, node): Hello => {
    const parts = Reply.tuple(2)(reply)
    const id = Reply.at(parts, 1, Reply.text)
    return {
      version: Reply.at(parts, 0, Reply.integer),
      id,
      nodes: parts.slice(2).flatMap((part) => readNodes(part, id, node))
    }
  }
})

/**
 * The sections of INFO that 1.0 has.
 *
 * @since 0.1.0
 * @category models
 */
export type InfoSection =
  | "server"
  | "clients"
  | "memory"
  | "jobs"
  | "queues"
  | "persistence"
  | "stats"
  | "cpu"
  | "commandstats"

/**
 * The value of a field of INFO: a number if the text is one (a `bigint` beyond 2⁵³), or else the text.
 *
 * @since 0.1.0
 * @category models
 */
export type InfoValue = string | number | bigint

/**
 * The sections by their names in lower case, and their fields by name: `info.get("jobs")?.get("registered_jobs")`.
 *
 * @since 0.1.0
 * @category models
 */
export type ServerInfo = ReadonlyMap<InfoSection | (string & {}), ReadonlyMap<string, InfoValue>>

/** Names and hashes, which may happen to look like a number. */
const textual: ReadonlySet<string> = new Set(["disque_version", "disque_git_sha1", "disque_build_id", "run_id"])

// More digits are none of a node's numbers.
const mostDigits = 40

/** Reads a number that is written as one is, without leading zeros or exponents. */
export const readValue = (name: string, text: string): InfoValue => {
  if (textual.has(name) || text.length > mostDigits || !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return text
  const number = Number(text)
  return text.includes(".") || Number.isSafeInteger(number) ? number : BigInt(text)
}

/** Reads lines of `name:value`. */
export const readLines = (text: string): ReadonlyArray<readonly [name: string, value: string]> =>
  text.split(/\r?\n/).flatMap((line) => {
    const colon = line.indexOf(":")
    return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
  })

const readInfo: Reply.Reader<ServerInfo> = (reply) => {
  const sections = new JsonMap<ReadonlyMap<string, InfoValue>>()
  for (const part of Reply.text(reply).split(/^# */m)) {
    const [title = "", ...lines] = part.split(/\r?\n/)
    const name = title.trim().toLowerCase()
    if (name === "") continue
    const fields = readLines(lines.join("\n"))
    sections.set(name, new JsonMap(fields.map(([name, value]) => [name, readValue(name, value)])))
  }
  return sections
}

/**
 * INFO: what the node measures of itself, by section and field: `info.get("jobs")?.get("registered_jobs")`. Memory is in bytes; the
 * names of times say their units. Without `section`, all sections are given except `commandstats`; with `all`, that one too.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const info = yield* disque.server.info("jobs")
 *   return info.get("jobs")?.get("registered_jobs")
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const info = Command.define({
  name: "INFO",
  summary: "Gives what a node measures of itself, section by section.",
  syntax: "[section|default|all]",
  method: "server.info",
  isIdempotent: true,
  encode: input.checked(
    (section?: InfoSection | "default" | "all" | (string & {})): Command.Call => ({
      args: section === undefined ? [] : [input.text("INFO", "section", section, "the name of a section")]
    })
  ),
  decode: readInfo
})

/**
 * The time on a node.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerTime {
  /** To the millisecond. */
  readonly at: DateTime.Utc
  /** Microseconds since 1970. */
  readonly microseconds: bigint
}

// What a date can hold, in milliseconds.
const latest = 8.64e15

/** A moment, from milliseconds since 1970. */
export const momentOf = (millis: number): DateTime.Utc => {
  if (Math.abs(millis) <= latest) return DateTime.unsafeMake(millis)
  throw new Reply.Mismatch({ expected: "a time", actual: `${millis} ms` })
}

/**
 * TIME: the time of day by the clock of the node, to the microsecond.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { DateTime, Effect } from "effect"
 *
 * // How far the clock of the node is from that of this machine.
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const { at } = yield* disque.server.time
 *   return DateTime.distanceDuration(yield* DateTime.now, at)
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const time = Command.define({
  name: "TIME",
  summary: "Gives the time of the node.",
  method: "server.time",
  isIdempotent: true,
  decode: (reply): ServerTime => {
    const parts = Reply.tuple(2)(reply)
    const seconds = Reply.at(parts, 0, Reply.integer)
    const microseconds = Reply.at(parts, 1, Reply.integer)
    return withJson<ServerTime>({
      at: momentOf(seconds * 1000 + Math.floor(microseconds / 1000)),
      microseconds: BigInt(seconds) * 1_000_000n + BigInt(microseconds)
    })
  }
})

/**
 * AUTH: authenticates the link that the command is sent over. If the layer was given a password, links authenticate by themselves.
 *
 * Fails with `NotAuthenticated` if the password is wrong, and with `CommandRefused` if the node has no password.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Config, Effect } from "effect"
 *
 * // Whether a new password works already. `NodeDisque` takes the password as an option, and needs no `auth`.
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   yield* disque.server.auth(yield* Config.redacted("NEW_PASSWORD"))
 *   return true
 * }).pipe(Effect.catchTag("NotAuthenticated", () => Effect.succeed(false)))
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const auth = Command.define({
  name: "AUTH",
  summary: "Authenticates the link that it is sent over.",
  syntax: "password",
  method: "server.auth",
  isIdempotent: true,
  encode: input.checked((password: Redacted.Redacted): Command.Call => {
    const secret = input.secret("AUTH", "password", password)
    return { args: [secret], secret }
  }),
  kindOf: (text) => (text.includes("invalid password") ? "NOAUTH" : undefined),
  decode: Reply.ok
})

/**
 * What a node says of a command (COMMAND).
 *
 * @since 0.1.0
 * @category models
 */
export interface CommandInfo {
  /** In lower case. */
  readonly name: string
  /** The number of words, the name included. If it is negative, at least so many words are needed. */
  readonly arity: number
  /** `write`, `readonly`, `denyoom`, `admin`, `loading`, `fast`, … */
  readonly flags: ReadonlyArray<string>
  /** Further items, which have no meaning in Disque 1.0. */
  readonly more: ReadonlyArray<Reply.Reply>
}

const readCommand: Reply.Reader<CommandInfo> = (reply) => {
  const parts = Reply.tuple(3)(reply)
  return {
    name: Reply.at(parts, 0, Reply.text),
    arity: Reply.at(parts, 1, Reply.integer),
    flags: Reply.at(parts, 2, Reply.array(Reply.text)),
    more: Reply.beyond(parts, 3)
  }
}

/**
 * COMMAND: the commands that the node knows.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const known = yield* disque.server.commands
 *   return known.some(({ name }) => name === "qpeek")
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const commands = Command.define({
  name: "COMMAND",
  summary: "Gives the commands that the node knows.",
  method: "server.commands",
  isIdempotent: true,
  decode: Reply.array(readCommand)
})

/**
 * BGREWRITEAOF: begins to write the append-only file anew. Fails with `CommandRefused` if that is under way already.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // One node after the other, so that not all of them write at the same time.
 * const program = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   const { nodes } = yield* pool.health
 *   for (const { address } of nodes) {
 *     yield* pool.on(address).server.rewriteAof
 *     yield* Effect.sleep("1 minute")
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const rewriteAof = Command.define({
  name: "BGREWRITEAOF",
  summary: "Starts to rewrite the node's append-only file, in the background.",
  method: "server.rewriteAof",
  isIdempotent: true,
  decode: (reply): void => {
    Reply.text(reply)
  }
})

/**
 * SHUTDOWN: ends the node; with `rewriteAof`, its append-only file is written anew before. The method succeeds when the link ends. It
 * fails with `OutcomeUnknown` if the node neither ends nor answers in time.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.flatMap(DisquePool, (pool) => pool.on("10.0.0.3:7711").server.shutdown({ rewriteAof: true }))
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const shutdown = Command.define({
  name: "SHUTDOWN",
  summary:
    "Ends the node, which replies only if it refuses. The method succeeds when the link ends; the value by itself fails with `OutcomeUnknown` then.",
  syntax: "[REWRITE-AOF]",
  method: "server.shutdown",
  encode: input.checked((given?: { readonly rewriteAof?: boolean | undefined }): Command.Call => {
    const options = input.options("SHUTDOWN", given)
    return { args: input.flag("SHUTDOWN", "rewriteAof", options.rewriteAof) ? ["REWRITE-AOF"] : [] }
  }),
  decode: (reply): void => {
    Reply.text(reply)
  }
})
