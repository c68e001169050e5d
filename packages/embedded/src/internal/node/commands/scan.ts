/** QSCAN and JSCAN: pages of the queues and jobs of a node, in the order in which it came to know them. */
import { type Answer, err, Failure, Status, syntaxError } from "../../wire/answers.js"
import { type Argument, asText } from "../../wire/bytes.js"
import { parseBig, parseInteger } from "../../wire/integers.js"
import type { Client } from "../client.js"
import { type Job, stateNames } from "../job.js"
import type { Node } from "../node.js"
import type { Queue } from "../queue.js"
import { collectQueues } from "../queues.js"
import { notAnInteger, word } from "./arguments.js"
import { jobInfo } from "./show.js"

const defaultCount = 100
const badCursor = err("invalid cursor or option name")
/** The largest unsigned integer of 64 bits; a sign is allowed. */
const mostCursor = 2n ** 64n - 1n

const badState = err("Invalid job state name")
const badReply = err("Invalid REPLY type, try ID or ALL")

/** How many unfinished scans are remembered. */
const maxScans = 16

interface Page {
  count: number
  isWhole: boolean
  cursor: number | undefined
}

/** Reads the options that both commands share. `own` reads the options of one, and returns how many arguments it took. */
const parsePage = (
  command: ReadonlyArray<Argument>,
  own: (name: string, value: Argument | undefined) => number | Failure
): Page | Failure => {
  const page: Page = { count: defaultCount, isWhole: false, cursor: undefined }
  for (let i = 1; i < command.length; i++) {
    const argument = command[i] as Argument
    const name = word(argument)
    const value = command[i + 1]
    const taken = own(name, value)
    if (taken instanceof Failure) return taken
    if (taken > 0) {
      i += taken - 1
    } else if (name === "count" && value !== undefined) {
      const count = parseInteger(value)
      if (count === undefined) return notAnInteger
      page.count = count
      i++
    } else if (name === "busyloop") {
      page.isWhole = true
    } else {
      if (page.cursor !== undefined) return syntaxError
      const cursor = parseBig(argument)
      if (cursor === undefined || cursor > mostCursor || cursor < -mostCursor) return badCursor
      page.cursor = Number(cursor)
    }
  }
  return page
}

const resume = <A extends { readonly serial: number }>(
  node: Node,
  kind: string,
  cursor: number,
  all: ReadonlyMap<string, A>
): IterableIterator<A> => {
  const key = `${kind} ${cursor}`
  const known = node.scans.get(key)
  if (cursor === 0 || known === undefined) return all.values()
  node.scans.delete(key)
  return known as IterableIterator<A>
}

const remember = (
  node: Node,
  kind: string,
  cursor: number,
  iterator: IterableIterator<{ readonly serial: number }>
): void => {
  node.scans.set(`${kind} ${cursor}`, iterator)
  const oldest = node.scans.keys().next().value
  if (node.scans.size > maxScans && oldest !== undefined) node.scans.delete(oldest)
}

/** One page: the items that pass the filter, and the next cursor, which is the serial of the last item that was looked at. */
const scan = <A extends { readonly serial: number }>(
  node: Node,
  kind: string,
  all: ReadonlyMap<string, A>,
  page: Page,
  filter: (item: A) => boolean
): readonly [cursor: string, items: ReadonlyArray<A>] => {
  const cursor = page.cursor ?? 0
  const iterator = resume(node, kind, cursor, all)
  const items: Array<A> = []
  const isUnbounded = page.isWhole || page.count < 0
  let left = isUnbounded ? Number.POSITIVE_INFINITY : page.count * 10 + 1
  while (true) {
    const next = iterator.next()
    if (next.done === true) return ["0", items]
    const item = next.value
    if (item.serial <= cursor) continue
    if (filter(item)) items.push(item)
    left--
    if (left <= 0 || (!isUnbounded && items.length >= page.count)) {
      remember(node, kind, item.serial, iterator)
      return [String(item.serial), items]
    }
  }
}

/** QSCAN [cursor] [COUNT n] [BUSYLOOP] [MINLEN n] [MAXLEN n] [IMPORTRATE n] */
export const qscan = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const limits = new Map<string, number>()
  const page = parsePage(command, (name, value) => {
    if (value === undefined || (name !== "minlen" && name !== "maxlen" && name !== "importrate")) return 0
    const limit = parseInteger(value)
    if (limit === undefined) return notAnInteger
    limits.set(name, limit)
    return 2
  })
  if (page instanceof Failure) return page
  const least = limits.get("minlen") ?? -1
  const most = limits.get("maxlen") ?? -1
  const rate = limits.get("importrate") ?? -1
  collectQueues(node, node.queues.size)
  const [cursor, queues] = scan<Queue>(node, "QSCAN", node.queues, page, (queue) => {
    if (least !== -1 && queue.jobs.length < least) return false
    if (most !== -1 && queue.jobs.length > most) return false
    return rate === -1 || queue.importRate(node.ms) >= rate
  })
  return [cursor, queues.map((queue) => queue.name)]
}

/** JSCAN [cursor] [COUNT n] [BUSYLOOP] [QUEUE queue] [STATE state…] [REPLY all|id] */
export const jscan = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const states = new Set<number>()
  let queue: string | undefined
  let isWhole = false
  const page = parsePage(command, (name, value) => {
    if (value === undefined) return 0
    if (name === "queue") {
      queue = asText(value)
      return 2
    }
    if (name === "state") {
      const state = stateNames.indexOf(word(value))
      if (state < 0) return badState
      states.add(state)
      return 2
    }
    if (name === "reply") {
      const reply = word(value)
      if (reply !== "id" && reply !== "all") return badReply
      isWhole = reply === "all"
      return 2
    }
    return 0
  })
  if (page instanceof Failure) return page
  const [cursor, jobs] = scan<Job>(node, "JSCAN", node.jobs, page, (job) => {
    // The acknowledgement of an unknown job is not shown.
    if (job.holders.length === 0) return false
    return (queue === undefined || job.queue === queue) && (states.size === 0 || states.has(job.state))
  })
  return [cursor, jobs.map((job) => (isWhole ? jobInfo(node, job) : new Status(job.id)))]
}
