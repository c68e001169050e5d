/** The life of jobs on one node: known, queued, delivered, acknowledged, gone. */
import { Failure } from "../wire/answers.js"
import { uint32 } from "../wire/integers.js"
import { unblock } from "./blocking.js"
import { Flag, Job, type JobSnapshot, never, State, timeError, willQueueAdvance } from "./job.js"
import type { Node } from "./node.js"
import { Pause, type Queue } from "./queue.js"
import { armInterest, findQueue, makeQueue, signalReady } from "./queues.js"
import type { Session } from "./session.js"

/** The least and the most time between two attempts to get rid of an acknowledged job, in ms. */
const collectLeast = 1000
const collectMost = 180_000

/** How long a job is left alone about which something was due before, in ms. */
const overdueDelay = 100

const hasOtherHolders = (node: Node, job: Job): boolean => job.holders !== node.self && job.holders.length > 0

/** The retry time in ms, in the 32 bits in which the server reckons it. */
const retryPeriod = (job: Job): number => uint32(job.retry * 1000)

/** When the retry time of a job is over that starts now. */
export const requeueTime = (node: Node, job: Job): number =>
  node.ms + retryPeriod(job) + node.world.random.error(timeError)

/**
 * Sets the timer of a job. A queued job needs none but for its end: its retry time goes round unseen, see {@link goRound}.
 */
export const schedule = (node: Node, job: Job): void => {
  let at = job.expiresAt * 1000 + 1000
  if (job.state === State.acked) {
    const wait = Math.min(collectMost, collectLeast * 2 ** job.gcAttempts)
    at = Math.min(at, node.ms + wait + node.world.random.error(500))
  } else if (job.state === State.active && job.requeueAt !== never) {
    const ahead = (job.flags & Flag.broadcastWillQueue) !== 0 && hasOtherHolders(node, job) ? willQueueAdvance : 0
    at = Math.min(at, job.requeueAt - ahead)
  }
  node.jobTimers.set(job, at > node.ms ? at : node.ms + overdueDelay)
}

/** Brings the retry time of a queued job up to date. */
export const goRound = (node: Node, job: Job): void => {
  if (job.state !== State.queued || job.retry === 0 || job.requeueAt === never || job.requeueAt > node.ms) return
  const period = Math.max(1, retryPeriod(job))
  job.requeueAt += Math.floor((node.ms - job.requeueAt) / period) * period
  job.requeueAt = Math.max(node.ms, job.requeueAt + period + node.world.random.error(timeError))
  job.flags |= Flag.broadcastWillQueue
}

/** When something is next to be done about the job, as the server reckons it, in ms. */
export const shownAwakeTime = (node: Node, job: Job): number => {
  if (job.state === State.waitRepl || job.state === State.acked) return node.jobTimers.at(job)
  const end = job.expiresAt * 1000 + 1000
  if (job.requeueAt === never) return end
  const warned = (job.flags & Flag.broadcastWillQueue) === 0 || node.ms >= job.requeueAt - willQueueAdvance
  return Math.min(end, warned ? job.requeueAt : job.requeueAt - willQueueAdvance)
}

/** Makes the job known to the node; false if its id is already. */
export const register = (node: Node, job: Job): boolean => {
  if (node.jobs.has(job.id)) return false
  job.serial = node.nextSerial()
  node.jobs.set(job.id, job)
  node.countMemory(job, 1)
  schedule(node, job)
  return true
}

/** Takes a job that came from another node. It is not known yet. */
export const restore = (node: Node, from: JobSnapshot): Job => {
  const job = new Job(
    from.id,
    State.active,
    from.holders.filter((id) => id === node.id || node.peers.has(id))
  )
  job.flags = from.flags
  job.replicate = from.replicate
  job.createdAt = from.createdAt
  job.sequence = from.sequence
  job.expiresAt = node.seconds + from.ttl
  job.delay = from.delay
  job.retry = from.retry
  job.nacks = from.nacks
  job.deliveries = from.deliveries
  job.queue = from.queue
  job.body = from.body
  if (job.retry > 0) {
    job.flags |= Flag.broadcastWillQueue
    job.requeueAt = requeueTime(node, job) + job.delay * 1000
  }
  return job
}

/** Takes a queued job out of its queue. */
export const dequeue = (node: Node, job: Job): boolean => {
  if (job.state !== State.queued) return false
  goRound(node, job)
  node.queues.get(job.queue as string)?.jobs.remove(job)
  job.state = State.active
  schedule(node, job)
  return true
}

/** Makes the node forget the job. A client that waits for its copies is told so. */
export const unregister = (node: Node, job: Job): void => {
  if (!node.jobs.delete(job.id)) return
  node.countMemory(job, -1)
  if (job.state === State.queued) dequeue(node, job)
  node.jobTimers.remove(job)
  if (job.state === State.waitRepl) {
    const producer = job.producer
    job.state = State.active
    node.broadcast(job.holders, { type: "deljob", id: job.id })
    if (producer === null) return
    producer.answer(new Failure("NOREPL job removed (expired?) before the requested replication level was achieved"))
    unblock(node, producer)
  }
}

/** Takes the job from all nodes that may hold it, as far as they can be reached. */
export const deleteFromCluster = (node: Node, job: Job): void => {
  node.broadcast(job.holders, { type: "deljob", id: job.id })
  unregister(node, job)
}

/** Ends the wait of a client that did not get what it waited for: a job without its copies goes with it. */
export const abandon = (node: Node, session: Session): void => {
  const job = session.blocked?.command === "ADDJOB" ? session.blocked.job : undefined
  unblock(node, session)
  if (job?.state === State.waitRepl) {
    job.state = State.active
    deleteFromCluster(node, job)
  }
}

/** Queues the job; false if it is queued, or is never to be queued again. */
export const enqueue = (node: Node, job: Job, because: "nack" | "delivery" = "delivery"): boolean => {
  if (job.state === State.queued || job.requeueAt === never) return false
  if (job.retry === 0 && (job.flags & Flag.delivered) !== 0) return false
  job.state = State.queued
  if (job.retry > 0) {
    job.flags |= Flag.broadcastWillQueue
    job.requeueAt = requeueTime(node, job)
  } else {
    job.requeueAt = never
  }
  if ((job.flags & Flag.broadcastQueued) !== 0 || because === "nack") {
    if (hasOtherHolders(node, job)) node.broadcast(job.holders, { type: "queued", id: job.id, because })
    if (because === "nack") job.nacks++
    else job.deliveries++
  } else {
    // The first time it goes without saying.
    job.flags |= Flag.broadcastQueued
  }
  schedule(node, job)
  const queue = makeQueue(node, job.queue as string)
  queue.jobs.add(job)
  queue.usedAt = node.seconds
  queue.jobsIn++
  if ((queue.paused & Pause.out) === 0) {
    signalReady(node, queue)
    armInterest(node, queue)
  }
  return true
}

/** Takes the oldest job of the queue for delivery. */
export const fetch = (node: Node, queue: Queue): Job | undefined => {
  const job = queue.jobs.shift()
  if (job === undefined) return undefined
  goRound(node, job)
  job.state = State.active
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
  job.state = State.acked
  job.confirmed = null
  schedule(node, job)
}

/** Postpones the time at which the job is queued. At-most-once jobs have none. */
export const setRequeueTime = (node: Node, job: Job, at: number): void => {
  if (job.retry === 0 || job.requeueAt === never) return
  job.requeueAt = at
  schedule(node, job)
}

/** Does what is due about a job. `collect` tries to get rid of an acknowledged one. */
export const processJob = (node: Node, job: Job, collect: (job: Job) => void): void => {
  if (job.expiresAt <= node.seconds) {
    unregister(node, job)
    return
  }
  if (job.state === State.active && job.requeueAt !== never) {
    if ((job.flags & Flag.broadcastWillQueue) !== 0 && job.requeueAt - willQueueAdvance <= node.ms) {
      node.broadcast(job.holders, { type: "willqueue", id: job.id })
      job.flags &= ~Flag.broadcastWillQueue
    }
    if (job.requeueAt <= node.ms) {
      const queue = findQueue(node, job.queue as string)
      const refused = job.retry > 0 && queue !== undefined && (queue.paused & Pause.in) !== 0
      if (refused) job.requeueAt = requeueTime(node, job)
      else enqueue(node, job)
    }
  }
  if (job.state === State.acked) collect(job)
  if (!node.jobs.has(job.id)) return
  schedule(node, job)
}
