import { requestJobs, withdrawRequests } from "../bus/requests.js"
import type { Job } from "./job.js"
import type { Node } from "./node.js"
import { collectQueue, makeQueue } from "./queues.js"
import type { Session } from "./session.js"
import { Alarm } from "./timers.js"

/** How long to wait for copies before the job is sent again, in ms: this at first, and ever longer up to the second. */
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
  session: Session,
  names: ReadonlyArray<string>,
  options: { readonly until: number; readonly withCounters: boolean; readonly expire: () => void }
): void => {
  const timeout = setTimeoutAlarm(node, options.until, options.expire)
  session.blocked = { command: "GETJOB", queues: names, withCounters: options.withCounters, timeout }
  for (const name of names) {
    const queue = makeQueue(node, name)
    queue.clients ??= new Set()
    queue.clients.add(session)
    requestJobs(node, queue)
  }
}

/** Blocks a client until its job has enough copies. `again` sends the job to those that have not confirmed it. */
export const blockForCopies = (
  node: Node,
  session: Session,
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
  session.blocked = { command: "ADDJOB", job, timeout, resend }
  job.producer = session
}

/** Ends the wait of a client, whatever it waits for, without an answer. */
export const unblock = (node: Node, session: Session): void => {
  const blocked = session.blocked
  if (blocked === null) return
  session.blocked = null
  if (blocked.timeout !== null) node.alarms.remove(blocked.timeout)
  if (blocked.command === "ADDJOB") {
    node.alarms.remove(blocked.resend)
    blocked.job.producer = null
  } else {
    for (const name of blocked.queues) {
      const queue = node.queues.get(name)
      if (queue === undefined || queue.clients === null) continue
      queue.clients.delete(session)
      if (queue.clients.size > 0) continue
      queue.clients = null
      withdrawRequests(node, queue)
      collectQueue(node, queue)
    }
  }
  node.readySessions.push(session)
}
