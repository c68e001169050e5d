/** Commands about jobs by their ids. */

import { type Answer, Failure } from "../../wire/answers.js"
import { type Argument, asText } from "../../wire/bytes.js"
import type { Client } from "../client.js"
import { Flag, Job, State } from "../job.js"
import { isId, ttlMinutesOf } from "../jobId.js"
import { acknowledge, deleteFromCluster, dequeue, enqueue, register, unregister } from "../jobs.js"
import type { Node } from "../node.js"
import { requeueTime, setRequeueTime } from "../schedule.js"
import { badId, parseIds } from "./arguments.js"

const noJob = new Failure("NOJOB Job not known in the context of this node.")
const tooLate = new Failure(
  "TOOLATE Half of job TTL already elapsed, you are no longer allowed to postpone the next delivery."
)

/** Applies `change` to each job that the node knows, and counts the jobs for which it returns true. */
const count = (
  node: Node,
  command: ReadonlyArray<Argument>,
  change: (job: Job) => boolean,
  unknown: (id: string) => void = () => {}
): Answer => {
  const ids = parseIds(command)
  if (ids instanceof Failure) return ids
  let changed = 0
  for (const id of ids) {
    const job = node.jobs.get(id)
    if (job === undefined) unknown(id)
    else if (change(job)) changed++
  }
  return changed
}

/** Keeps the acknowledgement of a job that other nodes may hold. */
const acknowledgeUnknown = (node: Node, id: string): void => {
  const minutes = ttlMinutesOf(id)
  // At-most-once jobs have no copies that could come back.
  if (node.bus.members.size === 1 || node.bus.members.isLeaving || (minutes & 1) === 0) return
  const job = new Job(id, State.acked, [])
  job.expiresAt = node.seconds + minutes * 60
  register(node, job)
  node.bus.replication.collect(job)
}

export const ackJob = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer =>
  count(
    node,
    command,
    (job) => {
      const isNew = job.state !== State.acked
      if (isNew) acknowledge(node, job)
      node.bus.replication.collect(job)
      return isNew
    },
    (id) => acknowledgeUnknown(node, id)
  )

export const fastAck = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer =>
  count(
    node,
    command,
    (job) => {
      deleteFromCluster(node, job)
      return true
    },
    (id) => node.bus.announce.unknownDeleted(id)
  )

export const delJob = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer =>
  count(node, command, (job) => {
    unregister(node, job)
    return true
  })

export const enqueueJobs = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer =>
  count(node, command, (job) => job.state === State.active && enqueue(node, job))

export const nack = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer =>
  count(node, command, (job) => job.state === State.active && enqueue(node, job, "nack"))

export const dequeueJobs = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer =>
  count(node, command, (job) => dequeue(node, job))

/** WORKING id */
export const working = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const id = asText(command[1] as Argument)
  if (!isId(id)) return badId
  const job = node.jobs.get(id)
  if (job === undefined) return noJob
  const ttl = job.expiresAt * 1000 - job.createdAt
  if (ttl > 0 && node.ms - job.createdAt > Math.floor(ttl / 2)) return tooLate
  dequeue(node, job)
  job.flags |= Flag.broadcastWillQueue
  setRequeueTime(node, job, requeueTime(node, job))
  node.bus.announce.working(job)
  return job.retry
}
