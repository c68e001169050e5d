import { type Answer, err, Failure, Status, syntaxError } from "../../wire/answers.js"
import { type Argument, asBody, asText } from "../../wire/bytes.js"
import { parseInteger, uint32 } from "../../wire/integers.js"
import { blockForCopies } from "../blocking.js"
import type { Client } from "../client.js"
import { Job, State } from "../job.js"
import { makeId } from "../jobId.js"
import { abandon, activate, register } from "../jobs.js"
import type { Node } from "../node.js"
import { Pause } from "../queue.js"
import { findQueue } from "../queues.js"
import { parseTimeout, word } from "./arguments.js"
import { noAnswer } from "./noAnswer.js"

const defaultTtl = 86_400
const mostDefaultRetry = 300

interface Options {
  replicate: number
  ttl: number
  retry: number | undefined
  delay: number
  maxlen: number
  async: boolean
}

type Numeric = Exclude<keyof Options, "async">

interface Rule {
  readonly option: Numeric
  readonly accepts: (value: number) => boolean
  readonly failure: Failure
}

/** The options that take a number: what they accept, and the answer to anything else. */
const rules: ReadonlyMap<string, Rule> = new Map(
  (
    [
      ["replicate", (n) => n > 0 && n <= 65_535, "REPLICATE must be between 1 and 65535"],
      ["ttl", (n) => n > 0, "TTL must be a number > 0"],
      ["retry", (n) => n >= 0, "RETRY time must be a non negative number"],
      ["delay", (n) => n >= 0, "DELAY time must be a non negative number"],
      ["maxlen", (n) => n > 0, "MAXLEN must be a positive number"]
    ] satisfies ReadonlyArray<readonly [Numeric, (value: number) => boolean, string]>
  ).map(([option, accepts, text]): readonly [string, Rule] => [option, { option, accepts, failure: err(text) }])
)

const retryNeedsOne = err("With RETRY set to 0 please explicitly set  REPLICATE to 1 (at-most-once delivery)")
const neverDelivered = err("The specified DELAY is greater than TTL. Job refused since would never be delivered")
const notEnough = "NOREPL Not enough reachable nodes for the requested replication level"
const notEnoughNodes = new Failure(notEnough)
const tooLong = new Failure("MAXLEN Queue is already longer than the specified MAXLEN count")
const pausedIn = new Failure("PAUSED Queue paused in input, try later")
const notInTime = new Failure("NOREPL Timeout reached before replicating to the requested number of nodes")

const parseOptions = (node: Node, command: ReadonlyArray<Argument>): Options | Failure => {
  const options: Options = {
    replicate: Math.min(3, node.bus.members.size),
    ttl: defaultTtl,
    retry: undefined,
    delay: 0,
    maxlen: 0,
    async: false
  }
  for (let i = 4; i < command.length; i++) {
    const name = word(command[i] as Argument)
    const rule = rules.get(name)
    const value = command[i + 1]
    if (rule !== undefined && value !== undefined) {
      const number = parseInteger(value)
      if (number === undefined || !rule.accepts(number)) return rule.failure
      options[rule.option] = number
      i++
    } else if (name === "async") {
      options.async = true
    } else {
      return syntaxError
    }
  }
  return options
}

const makeJob = (node: Node, name: string, options: Options, retry: number, isExternal: boolean): Job => {
  const ttl = options.ttl
  const job = new Job(
    makeId(node.id, uint32(ttl), uint32(retry), node.world.random),
    State.waitRepl,
    isExternal ? [] : node.self
  )
  job.queue = name
  job.replicate = options.replicate
  if (node.ms > node.lastCreatedAt) {
    node.lastCreatedAt = node.ms
    node.lastSequence = 0
  } else {
    node.lastSequence++
  }
  job.createdAt = node.lastCreatedAt
  job.sequence = node.lastSequence
  const baseSeconds = node.world.base / 1000
  job.expiresAt = uint32(baseSeconds + node.seconds + ttl) - baseSeconds
  job.delay = uint32(options.delay)
  job.retry = uint32(retry)
  job.requeueAt = node.ms + (options.delay > 0 ? options.delay : retry) * 1000
  return job
}

/** Blocks the producer until the job has its copies. */
const waitForCopies = (node: Node, client: Client, job: Job, until: number): void => {
  job.confirmed = job.holders
  blockForCopies(node, client, job, {
    until,
    expire: () => {
      client.answer(notInTime)
      abandon(node, client)
    },
    again: () => node.bus.replication.replicate(job, 1, true)
  })
}

/** ADDJOB queue body timeout [REPLICATE n] [DELAY s] [RETRY s] [TTL s] [MAXLEN n] [ASYNC] */
export const addJob = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const options = parseOptions(node, command)
  if (options instanceof Failure) return options
  const until = parseTimeout(node, command[3] as Argument)
  if (until instanceof Failure) return until
  if (options.replicate > 1 && options.retry === 0) return retryNeedsOne
  if (options.delay >= options.ttl) return neverDelivered
  const retry = options.retry ?? Math.max(1, Math.min(mostDefaultRetry, Math.floor(options.ttl / 10)))

  // A node that is leaving or has little memory left keeps no copy of its own.
  const isExternal = node.bus.members.isLeaving || node.memoryWarning > 0
  const additional = isExternal ? options.replicate : options.replicate - 1
  if (additional > 0) {
    const reachable = node.bus.members.reachable().length
    if (additional > reachable) {
      if (!isExternal || additional - 1 !== reachable) return notEnoughNodes
      const reason = node.bus.members.isLeaving ? "I'm leaving the cluster" : "I'm out of memory"
      return new Failure(
        `${notEnough}, since I'm unable to hold a copy of the message for the following reason: ${reason}`
      )
    }
  }

  const name = asText(command[1] as Argument)
  const queue = findQueue(node, name)
  if (queue !== undefined) {
    if (options.maxlen > 0 && queue.jobs.length >= options.maxlen) return tooLong
    if ((queue.paused & Pause.in) !== 0) return pausedIn
  }

  const job = makeJob(node, queue?.name ?? name, options, retry, isExternal)
  job.body = asBody(command[2] as Argument)
  // Nobody waits for the copies of such a job, so that the node need not know it.
  const isDiscarded = options.async && isExternal
  if (!isDiscarded) register(node, job)

  const waits = additional > 0 && !options.async
  if (waits) {
    waitForCopies(node, client, job, until)
  } else if (!isDiscarded) {
    activate(node, job)
  }
  if (additional > 0) node.bus.replication.replicate(job, additional, !options.async)
  if (isDiscarded) node.bus.announce.enqueueAt(job.holders, job)
  return waits ? noAnswer : new Status(job.id)
}
