/**
 * The commands about a node's place in its cluster.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { JsonMap, withJson } from "../internal/json.js"
import { isText, quote } from "../internal/text.js"
import * as Reply from "../Reply.js"
import { addressOf, type InfoValue, readLines, readValue } from "./server.js"

// The bus of a node listens this much above its port.
const maxPort = 65_535 - 10_000

/**
 * CLUSTER MEET: joins the node, and its cluster, to the node at an address: an IP address, no host name, and the port for clients. The
 * nodes know each other some moments after the reply.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // What one node is told. `Cluster.meet` tells every node, and waits until they know each other.
 * const program = Effect.gen(function* () {
 *   const { cluster } = yield* DisqueConnection
 *   yield* cluster.meet("10.0.0.4", 7711)
 *   const failed = (yield* cluster.nodes).filter(({ flags }) => flags.includes("fail"))
 *   for (const { id } of failed) yield* cluster.forget(id)
 *   return yield* cluster.info
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const meet = Command.define({
  name: "CLUSTER MEET",
  summary:
    "Joins the node, and its cluster, to the node at an address. The join is complete some moments after the reply.",
  syntax: "ip port",
  method: "cluster.meet",
  isIdempotent: true,
  encode: input.checked((ip: string, port: number): Command.Call => {
    const expected = "the IP address of a node: Disque resolves no names"
    const host = input.matching(
      "CLUSTER MEET",
      "ip",
      ip,
      /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$/,
      expected
    )
    return { args: [host, String(input.count("CLUSTER MEET", "port", port, 1, maxPort))] }
  }),
  decode: Reply.ok
})

/**
 * CLUSTER FORGET: makes the node that is asked forget another node for a minute. Every other node has to be told within this minute,
 * or the forgotten node comes back. Fails with `CommandRefused` if the id is not known, or is that of the node that is asked.
 *
 * @see {@link meet}
 * @since 0.1.0
 * @category commands
 */
export const forget = Command.define({
  name: "CLUSTER FORGET",
  summary: "Makes the asked node forget another node, and keep it out for a minute. Every node has to be told.",
  syntax: "node-id",
  method: "cluster.forget",
  encode: input.checked(
    (nodeId: string): Command.Call => ({
      args: [input.matching("CLUSTER FORGET", "node id", nodeId, /^[0-9a-f]{40}$/, "the id of a node, 40 hex digits")]
    })
  ),
  decode: Reply.ok
})

/**
 * What a node says of another one. `fail?`: the node suspects that the other one has failed. `fail`: most nodes agree on that.
 *
 * @since 0.1.0
 * @category models
 */
export type ClusterNodeFlag = "myself" | "fail?" | "fail" | "handshake" | "noaddr" | "leaving" | (string & {})

/**
 * A node of the cluster, as another one sees it (CLUSTER NODES).
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterNode {
  readonly id: string
  /** Empty if the node is alone and says its own address. */
  readonly host: string
  readonly port: number
  /** Where to reach the node, `host:port`. For the node that answered, this is the address that was dialed. */
  readonly address: string
  readonly flags: ReadonlyArray<ClusterNodeFlag>
  /** Whether this is the node that gave the list. */
  readonly isMyself: boolean
  /** When the ping was sent that is not answered yet; `Option.none()` if all are answered. */
  readonly pingSent: Option.Option<DateTime.Utc>
  /** When the node last answered a ping; `Option.none()` if it has not, and for the node that gave this list. */
  readonly pongReceived: Option.Option<DateTime.Utc>
  /** Whether the node that gave the list has a link to this one. */
  readonly isConnected: boolean
  /** Further items that later versions of Disque may add. */
  readonly more: ReadonlyArray<string>
}

const moment = (millis: string): Option.Option<DateTime.Utc> =>
  /^[1-9]\d{0,14}$/.test(millis) ? Option.some(DateTime.unsafeMake(Number(millis))) : Option.none()

const readNode = (line: string, dialed: string): ClusterNode => {
  const [id = "", address = "", flagText = "", pingSent = "", pongReceived = "", link = "", ...more] = line.split(" ")
  const colon = address.lastIndexOf(":")
  const port = Number(address.slice(colon + 1))
  if (colon < 0 || !Number.isInteger(port) || link === "") {
    throw new Reply.Mismatch({ expected: "a line of CLUSTER NODES", actual: quote(line) })
  }
  const host = address.slice(0, colon)
  const flags = flagText.split(",").filter((flag) => flag !== "noflags" && flag !== "")
  const isMyself = flags.includes("myself")
  return {
    id,
    host,
    port,
    address: isMyself || host === "" ? dialed : addressOf(host, port),
    flags,
    isMyself,
    pingSent: moment(pingSent),
    pongReceived: moment(pongReceived),
    isConnected: link === "connected",
    more
  }
}

/**
 * CLUSTER NODES: the nodes that the node knows, including failed and leaving ones.
 *
 * @see {@link meet}
 * @since 0.1.0
 * @category commands
 */
export const nodes = Command.define({
  name: "CLUSTER NODES",
  summary: "Gives the nodes that the node knows, including failed and leaving ones.",
  method: "cluster.nodes",
  isIdempotent: true,
  decode: (reply, node): ReadonlyArray<ClusterNode> =>
    Reply.text(reply)
      .split("\n")
      .flatMap((line) => (line.trim() === "" ? [] : [readNode(line.trim(), node)]))
})

/**
 * What a node knows of its cluster as a whole (CLUSTER INFO).
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterInfo {
  /** `ok`, or what is wrong with the cluster. */
  readonly state: string
  /** How many nodes the node knows, itself included. */
  readonly knownNodes: number
  /** How many other nodes the node can reach. */
  readonly reachableNodes: number
  /** How many nodes the cluster has. */
  readonly size: number
  readonly messagesSent: bigint
  readonly messagesReceived: bigint
  /** All fields as they came, including those that later versions of Disque may add. */
  readonly fields: ReadonlyMap<string, InfoValue>
}

const whole = (fields: ReadonlyMap<string, string>, name: string): string => {
  const text = fields.get(name)
  if (text !== undefined && /^\d{1,20}$/.test(text)) return text
  throw new Reply.Mismatch({
    expected: `a number ${name}`,
    actual: text === undefined ? "nothing" : quote(text)
  })
}

/**
 * CLUSTER INFO: what the node knows of its cluster as a whole.
 *
 * @see {@link meet}
 * @since 0.1.0
 * @category commands
 */
export const info = Command.define({
  name: "CLUSTER INFO",
  summary: "Gives what a node knows of its cluster as a whole.",
  method: "cluster.info",
  isIdempotent: true,
  decode: (reply): ClusterInfo => {
    const lines = readLines(Reply.text(reply))
    const fields = new Map(lines)
    return withJson<ClusterInfo>({
      state: fields.get("cluster_state") ?? "",
      knownNodes: Number(whole(fields, "cluster_known_nodes")),
      reachableNodes: Number(whole(fields, "cluster_reachable_nodes")),
      size: Number(whole(fields, "cluster_size")),
      messagesSent: BigInt(whole(fields, "cluster_stats_messages_sent")),
      messagesReceived: BigInt(whole(fields, "cluster_stats_messages_received")),
      fields: new JsonMap(lines.map(([name, value]) => [name, readValue(name, value)]))
    })
  }
})

/**
 * CLUSTER LEAVING: whether the node is leaving its cluster.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // What one node is told. `Cluster.drain` waits until the node can be stopped.
 * const program = Effect.gen(function* () {
 *   const { cluster } = (yield* DisquePool).on("10.0.0.3:7711")
 *   if (!(yield* cluster.leaving)) yield* cluster.setLeaving(true)
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const leaving = Command.define({
  name: "CLUSTER LEAVING",
  summary: "Tells whether the node is leaving its cluster.",
  method: "cluster.leaving",
  isIdempotent: true,
  decode: (reply): boolean => {
    if (isText(reply, "yes")) return true
    if (isText(reply, "no")) return false
    throw new Reply.Mismatch({ expected: "yes or no", actual: Reply.describe(reply) })
  }
})

/**
 * CLUSTER LEAVING yes|no: makes the node leave its cluster, or stay. A leaving node keeps no copies of new jobs, and refuses
 * clients that would have to wait for a job (`NodeLeaving`). It can be shut down once it knows no jobs any more (`registered_jobs` of
 * INFO is 0).
 *
 * @see {@link leaving}
 * @since 0.1.0
 * @category commands
 */
export const setLeaving = Command.define({
  name: "CLUSTER LEAVING",
  summary:
    "Makes the node leave its cluster, or stay. A leaving node takes no new jobs and hands out the jobs that it has.",
  syntax: "yes|no",
  method: "cluster.setLeaving",
  isIdempotent: true,
  encode: input.checked((isLeaving: boolean): Command.Call => {
    if (typeof isLeaving !== "boolean") {
      return input.refuse("CLUSTER LEAVING", "isLeaving", input.show(isLeaving), "true or false")
    }
    return { args: [isLeaving ? "yes" : "no"] }
  }),
  decode: Reply.ok
})

/**
 * CLUSTER RESET: makes the node forget its cluster **and all of its jobs and queues**. `hard` also gives the node a new id.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // A node that is to be used elsewhere. All of its jobs are gone after that.
 * const program = Effect.flatMap(DisquePool, (pool) => pool.on("10.0.0.3:7711").cluster.reset("hard"))
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const reset = Command.define({
  name: "CLUSTER RESET",
  summary: "Makes the node forget its cluster and all of its jobs and queues. `hard` also gives the node a new id.",
  syntax: "[SOFT|HARD]",
  method: "cluster.reset",
  encode: input.checked(
    (mode?: "soft" | "hard"): Command.Call => ({
      args: mode === undefined ? [] : [input.oneOf("CLUSTER RESET", "mode", mode, ["soft", "hard"])]
    })
  ),
  decode: Reply.ok
})
