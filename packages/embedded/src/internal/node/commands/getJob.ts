import { type Answer, err, Failure, nullArray, syntaxError } from "../../wire/answers.js"
import { type Argument, asText } from "../../wire/bytes.js"
import { parseInteger } from "../../wire/integers.js"
import { blockForJobs } from "../blocking.js"
import type { Client } from "../client.js"
import { leavingFailure } from "../clients.js"
import { abandon, fetch } from "../jobs.js"
import type { Node } from "../node.js"
import { Pause } from "../queue.js"
import { makeQueue } from "../queues.js"
import { outOfMemory, parseTimeout, word } from "./arguments.js"
import { noAnswer } from "./noAnswer.js"
import { jobAnswer } from "./show.js"

const badCount = err("COUNT must be a number greater than zero")

const manyQueues = 100_000

interface Options {
  readonly until: number
  readonly count: number
  readonly isPoll: boolean
  readonly withCounters: boolean
  readonly queues: ReadonlyArray<string>
}

const parseOptions = (node: Node, command: ReadonlyArray<Argument>): Options | Failure => {
  let until = 0
  let count = 1
  let isPoll = false
  let withCounters = false
  for (let i = 1; i < command.length; i++) {
    const name = word(command[i] as Argument)
    const value = command[i + 1]
    if (name === "nohang") {
      isPoll = true
    } else if (name === "withcounters") {
      withCounters = true
    } else if (name === "timeout" && value !== undefined) {
      const end = parseTimeout(node, value)
      if (end instanceof Failure) return end
      until = end
      i++
    } else if (name === "count" && value !== undefined) {
      const number = parseInteger(value)
      if (number === undefined || number <= 0) return badCount
      count = number
      i++
    } else if (name === "from" && value !== undefined) {
      return { until, count, isPoll, withCounters, queues: command.slice(i + 1).map(asText) }
    } else {
      return syntaxError
    }
  }
  return syntaxError
}

/** Asks other nodes for jobs of the queues that are empty here. The client does not wait for them. */
const poll = (node: Node, options: Options, isServed: boolean): void => {
  if (!isServed && !options.isPoll) return
  for (const name of options.queues) {
    const queue = makeQueue(node, name)
    if (queue.jobs.length === 0 || (queue.paused & Pause.out) !== 0) node.bus.federation.poll(queue, "all")
  }
}

/** GETJOB [NOHANG] [TIMEOUT ms] [COUNT n] [WITHCOUNTERS] FROM queue… */
export const getJob = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const options = parseOptions(node, command)
  if (options instanceof Failure) return options
  // GETJOB makes its queues. It is refused only if the queues are so many that they are what fills the memory.
  const count = node.queues.size + options.queues.length
  if (count > manyQueues && node.memoryWarning === 2 && options.queues.some((name) => !node.queues.has(name))) {
    return outOfMemory
  }
  const jobs: Array<Answer> = []
  let names = options.queues
  // One job of each queue in turn, until there are enough or all queues are empty. An empty queue is not asked again.
  while (jobs.length < options.count && names.length > 0) {
    const left: Array<string> = []
    for (const name of names) {
      if (jobs.length === options.count) break
      const queue = makeQueue(node, name)
      const job = (queue.paused & Pause.out) === 0 ? fetch(node, queue) : undefined
      if (job === undefined) continue
      if (queue.jobs.length === 0 && queue.importRate(node.ms) > 0) node.bus.federation.poll(queue, "sources")
      jobs.push(jobAnswer(job, options.withCounters))
      left.push(name)
    }
    names = left
  }
  if (jobs.length < options.count && node.bus.members.size > 1) poll(node, options, jobs.length > 0)
  if (jobs.length > 0) return jobs
  if (options.isPoll) return nullArray
  if (node.bus.members.isLeaving) return leavingFailure
  blockForJobs(node, client, options.queues, {
    until: options.until,
    withCounters: options.withCounters,
    expire: () => {
      client.answer(nullArray)
      abandon(node, client)
    }
  })
  return noAnswer
}
