/** Clients that wait: for a job, or for the copies of one. */
import type { Answer } from "../wire/answers.js"
import type { Client } from "./client.js"
import type { Job } from "./job.js"
import { answerOnceKept } from "./journal.js"
import type { Node } from "./node.js"
import { collectQueue, makeQueue } from "./queues.js"
import { Alarm } from "./timers.js"

/** How long to wait for copies before the job is sent again, in ms: the first time, and at most. */
const resendFirst = 100
const resendMost = 5000

const setTimeoutAlarm = (node: Node, at: number, expire: () => void): Alarm | null => {
  if (at === 0) return null
  const alarm = new Alarm(expire)
  node.alarms.set(alarm, at)
  return alarm
}

/** Blocks a client until one of the queues has a job for it. `until` is in ms since the base, 0 for ever. */
export const blockForJobs = (
  node: Node,
  client: Client,
  names: ReadonlyArray<string>,
  options: { readonly until: number; readonly withCounters: boolean; readonly expire: () => void }
): void => {
  const timeout = setTimeoutAlarm(node, options.until, options.expire)
  client.blocked = { command: "GETJOB", queues: names, withCounters: options.withCounters, timeout }
  for (const name of names) {
    const queue = makeQueue(node, name)
    queue.clients ??= new Set()
    queue.clients.add(client)
    node.bus.federation.request(queue)
  }
}

/** Blocks a client until its job has enough copies. `again` sends the job to those that have not confirmed it. */
export const blockForCopies = (
  node: Node,
  client: Client,
  job: Job,
  options: { readonly until: number; readonly expire: () => void; readonly again: () => void }
): void => {
  let wait = resendFirst
  const resend = new Alarm(() => {
    wait = Math.min(resendMost, wait * 2)
    node.alarms.set(resend, node.ms + wait)
    options.again()
  })
  node.alarms.set(resend, node.ms + wait)
  const timeout = setTimeoutAlarm(node, options.until, options.expire)
  client.blocked = { command: "ADDJOB", job, timeout, resend }
  node.producers.set(job, client)
}

/**
 * Blocks a client until something is done with the files. Gives the function that answers it, once the records since `before` are
 * kept if that is told.
 */
export const blockForDisk = (node: Node, client: Client): ((answer: Answer, before?: number) => void) => {
  const blocked = { command: "disk", timeout: null } as const
  client.blocked = blocked
  return (answer, before = node.journal?.end ?? 0) => {
    if (client.blocked !== blocked) return
    answerOnceKept(node.journal, client, answer, before)
    unblock(node, client)
  }
}

/** Ends the wait of a client, without an answer. */
export const unblock = (node: Node, client: Client): void => {
  const blocked = client.blocked
  if (blocked === null) return
  client.blocked = null
  client.lastAt = node.seconds
  if (blocked.timeout !== null) node.alarms.remove(blocked.timeout)
  if (blocked.command === "ADDJOB") {
    node.alarms.remove(blocked.resend)
    node.producers.delete(blocked.job)
  } else if (blocked.command === "GETJOB") {
    for (const name of blocked.queues) {
      const queue = node.queues.get(name)
      if (queue === undefined || queue.clients === null) continue
      queue.clients.delete(client)
      if (queue.clients.size > 0) continue
      queue.clients = null
      node.bus.federation.withdraw(queue)
      collectQueue(node, queue)
    }
  }
  node.readyClients.push(client)
}
