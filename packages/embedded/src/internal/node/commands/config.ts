import { type Answer, err, ok } from "../../wire/answers.js"
import { type Argument, asText, cString } from "../../wire/bytes.js"
import { matchesGlob } from "../../wire/globs.js"
import { blockForDisk } from "../blocking.js"
import type { Client } from "../client.js"
import type { Disk } from "../journal.js"
import type { Node } from "../node.js"
import { quoted, word } from "./arguments.js"
import { noAnswer } from "./noAnswer.js"

const get = (node: Node, pattern: string): Answer => {
  return node.config.entries().flatMap(([name, value]) => (matchesGlob(pattern, name) ? [name, value] : []))
}

const cannotRecord = err("Unable to turn on AOF. Check server logs.")

/** appendonly yes | no: begins to record, or stops. */
const setRecording = (node: Node, client: Client, disk: Disk, isOn: boolean): Answer | typeof noAnswer => {
  if (disk.isOn === isOn) return ok
  const answer = blockForDisk(node, client)
  disk.switch(isOn, (failure) => {
    if (failure === undefined) node.config.keep("appendonly", isOn ? "yes" : "no")
    answer(failure === undefined ? ok : cannotRecord)
  })
  return noAnswer
}

const set = (node: Node, client: Client, parameter: Argument, value: Argument): Answer | typeof noAnswer => {
  const wanted = cString(asText(value)).toLowerCase()
  if (node.disk !== undefined && word(parameter) === "appendonly" && /^(yes|no)$/.test(wanted)) {
    return setRecording(node, client, node.disk, wanted === "yes")
  }
  const outcome = node.config.set(word(parameter), cString(asText(value)))
  if (outcome === "set") {
    if (word(parameter) === "timeout") node.alarms.set(node.idleCheck, node.ms)
    return ok
  }
  if (outcome === "unknown") return err(`Unsupported CONFIG parameter: ${quoted(parameter)}`)
  if (outcome === "invalid") return err(`Invalid argument '${quoted(value)}' for CONFIG SET '${quoted(parameter)}'`)
  return outcome
}

/** CONFIG GET pattern | SET parameter value | RESETSTAT | REWRITE */
export const config = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const name = word(command[1] as Argument)
  const length = { get: 3, set: 4, resetstat: 2, rewrite: 2 }[name]
  if (length === undefined) return err("CONFIG subcommand must be one of GET, SET, RESETSTAT, REWRITE")
  if (command.length !== length) {
    return err(`Wrong number of arguments for CONFIG ${quoted(command[1] as Argument)}`)
  }
  if (name === "get") return get(node, cString(asText(command[2] as Argument)))
  if (name === "set") return set(node, client, command[2] as Argument, command[3] as Argument)
  if (name === "rewrite") return err("The server is running without a config file")
  node.statistics.reset(node.ms)
  return ok
}
