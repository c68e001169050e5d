/**
 * The commands about the clients of a node.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { JsonMap, withJson } from "../internal/json.js"
import { quote } from "../internal/text.js"
import * as Reply from "../Reply.js"

/**
 * A client of a node (CLIENT LIST).
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientInfo {
  readonly id: bigint
  /** The address of the client, `ip:port`. */
  readonly address: string
  /** Empty if the client has no name. */
  readonly name: string
  /** The time since it connected, in whole seconds. */
  readonly age: Duration.Duration
  /** The time since it last sent a command, in whole seconds. */
  readonly idle: Duration.Duration
  /** Letters: `N` none, `b` blocked, `O` monitor, `c` to be closed after its replies, … */
  readonly flags: string
  /** Whether it waits for a job or for copies. */
  readonly isBlocked: boolean
  /** The command that it sent last, in lower case. */
  readonly command: string
  /** The fields as they came, those that later versions add among them. */
  readonly fields: ReadonlyMap<string, string>
}

const readClient = (line: string): ClientInfo => {
  const fields = new JsonMap<string>()
  for (const word of line.split(" ")) {
    const sign = word.indexOf("=")
    if (sign > 0) fields.set(word.slice(0, sign), word.slice(sign + 1))
  }
  const field = (name: string, pattern: RegExp): string => {
    const text = fields.get(name)
    if (text !== undefined && pattern.test(text)) return text
    throw new Reply.Mismatch({ expected: `a field ${name} of a client`, actual: quote(line) })
  }
  const flags = field("flags", /^/)
  return withJson<ClientInfo>({
    id: BigInt(field("id", /^\d{1,20}$/)),
    address: field("addr", /^/),
    name: fields.get("name") ?? "",
    age: Duration.seconds(Number(field("age", /^\d{1,15}$/))),
    idle: Duration.seconds(Number(field("idle", /^\d{1,15}$/))),
    flags,
    isBlocked: flags.includes("b"),
    command: field("cmd", /^/),
    fields
  })
}

/**
 * CLIENT LIST: the clients that are connected to the node.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Duration, Effect } from "effect"
 *
 * // Disconnects who has been silent for a day.
 * const program = Effect.gen(function* () {
 *   const { client } = yield* DisqueConnection
 *   for (const { id, idle, isBlocked } of yield* client.list) {
 *     if (!isBlocked && Duration.greaterThan(idle, "1 day")) yield* client.kill({ id })
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const list = Command.define({
  name: "CLIENT LIST",
  summary: "Gives the clients that are connected to the node.",
  method: "client.list",
  isIdempotent: true,
  decode: (reply): ReadonlyArray<ClientInfo> =>
    Reply.text(reply)
      .split("\n")
      .flatMap((line) => (line.trim() === "" ? [] : [readClient(line.trim())]))
})

/**
 * Which clients to disconnect: those that fit all options. At least one of `address`, `id` and `type` is needed.
 *
 * @since 0.1.0
 * @category options
 */
export interface KillOptions {
  /** The address of the client, `ip:port`. */
  readonly address?: string | undefined
  readonly id?: bigint | number | undefined
  /** All clients of 1.0 are `normal`. */
  readonly type?: "normal" | undefined
  /** Whether the client that sends the command is spared. Default: true. */
  readonly skipMe?: boolean | undefined
}

/**
 * CLIENT KILL: disconnects the clients that fit all of the options, and gives how many there were. The link that the command is
 * sent over is left open unless `skipMe` is false.
 *
 * @see {@link list}
 * @since 0.1.0
 * @category commands
 */
export const kill = Command.define({
  name: "CLIENT KILL",
  summary: "Disconnects clients, and gives how many there were.",
  syntax: "[ADDR ip:port] [ID id] [TYPE normal] SKIPME yes|no",
  method: "client.kill",
  isIdempotent: true,
  encode: input.checked((given: KillOptions): Command.Call => {
    const options = input.options("CLIENT KILL", given)
    const args: Array<string> = []
    if (options.address !== undefined) {
      const expected = "the address of a client, ip:port"
      args.push("ADDR", input.matching("CLIENT KILL", "address", options.address, /^\S+:\d+$/, expected))
    }
    if (options.id !== undefined) {
      const { id } = options
      const isId = typeof id === "bigint" ? id > 0n && id < 2n ** 63n : Number.isSafeInteger(id) && id > 0
      if (!isId) input.refuse("CLIENT KILL", "id", input.show(id), "the id of a client, 1 or more")
      args.push("ID", String(id))
    }
    if (options.type !== undefined) args.push("TYPE", input.oneOf("CLIENT KILL", "type", options.type, ["normal"]))
    // With nothing to tell clients apart, the server disconnects all of them.
    if (args.length === 0) input.refuse("CLIENT KILL", "options", "nothing to go by", "an address, an id or a type")
    args.push("SKIPME", input.flag("CLIENT KILL", "skipMe", options.skipMe ?? true) ? "yes" : "no")
    return { args }
  }),
  decode: Reply.integer
})

/**
 * CLIENT SETNAME: names the link that the command is sent over, until the link ends. An empty name removes the name.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { client } = yield* DisqueConnection
 *   yield* client.setName("reports-1")
 *   return yield* client.getName
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const setName = Command.define({
  name: "CLIENT SETNAME",
  summary: "Names the link that it is sent over, for CLIENT LIST. An empty name removes the name.",
  syntax: "name",
  method: "client.setName",
  isIdempotent: true,
  encode: input.checked(
    (name: string): Command.Call => ({
      args: [input.matching("CLIENT SETNAME", "name", name, /^[!-~]*$/, "printable ASCII without spaces")]
    })
  ),
  decode: Reply.ok
})

/**
 * CLIENT GETNAME: the name of the link that the command is sent over; `Option.none()` if it has no name.
 *
 * @see {@link setName}
 * @since 0.1.0
 * @category commands
 */
export const getName = Command.define({
  name: "CLIENT GETNAME",
  summary: "Gives the name of the link that it is sent over.",
  method: "client.getName",
  isIdempotent: true,
  decode: (reply): Option.Option<string> => (reply === null ? Option.none() : Option.some(Reply.text(reply)))
})
