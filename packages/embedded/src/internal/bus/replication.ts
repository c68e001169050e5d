/** Copies of jobs on other nodes, and their end once the job is acknowledged. */

import { unblock } from "../node/blocking.js"
import { type Job, State, snapshot } from "../node/job.js"
import { deleteFromCluster, enqueue, schedule, unregister } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import { Status } from "../wire/answers.js"

const maxAttempts = 10

const shuffle = (node: Node, ids: Array<string>): Array<string> => {
  for (let i = ids.length - 1; i > 0; i--) {
    const k = node.world.random.below(i + 1)
    const other = ids[k] as string
    ids[k] = ids[i] as string
    ids[i] = other
  }
  return ids
}

/**
 * Sends the job to all that may hold it and have not confirmed it, and to `count` nodes more if there are.
 */
export const replicate = (node: Node, job: Job, count: number, confirm: boolean): void => {
  const added: Array<string> = []
  for (const id of shuffle(node, node.reachable())) {
    if (added.length >= count) break
    if (!job.holders.includes(id) && node.world.isLinked(node, id)) added.push(id)
  }
  if (added.length > 0) job.holders = [...job.holders, ...added]
  const copy = snapshot(job, node.seconds)
  for (const id of job.holders) {
    if (id === node.id) continue
    const confirmed = job.confirmed?.includes(id) === true
    // Those that confirmed it have to hear of new holders only.
    if (confirmed && added.length === 0) continue
    node.send(id, { type: "repljob", job: copy, confirm: confirm && !confirmed })
  }
}

/** The job has enough copies: its producer gets the id, and the job is queued; false if this node keeps no copy. */
export const replicationAchieved = (node: Node, job: Job): boolean => {
  job.state = State.active
  const producer = job.producer
  if (producer !== null) {
    producer.answer(new Status(job.id))
    unblock(node, producer)
  }
  if (!job.holders.includes(node.id)) {
    const confirmed = job.confirmed ?? []
    const holder = confirmed[node.world.random.below(confirmed.length || 1)]
    if (holder !== undefined) node.send(holder, { type: "enqueue", id: job.id, delay: job.delay })
    unregister(node, job)
    return false
  }
  job.confirmed = null
  if (job.delay === 0) enqueue(node, job)
  else schedule(node, job)
  return true
}

/** Tries to get rid of an acknowledged job: all that may hold it have to know that it is acknowledged. */
export const collectJob = (node: Node, job: Job): void => {
  if (job.state !== State.acked) return
  if (job.gcAttempts < maxAttempts) job.gcAttempts++
  job.confirmed ??= node.self
  const known = job.holders.length > 0
  if (known ? job.holders.length === job.confirmed.length : node.clusterSize === 1) {
    unregister(node, job)
    return
  }
  for (const id of known ? job.holders : node.peers.keys()) {
    if (id !== node.id && !job.confirmed.includes(id)) {
      node.send(id, { type: "setack", id: job.id, holders: job.holders.length })
    }
  }
}

/** Another node has the job acknowledged, or does not know it. */
export const gotAck = (node: Node, from: string, job: Job, known: boolean): void => {
  if (job.state !== State.acked) return
  const isDummy = job.holders.length === 0
  if (isDummy && known) {
    // It is up to the one that knows the job.
    unregister(node, job)
    return
  }
  if (known && !job.holders.includes(from)) job.holders = [...job.holders, from]
  if (job.confirmed !== null && !job.confirmed.includes(from) && (isDummy || job.holders.includes(from))) {
    job.confirmed = [...job.confirmed, from]
  }
  if (isDummy) {
    if ((job.confirmed?.length ?? 0) >= node.clusterSize) unregister(node, job)
  } else if (job.confirmed !== null && job.confirmed.length >= job.holders.length) {
    deleteFromCluster(node, job)
  }
}
