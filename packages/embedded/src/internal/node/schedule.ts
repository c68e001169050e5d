/** When something is due about a job. */
import { uint32 } from "../wire/integers.js"
import { Flag, type Job, never, State, timeError, willQueueAdvance } from "./job.js"
import type { Node } from "./node.js"

/** The least and the most time between two attempts to remove an acknowledged job, in ms. */
const collectLeast = 1000
const collectMost = 180_000

/** How long a job waits of which something was due in the past, in ms. */
const overdueDelay = 100

export const hasOtherHolders = (node: Node, job: Job): boolean => job.holders !== node.self && job.holders.length > 0

/** The retry time in ms, in 32 bits as the server computes it. */
const retryPeriod = (job: Job): number => uint32(job.retry * 1000)

/** When a retry time that starts now is over. */
export const requeueTime = (node: Node, job: Job): number =>
  node.ms + retryPeriod(job) + node.world.random.error(timeError)

/**
 * Sets the timer of a job. A queued job needs a timer for its end alone: its retry time is brought up to date when somebody
 * looks, see {@link goRound}.
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

/** When something is next due about the job, as the server computes it, in ms. */
export const shownAwakeTime = (node: Node, job: Job): number => {
  if (job.state === State.waitRepl || job.state === State.acked) return node.jobTimers.at(job)
  const end = job.expiresAt * 1000 + 1000
  if (job.requeueAt === never) return end
  const warned = (job.flags & Flag.broadcastWillQueue) === 0 || node.ms >= job.requeueAt - willQueueAdvance
  return Math.min(end, warned ? job.requeueAt : job.requeueAt - willQueueAdvance)
}

/** Postpones the time at which the job is queued. At-most-once jobs have no such time. */
export const setRequeueTime = (node: Node, job: Job, at: number): void => {
  if (job.retry === 0 || job.requeueAt === never) return
  job.requeueAt = at
  schedule(node, job)
}
