import { isIP } from "../../wire/addresses.js"
import { type Answer, err, ok, Status, syntaxError } from "../../wire/answers.js"
import { type Argument, asText, cString } from "../../wire/bytes.js"
import { parseInteger } from "../../wire/integers.js"
import { blockForDisk } from "../blocking.js"
import type { Member } from "../bus.js"
import type { Client } from "../client.js"
import { flush } from "../flush.js"
import type { Node } from "../node.js"
import { quoted, word } from "./arguments.js"
import { noAnswer } from "./noAnswer.js"

/** The bus of a node listens on its port plus this number. */
const busOffset = 10_000

const usage = err("Wrong CLUSTER subcommand or number of arguments")

/** A node does not know its own address before another node has told it. */
const ownHost = (node: Node): string => (node.bus.members.isMet ? node.host : "")

const meet = (node: Node, host: string, portArgument: Argument): Answer => {
  const port = parseInteger(portArgument)
  if (port === undefined) return err(`Invalid TCP port specified: ${quoted(portArgument)}`)
  if (!isIP(host) || port <= 0 || port > 65_535 - busOffset) {
    return err(`Invalid node address specified: ${host}:${quoted(portArgument)}`)
  }
  node.bus.members.meet(host, port)
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

const memberLine = (node: Node, member: Member): string => {
  const flags = [
    ...(member.isSuspected ? ["fail?"] : []),
    ...(member.isFailing ? ["fail"] : []),
    ...(member.isLeaving ? ["leaving"] : [])
  ]
  return line(member.id, member.host, member.port, flags, member.isConnected, node.world.base + member.heardAt)
}

const nodes = (node: Node): string => {
  const flags = node.bus.members.isLeaving ? ["myself", "leaving"] : ["myself"]
  const lines = [line(node.id, ownHost(node), node.port, flags, true, 0)]
  for (const member of node.bus.members.others()) lines.push(memberLine(node, member))
  return lines.join("")
}

const info = (node: Node): string =>
  [
    "cluster_state:ok",
    `cluster_known_nodes:${node.bus.members.size}`,
    `cluster_reachable_nodes:${node.bus.members.reachable().length}`,
    `cluster_size:${node.bus.members.size}`,
    `cluster_stats_messages_sent:${node.bus.members.traffic.sent}`,
    `cluster_stats_messages_received:${node.bus.members.traffic.received}`,
    ""
  ].join("\r\n")

const forgetNode = (node: Node, argument: Argument): Answer => {
  if (argument.length !== 40) return err("Invalid node identifier")
  const id = asText(argument)
  if (id === node.id) return err("I tried hard but I can't forget myself...")
  if (!node.bus.members.has(id)) return err(`Unknown node ${cString(id)}`)
  node.bus.members.forget(id)
  return ok
}

const reset = (node: Node, client: Client, mode: string): Answer | typeof noAnswer => {
  if (mode !== "hard" && mode !== "soft") return syntaxError
  node.bus.members.reset()
  if (mode === "hard") node.rename(node.world.random.hex(40))
  const before = node.journal?.end ?? 0
  flush(node)
  if (mode === "soft" || node.disk === undefined) return ok
  const answer = blockForDisk(node, client)
  node.disk.keepId((failure) => answer(failure ?? ok, before))
  return noAnswer
}

const changeLeaving = (node: Node, mode: string): Answer => {
  if (mode !== "yes" && mode !== "no") return err("Wrong argument for CLUSTER LEAVING. Use 'yes' or 'no'")
  node.bus.members.setLeaving(mode === "yes")
  return ok
}

/** CLUSTER MEET ip port | NODES | MYID | INFO | SAVECONFIG | FORGET id | RESET [SOFT|HARD] | LEAVING [yes|no] */
export const cluster = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
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
        return reset(node, client, "soft")
      case "leaving":
        return new Status(node.bus.members.isLeaving ? "yes" : "no")
      default:
        return usage
    }
  }
  if (name === "forget") return forgetNode(node, value)
  if (name === "reset") return reset(node, client, word(value))
  return name === "leaving" ? changeLeaving(node, word(value)) : usage
}

/** The priority of a node in HELLO: the smaller the better. */
const priorityOf = (member: Member): number => {
  if (member.isFailing || member.isLeaving) return 100
  if (member.isSuspected) return 10
  return member.isConnected ? 1 : 5
}

/** HELLO */
export const hello = (node: Node): Answer => {
  const own: Answer = [node.id, ownHost(node), String(node.port), node.bus.members.isLeaving ? "100" : "1"]
  const others = node.bus.members
    .others()
    .map((member): Answer => [member.id, member.host, String(member.port), String(priorityOf(member))])
  return [1, node.id, own, ...others]
}
