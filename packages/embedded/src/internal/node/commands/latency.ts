import { type Answer, err, syntaxError } from "../../wire/answers.js"
import { type Argument, asText, cString } from "../../wire/bytes.js"
import type { Client } from "../client.js"
import type { LatencyEvent } from "../latencyMonitor.js"
import { latencyReport } from "../latencyReport.js"
import type { Node } from "../node.js"
import { sparkline } from "../sparkline.js"
import { quoted, word } from "./arguments.js"

/** How long ago something was, in the largest whole unit. */
const ago = (seconds: number): string => {
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

const graph = ({ most, name, samples }: LatencyEvent, now: number): string => {
  const millis = samples.map((sample) => sample.millis)
  const head = `${name} - high ${Math.max(...millis)} ms, low ${Math.min(...millis)} ms (all time high ${most} ms)`
  const points = samples.map(({ at, millis }) => ({ value: millis, label: ago(now - at) }))
  return `${head}\n${"-".repeat(80)}\n${sparkline(points)}`
}

const nameOf = (argument: Argument): string => cString(asText(argument))

/** LATENCY HISTORY event | GRAPH event | LATEST | DOCTOR | RESET [event…] */
export const latency = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const { latency } = node
  const name = word(command[1] as Argument)
  const argument = command[2]
  if (name === "history" && argument !== undefined && command.length === 3) {
    return latency.get(nameOf(argument))?.samples.map(({ at, millis }) => [at, millis]) ?? []
  }
  if (name === "graph" && argument !== undefined && command.length === 3) {
    const event = latency.get(nameOf(argument))
    return event === undefined
      ? err(`No samples available for event '${quoted(argument)}'`)
      : graph(event, node.unixSeconds)
  }
  if (name === "latest" && command.length === 2) {
    return latency.events.map(({ latest, most, name }) => [name, latest.at, latest.millis, most])
  }
  if (name === "doctor" && command.length === 2) return latencyReport(latency.events, node.config, node.unixSeconds)
  if (name !== "reset") return syntaxError
  if (command.length === 2) return latency.clear()
  return command.slice(2).reduce((count, event) => count + latency.forget(nameOf(event)), 0)
}
