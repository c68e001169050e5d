/** Commands about queues by their names. */
import { type Answer, nullArray, Status, syntaxError } from "../../wire/answers.js"
import { type Argument, asText } from "../../wire/bytes.js"
import { parseInteger } from "../../wire/integers.js"
import type { Client } from "../client.js"
import type { Node } from "../node.js"
import { Pause, pauseNames, type Queue } from "../queue.js"
import { findQueue, makeQueue, setPaused } from "../queues.js"
import { notAnInteger, word } from "./arguments.js"
import { jobAnswer } from "./show.js"

const pauses: ReadonlyMap<string, number> = new Map([
  ["none", Pause.none],
  ["in", Pause.in],
  ["out", Pause.out],
  ["all", Pause.all]
])

const queueOf = (node: Node, command: ReadonlyArray<Argument>): Queue | undefined =>
  findQueue(node, asText(command[1] as Argument))

/** QLEN queue */
export const qlen = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer =>
  queueOf(node, command)?.jobs.length ?? 0

/** QPEEK queue count */
export const qpeek = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const count = parseInteger(command[2] as Argument)
  if (count === undefined) return notAnInteger
  const jobs = queueOf(node, command)?.jobs.peek(Math.abs(count), count < 0) ?? []
  return jobs.map((job) => jobAnswer(job, false))
}

/** QSTAT queue */
export const qstat = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const queue = queueOf(node, command)
  if (queue === undefined) return nullArray
  return [
    "name",
    queue.name,
    "len",
    queue.jobs.length,
    "age",
    node.seconds - queue.createdAt,
    "idle",
    node.seconds - queue.usedAt,
    "blocked",
    queue.clients?.size ?? 0,
    "import-from",
    [...(queue.sources?.keys() ?? [])],
    "import-rate",
    queue.importRate(node.ms),
    "jobs-in",
    queue.jobsIn,
    "jobs-out",
    queue.jobsOut,
    "pause",
    pauseNames[queue.paused] ?? "none"
  ]
}

/** PAUSE queue option… */
export const pause = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const name = asText(command[1] as Argument)
  let paused: number | undefined
  let isBroadcast = false
  for (let i = 2; i < command.length; i++) {
    const option = word(command[i] as Argument)
    const flags = pauses.get(option)
    if (flags !== undefined) paused = option === "none" ? Pause.none : (paused ?? Pause.none) | flags
    else if (option === "bcast") isBroadcast = true
    else if (option !== "state") return syntaxError
  }
  let queue = findQueue(node, name)
  if (paused !== undefined && (queue?.paused ?? Pause.none) !== paused) queue ??= makeQueue(node, name)
  if (queue !== undefined && paused !== undefined) setPaused(node, queue, paused)
  const now = queue?.paused ?? Pause.none
  if (isBroadcast) node.bus.federation.pause(name, now)
  return new Status(pauseNames[now] ?? "none")
}
