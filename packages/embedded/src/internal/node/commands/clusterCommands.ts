import { setLeaving } from "../../bus/leaving.js"
import { forget, ping, priorityOf, removePeer } from "../../bus/membership.js"
import { isIP } from "../../wire/addresses.js"
import { type Answer, err, ok, Status, syntaxError } from "../../wire/answers.js"
import { type Argument, asText, cString } from "../../wire/bytes.js"
import { parseInteger } from "../../wire/integers.js"
import type { Node, Peer } from "../node.js"
import type { Session } from "../session.js"
import { quoted, word } from "./arguments.js"
import { flush } from "./serverCommands.js"

/** The bus of a node listens this much above its port. */
const busOffset = 10_000

const usage = err("Wrong CLUSTER subcommand or number of arguments")

/** A node does not know its own address before another one has told it. */
const ownHost = (node: Node): string => (node.isMet ? node.host : "")

const meet = (node: Node, host: string, portArgument: Argument): Answer => {
  const port = parseInteger(portArgument)
  if (port === undefined) return err(`Invalid TCP port specified: ${quoted(portArgument)}`)
  if (!isIP(host) || port <= 0 || port > 65_535 - busOffset) {
    return err(`Invalid node address specified: ${host}:${quoted(portArgument)}`)
  }
  const id = node.world.idAt(host, port)
  if (id !== undefined && id !== node.id) {
    node.forgotten.delete(id)
    ping(node, id, "ask")
  }
  return ok
}

const line = (
  id: string,
  host: string,
  port: number,
  flags: ReadonlyArray<string>,
  isConnected: boolean,
  seen: number
): string =>
  `${id} ${host}:${port} ${flags.join(",") || "noflags"} 0 ${seen} ${isConnected ? "connected" : "disconnected"}\n`

const peerLine = (node: Node, peer: Peer): string => {
  const flags = [
    ...(peer.suspected ? ["fail?"] : []),
    ...(peer.failing ? ["fail"] : []),
    ...(peer.leaving ? ["leaving"] : [])
  ]
  const at = node.world.addressOf(peer.id)
  const isLinked = node.world.isLinked(node, peer.id)
  return line(peer.id, at?.host ?? "", at?.port ?? 0, flags, isLinked, node.world.base + node.ms)
}

const nodes = (node: Node): string => {
  const flags = node.leaving ? ["myself", "leaving"] : ["myself"]
  const lines = [line(node.id, ownHost(node), node.port, flags, true, 0)]
  for (const peer of node.peers.values()) lines.push(peerLine(node, peer))
  return lines.join("")
}

const info = (node: Node): string =>
  [
    "cluster_state:ok",
    `cluster_known_nodes:${node.clusterSize}`,
    `cluster_reachable_nodes:${node.reachable().length}`,
    `cluster_size:${node.clusterSize}`,
    `cluster_stats_messages_sent:${node.stats.sent}`,
    `cluster_stats_messages_received:${node.stats.received}`,
    ""
  ].join("\r\n")

const forgetNode = (node: Node, argument: Argument): Answer => {
  if (argument.length !== 40) return err("Invalid node identifier")
  const id = asText(argument)
  if (id === node.id) return err("I tried hard but I can't forget myself...")
  if (!node.peers.has(id)) return err(`Unknown node ${cString(id)}`)
  forget(node, id)
  return ok
}

const reset = (node: Node, mode: string): Answer => {
  if (mode !== "hard" && mode !== "soft") return syntaxError
  for (const id of [...node.peers.keys()]) removePeer(node, id)
  if (mode === "hard") node.world.rename(node, node.world.random.hex(40))
  flush(node)
  return ok
}

const changeLeaving = (node: Node, mode: string): Answer => {
  if (mode !== "yes" && mode !== "no") return err("Wrong argument for CLUSTER LEAVING. Use 'yes' or 'no'")
  setLeaving(node, mode === "yes")
  return ok
}

/** CLUSTER MEET ip port | NODES | MYID | INFO | SAVECONFIG | FORGET id | RESET [SOFT|HARD] | LEAVING [yes|no] */
export const cluster = (node: Node, _: Session, command: ReadonlyArray<Argument>): Answer => {
  const name = word(command[1] as Argument)
  const value = command[2]
  const more = command[3]
  if (name === "meet" && value !== undefined && more !== undefined && command.length === 4) {
    return meet(node, quoted(value), more)
  }
  if (command.length > 3) return usage
  if (value === undefined) {
    switch (name) {
      case "nodes":
        return nodes(node)
      case "myid":
        return node.id
      case "info":
        return info(node)
      case "saveconfig":
        return ok
      case "reset":
        return reset(node, "soft")
      case "leaving":
        return new Status(node.leaving ? "yes" : "no")
      default:
        return usage
    }
  }
  if (name === "forget") return forgetNode(node, value)
  if (name === "reset") return reset(node, word(value))
  return name === "leaving" ? changeLeaving(node, word(value)) : usage
}

/** HELLO */
export const hello = (node: Node): Answer => {
  const own: Answer = [node.id, ownHost(node), String(node.port), node.leaving ? "100" : "1"]
  const others = [...node.peers.values()].map((peer): Answer => {
    const at = node.world.addressOf(peer.id)
    return [peer.id, at?.host ?? "", String(at?.port ?? 0), String(priorityOf(node, peer))]
  })
  return [1, node.id, own, ...others]
}
