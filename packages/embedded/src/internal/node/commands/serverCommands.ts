/** Commands about the node itself. */
import { type Answer, err, Failure, ok, Status, syntaxError } from "../../wire/answers.js"
import { type Argument, asText, cString, headOf } from "../../wire/bytes.js"
import { blockForDisk } from "../blocking.js"
import type { Client } from "../client.js"
import { flush } from "../flush.js"
import type { Node } from "../node.js"
import { quoted, word } from "./arguments.js"
import { noAnswer } from "./noAnswer.js"

const noPassword = err("Client sent AUTH, but no password is set")
const wrongPassword = err("invalid password")

/** AUTH password */
export const auth = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer => {
  const password = node.config.requirepass
  if (password === "") return noPassword
  client.authenticated = cString(asText(command[1] as Argument)) === password
  return client.authenticated ? ok : wrongPassword
}

const pong = new Status("PONG")

/** PING [message] */
export const ping = (_: Node, __: Client, command: ReadonlyArray<Argument>): Answer => {
  if (command.length > 2) return err("wrong number of arguments for 'ping' command")
  return command[1] ?? pong
}

/** TIME */
export const time = (node: Node): Answer => {
  const now = node.world.base + node.ms
  return [String(Math.floor(now / 1000)), String((now % 1000) * 1000)]
}

const notEnded = err("Errors trying to SHUTDOWN. Check logs.")

/** SHUTDOWN [REWRITE-AOF] */
export const shutdown = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  if (command.length > 2 || (command[1] !== undefined && word(command[1]) !== "rewrite-aof")) return syntaxError
  if (node.disk === undefined) {
    node.world.shutdown()
    return noAnswer
  }
  const answer = blockForDisk(node, client)
  node.disk.finish(command[1] !== undefined && !node.disk.isLoading, (isKept) => {
    if (isKept) node.world.shutdown()
    else answer(notEnded)
  })
  return noAnswer
}

/** MONITOR */
export const monitor = (node: Node, client: Client): Answer | typeof noAnswer => {
  if (client.monitor) return noAnswer
  client.monitor = true
  node.monitors.add(client)
  return ok
}

/** How much of a text is sent back, in bytes. */
const mostText = 64 * 1024

/** DEBUG FLUSHALL | LOADAOF | ERROR text | SLEEP seconds | STRUCTSIZE */
export const debug = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const name = word(command[1] as Argument)
  const value = command[2]
  if (name === "loadaof" && node.disk !== undefined) {
    const answer = blockForDisk(node, client)
    node.disk.reload((failure) => answer(failure ?? ok))
    return noAnswer
  }
  if (name === "flushall" || name === "loadaof") {
    flush(node)
    return ok
  }
  // A node in the process must not stop the process, so it does not sleep.
  if (name === "sleep" && command.length === 3) return ok
  if (name === "error" && value !== undefined && command.length === 3) {
    return new Failure(headOf(value, mostText).replace(/[\r\n]/g, " "))
  }
  if (name === "structsize" && command.length === 2)
    return "bits:64 job:120 queue:112 robj:16 dictentry:24 sdshdr5:1 sdshdr8:3 sdshdr16:5 sdshdr32:9 sdshdr64:17 "
  if (/^(segfault|restart|crash-and-recover|oom|assert)$/.test(name)) {
    return err(`DEBUG ${name} is not for a node in the process`)
  }
  return err(`Unknown DEBUG subcommand or wrong number of arguments for '${quoted(command[1] as Argument)}'`)
}

/** LOADJOB job */
export const loadJob = (): Answer => err("LOADJOB is a special command only processed from AOF")

const rewriteStarted = new Status("Background append only file rewriting started")

/** BGREWRITEAOF */
export const rewriteAof = (node: Node): Answer => node.disk?.rewrite() ?? rewriteStarted
