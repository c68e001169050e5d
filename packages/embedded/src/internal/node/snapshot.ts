/** Jobs as data, as they travel between nodes. */
import type { Argument } from "../wire/bytes.js"
import { Flag, Job, State } from "./job.js"
import type { Node } from "./node.js"
import { requeueTime } from "./schedule.js"

export interface JobSnapshot {
  readonly id: string
  readonly flags: number
  readonly replicate: number
  readonly createdAt: number
  readonly sequence: number
  /** What is left of its TTL, in s. */
  readonly ttl: number
  readonly delay: number
  readonly retry: number
  readonly nacks: number
  readonly deliveries: number
  readonly queue: string | null
  readonly body: Argument | null
  readonly holders: ReadonlyArray<string>
}

export const snapshot = (job: Job, nowSeconds: number): JobSnapshot => ({
  id: job.id,
  flags: job.flags & ~Flag.delivered,
  replicate: job.replicate,
  createdAt: job.createdAt,
  sequence: job.sequence,
  ttl: job.expiresAt >= nowSeconds ? job.expiresAt - nowSeconds + 1 : 1,
  delay: job.delay,
  retry: job.retry,
  nacks: job.nacks,
  deliveries: job.deliveries,
  queue: job.queue,
  body: job.body,
  holders: job.holders
})

/** A job from another node, which this node does not know yet. */
export const restore = (node: Node, from: JobSnapshot): Job => {
  const job = new Job(
    from.id,
    State.active,
    from.holders.filter((id) => id === node.id || node.bus.members.has(id))
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
