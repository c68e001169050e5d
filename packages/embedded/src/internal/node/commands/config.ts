import { type Answer, err, ok } from "../../wire/answers.js"
import { type Argument, asText, cString } from "../../wire/bytes.js"
import { matchesGlob } from "../../wire/globs.js"
import type { Client } from "../client.js"
import type { Node } from "../node.js"
import { quoted, word } from "./arguments.js"

const get = (node: Node, pattern: string): Answer => {
  return node.config.entries().flatMap(([name, value]) => (matchesGlob(pattern, name) ? [name, value] : []))
}

const set = (node: Node, parameter: Argument, value: Argument): Answer => {
  const outcome = node.config.set(word(parameter), cString(asText(value)))
  if (outcome === "set") return ok
  if (outcome === "unknown") return err(`Unsupported CONFIG parameter: ${quoted(parameter)}`)
  if (outcome === "invalid") return err(`Invalid argument '${quoted(value)}' for CONFIG SET '${quoted(parameter)}'`)
  return outcome
}

/** CONFIG GET pattern | SET parameter value | RESETSTAT | REWRITE */
export const config = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const name = word(command[1] as Argument)
  const length = { get: 3, set: 4, resetstat: 2, rewrite: 2 }[name]
  if (length === undefined) return err("CONFIG subcommand must be one of GET, SET, RESETSTAT, REWRITE")
  if (command.length !== length) {
    return err(`Wrong number of arguments for CONFIG ${quoted(command[1] as Argument)}`)
  }
  if (name === "get") return get(node, cString(asText(command[2] as Argument)))
  if (name === "set") return set(node, command[2] as Argument, command[3] as Argument)
  if (name === "rewrite") return err("The server is running without a config file")
  Object.assign(node.stats, { connections: 0, commands: 0 })
  node.calls.clear()
  return ok
}
