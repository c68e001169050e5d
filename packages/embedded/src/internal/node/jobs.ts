/**
 * The life of jobs on one node: registered, active, queued, delivered, acknowledged, unregistered. No other file adds or removes
 * a job, or changes its state.
 */
import { Failure, Status } from "../wire/answers.js"
import { unblock } from "./blocking.js"
import type { Client } from "./client.js"
import { Flag, type Job, type JobState, never, State, willQueueAdvance } from "./job.js"
import { answerOnceKept } from "./journal.js"
import type { Node } from "./node.js"
import { Pause, type Queue } from "./queue.js"
import { findQueue, makeQueue, signalReady } from "./queues.js"
import { goRound, hasOtherHolders, requeueTime, schedule } from "./schedule.js"

const jobRemoved = new Failure("NOREPL job removed (expired?) before the requested replication level was achieved")

/** Changes the state of a job: what has to follow each change of a state belongs here. */
const setState = (job: Job, state: JobState): void => {
  ;(job as { state: JobState }).state = state
}

/** Makes the job known to the node, without a timer; false if a job with the id is known already. */
const makeKnown = (node: Node, job: Job): boolean => {
  if (node.jobs.has(job.id)) return false
  job.serial = node.nextSerial()
  node.jobs.set(job.id, job)
  node.countMemory(job, 1)
  return true
}

/** Makes the job known to the node; false if a job with the id is known already. */
export const register = (node: Node, job: Job): boolean => {
  if (!makeKnown(node, job)) return false
  schedule(node, job)
  return true
}

/** Makes an active job known to the node, and puts it into its queue unless it is never to be queued again. */
export const registerQueued = (node: Node, job: Job): void => {
  // The job gets one timer, and not one before and one after it is queued.
  if (makeKnown(node, job) && !enqueue(node, job)) schedule(node, job)
}

/** Queues a job that was acknowledged once more, as a node does that has not heard of that; false if it is known, or never comes again. */
export const redeliver = (node: Node, job: Job): boolean => {
  const known = node.jobs.get(job.id)
  if (known?.state === State.acked) unregister(node, known)
  job.flags |= Flag.broadcastQueued
  if (job.retry === 0 || !register(node, job)) return false
  node.journal?.added(job)
  return enqueue(node, job)
}

/** Makes the copy of a job that another node sent known to the node. */
export const registerCopy = (node: Node, job: Job): void => {
  if (register(node, job)) node.journal?.added(job)
}

/** Makes the node forget the job. A client that waits for copies of the job gets an error. */
export const unregister = (node: Node, job: Job): void => {
  if (!node.jobs.delete(job.id)) return
  node.countMemory(job, -1)
  if (job.state === State.active || job.state === State.queued) node.journal?.gone(job.id)
  if (job.state === State.queued) dequeue(node, job)
  node.jobTimers.remove(job)
  if (job.state === State.waitRepl) {
    const producer = node.producers.get(job)
    setState(job, State.active)
    node.bus.announce.deleted(job)
    if (producer === undefined) return
    producer.answer(jobRemoved)
    unblock(node, producer)
  }
}

/** Removes the job from all nodes that may hold it, as far as this node reaches them. */
export const deleteFromCluster = (node: Node, job: Job): void => {
  node.bus.announce.deleted(job)
  unregister(node, job)
}

/** Ends the wait of a client without what it waited for. A job that has too few copies is deleted. */
export const abandon = (node: Node, client: Client): void => {
  const job = client.blocked?.command === "ADDJOB" ? client.blocked.job : undefined
  unblock(node, client)
  if (job?.state === State.waitRepl) {
    setState(job, State.active)
    deleteFromCluster(node, job)
  }
}

/** A new job is in effect: it is queued now, or after its delay. */
export const activate = (node: Node, job: Job): void => {
  setState(job, State.active)
  if (job.delay === 0) enqueue(node, job)
  else schedule(node, job)
  node.journal?.added(job)
}

/** The job has its copies: its producer gets the id. False if this node keeps no copy, and has forgotten the job. */
export const replicated = (node: Node, job: Job): boolean => {
  setState(job, State.active)
  const producer = node.producers.get(job)
  const before = node.journal?.end ?? 0
  const isKept = job.holders.includes(node.id)
  if (isKept) {
    job.confirmed = null
    activate(node, job)
  } else {
    node.bus.announce.enqueueAt(job.confirmed ?? [], job)
    unregister(node, job)
  }
  if (producer !== undefined) {
    answerOnceKept(node.journal, producer, new Status(job.id), before)
    unblock(node, producer)
  }
  return isKept
}

/** Puts the job into its queue; false if it is there, or is never to be queued again. */
export const enqueue = (node: Node, job: Job, because: "nack" | "delivery" = "delivery"): boolean => {
  if (job.state === State.queued || job.requeueAt === never) return false
  if (job.retry === 0 && (job.flags & Flag.delivered) !== 0) return false
  setState(job, State.queued)
  if (job.retry > 0) {
    job.flags |= Flag.broadcastWillQueue
    job.requeueAt = requeueTime(node, job)
  } else {
    job.requeueAt = never
  }
  if ((job.flags & Flag.broadcastQueued) !== 0 || because === "nack") {
    if (hasOtherHolders(node, job)) node.bus.announce.queued(job, because)
    if (because === "nack") job.nacks++
    else job.deliveries++
  } else {
    // The other holders expect the first time.
    job.flags |= Flag.broadcastQueued
  }
  schedule(node, job)
  const queue = makeQueue(node, job.queue as string)
  queue.jobs.add(job)
  queue.usedAt = node.seconds
  queue.jobsIn++
  if ((queue.paused & Pause.out) === 0) {
    signalReady(node, queue)
    node.bus.federation.offer(queue)
  }
  return true
}

/** Takes a queued job out of its queue; false if it is not queued. */
export const dequeue = (node: Node, job: Job): boolean => {
  if (job.state !== State.queued) return false
  goRound(node, job)
  node.queues.get(job.queue as string)?.jobs.remove(job)
  setState(job, State.active)
  schedule(node, job)
  return true
}

/** Takes the oldest job of the queue, to deliver it. */
export const fetch = (node: Node, queue: Queue): Job | undefined => {
  const job = queue.jobs.shift()
  if (job === undefined) return undefined
  goRound(node, job)
  setState(job, State.active)
  job.flags |= Flag.delivered
  queue.usedAt = node.seconds
  queue.jobsOut++
  schedule(node, job)
  return job
}

/** Marks the job as acknowledged. */
export const acknowledge = (node: Node, job: Job): void => {
  if (job.state === State.acked) return
  dequeue(node, job)
  setState(job, State.acked)
  job.confirmed = null
  schedule(node, job)
  node.journal?.gone(job.id)
}

/** Does what is due about a job. */
export const processJob = (node: Node, job: Job): void => {
  if (job.expiresAt <= node.seconds) {
    unregister(node, job)
    return
  }
  if (job.state === State.active && job.requeueAt !== never) {
    if ((job.flags & Flag.broadcastWillQueue) !== 0 && job.requeueAt - willQueueAdvance <= node.ms) {
      node.bus.announce.willQueue(job)
      job.flags &= ~Flag.broadcastWillQueue
    }
    if (job.requeueAt <= node.ms) {
      const queue = findQueue(node, job.queue as string)
      const refused = job.retry > 0 && queue !== undefined && (queue.paused & Pause.in) !== 0
      if (refused) job.requeueAt = requeueTime(node, job)
      else enqueue(node, job)
    }
  }
  if (job.state === State.acked) node.bus.replication.collect(job)
  if (!node.jobs.has(job.id)) return
  schedule(node, job)
}
