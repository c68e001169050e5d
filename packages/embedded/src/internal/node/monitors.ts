import { Status } from "../wire/answers.js"
import { type Argument, headOf } from "../wire/bytes.js"
import type { Client } from "./client.js"
import type { Node } from "./node.js"

/** How much of a command a monitor sees, in bytes. */
const mostShown = 64 * 1024

const quote = (text: string): string => {
  const escaped = text.replace(/["\\]|[^ -~]/g, (char) => {
    const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x07": "\\a", "\b": "\\b", '"': '\\"', "\\": "\\\\" }[char]
    return short ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`
  })
  return `"${escaped}"`
}

/** Shows a command to the clients that sent MONITOR. */
export const feedMonitors = (node: Node, client: Client, command: ReadonlyArray<Argument>): void => {
  const now = node.world.base + node.ms
  const at = `${Math.floor(now / 1000)}.${String((now % 1000) * 1000).padStart(6, "0")}`
  const words: Array<string> = []
  let left = mostShown
  for (const argument of command) {
    if (left <= 0) break
    words.push(quote(headOf(argument, left)))
    left -= argument.length + 1
  }
  const line = new Status(`${at} [${client.address}] ${words.join(" ")}`)
  for (const monitor of node.monitors) if (!monitor.inProcess) monitor.answer(line)
}
