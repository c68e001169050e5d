/** What a node does with the messages of other nodes. */

import { Flag, type Job, type JobSnapshot, State } from "../node/job.js"
import {
  acknowledge,
  dequeue,
  enqueue,
  register,
  requeueTime,
  restore,
  setRequeueTime,
  unregister
} from "../node/jobs.js"
import type { Node } from "../node/node.js"
import { Pause } from "../node/queue.js"
import { findQueue, makeQueue, setPaused } from "../node/queues.js"
import { receiveJobs, receiveRequest } from "./federation.js"
import { receiveFail, receivePing } from "./membership.js"
import type { Message } from "./messages.js"
import { collectJob, gotAck, replicationAchieved } from "./replication.js"

/**
 * Which of two nodes keeps a job that both have queued: the ids are mixed with the job's, so that the same node does not
 * win each time.
 */
const outranks = (one: string, other: string, job: string): boolean => {
  for (let i = 0; i < one.length; i++) {
    const mix = job.charCodeAt(11 + (i % 24))
    const difference = (one.charCodeAt(i) ^ mix) - (other.charCodeAt(i) ^ mix)
    if (difference !== 0) return difference > 0
  }
  return false
}

const isPausedIn = (node: Node, name: string | null): boolean => {
  const queue = name === null ? undefined : findQueue(node, name)
  return queue !== undefined && (queue.paused & Pause.in) !== 0
}

const receiveCopy = (node: Node, from: string, copy: JobSnapshot, confirm: boolean): void => {
  if (node.memoryWarning > 0 || node.leaving || isPausedIn(node, copy.queue)) return
  const known = node.jobs.get(copy.id)
  if (known === undefined) {
    const job = restore(node, copy)
    job.flags |= Flag.broadcastQueued
    register(node, job)
  } else {
    const added = copy.holders.filter((id) => !known.holders.includes(id) && (id === node.id || node.peers.has(id)))
    if (added.length > 0) known.holders = [...known.holders, ...added]
  }
  if (confirm) node.send(from, { type: "gotjob", id: copy.id })
}

const receiveSetAck = (node: Node, from: string, id: string, holders: number): void => {
  const job = node.jobs.get(id)
  if (job !== undefined) {
    // Acknowledged before it had all its copies.
    if (job.state === State.waitRepl && !replicationAchieved(node, job)) return
    acknowledge(node, job)
  }
  if (job === undefined || job.holders.length <= holders) {
    node.send(from, { type: "gotack", id, known: job !== undefined })
    return
  }
  if (holders === 0) node.send(from, { type: "gotack", id, known: true })
  // This node knows of more holders than the sender: it is up to this one to reach them.
  collectJob(node, job)
}

const receiveEnqueue = (node: Node, job: Job, delay: number): void => {
  if (job.state >= State.queued || isPausedIn(node, job.queue)) return
  job.flags &= ~Flag.broadcastQueued
  if (delay === 0) enqueue(node, job)
  else setRequeueTime(node, job, node.ms + delay * 1000)
}

const receiveQueued = (
  node: Node,
  from: string,
  job: Job,
  message: Extract<Message, { readonly type: "queued" | "working" }>
): void => {
  if (job.state === State.acked) {
    node.send(from, { type: "setack", id: job.id, holders: job.holders.length })
    return
  }
  if (job.state === State.queued && (message.type === "working" || outranks(from, node.id, job.id))) {
    dequeue(node, job)
  }
  if (job.retry > 0) {
    job.flags |= Flag.broadcastWillQueue
    setRequeueTime(node, job, requeueTime(node, job))
  }
  if (message.type === "queued" && message.because === "nack") job.nacks++
  if (message.type === "queued" && message.because === "delivery") job.deliveries++
}

const receiveWillQueue = (node: Node, from: string, job: Job): void => {
  if (job.state === State.active || job.state === State.queued) {
    if (!job.holders.includes(from)) job.holders = [...job.holders, from]
  }
  if (job.state === State.queued) node.broadcast(job.holders, { type: "queued", id: job.id, because: null })
  else if (job.state === State.acked) node.send(from, { type: "setack", id: job.id, holders: job.holders.length })
}

const receiveAbout = (
  node: Node,
  from: string,
  job: Job,
  message: Extract<
    Message,
    { readonly type: "gotjob" | "gotack" | "deljob" | "enqueue" | "queued" | "working" | "willqueue" }
  >
): void => {
  switch (message.type) {
    case "gotjob":
      if (job.state !== State.waitRepl) return
      if (job.confirmed?.includes(from) === false) job.confirmed = [...job.confirmed, from]
      if (job.confirmed?.length === job.replicate) replicationAchieved(node, job)
      break
    case "gotack":
      gotAck(node, from, job, message.known)
      break
    case "deljob":
      unregister(node, job)
      break
    case "enqueue":
      receiveEnqueue(node, job, message.delay)
      break
    case "queued":
    case "working":
      receiveQueued(node, from, job, message)
      break
    case "willqueue":
      receiveWillQueue(node, from, job)
      break
  }
}

export const receive = (node: Node, from: string, message: Message): void => {
  node.stats.received++
  if (message.type !== "ping" && !node.peers.has(from)) return
  switch (message.type) {
    case "ping":
      receivePing(node, from, message)
      break
    case "fail":
      receiveFail(node, message.about)
      break
    case "repljob":
      receiveCopy(node, from, message.job, message.confirm)
      break
    case "yourjobs":
      receiveJobs(node, from, message.jobs)
      break
    case "setack":
      receiveSetAck(node, from, message.id, message.holders)
      break
    case "needjobs":
      receiveRequest(node, from, message.queue, message.count, message.standing)
      break
    case "pause": {
      const queue = findQueue(node, message.queue)
      if (queue !== undefined || message.paused !== Pause.none) {
        setPaused(node, queue ?? makeQueue(node, message.queue), message.paused)
      }
      break
    }
    default: {
      const job = node.jobs.get(message.id)
      if (job !== undefined) receiveAbout(node, from, job, message)
    }
  }
}
