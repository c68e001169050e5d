/** Jobs that go from the queue of one node to a node where clients wait for them. */
import { Flag, type Job, type JobSnapshot, never, snapshot } from "../node/job.js"
import { enqueue, fetch, register, restore, unregister } from "../node/jobs.js"
import type { Interest, Node } from "../node/node.js"
import { Pause } from "../node/queue.js"
import { findQueue, makeQueue } from "../node/queues.js"
import { Alarm } from "../node/timers.js"

/** How long to wait before looking again whether this node still imports jobs of the queue, in ms. */
const importingDelay = 1000

type Given = "given" | "none" | "importing"

/** Gives up to `count` jobs of the queue to a node, but never more than half of them. */
const give = (node: Node, to: string, name: string, count: number): Given => {
  const queue = findQueue(node, name)
  if (queue === undefined || queue.jobs.length === 0 || (queue.paused & Pause.out) !== 0) return "none"
  if (queue.importRate(node.ms) > 0) return "importing"
  const length = queue.jobs.length
  const number = Math.max(1, length < count * 2 ? Math.floor(length / 2) : count)
  const jobs: Array<Job> = []
  while (jobs.length < number) {
    const job = fetch(node, queue)
    if (job === undefined) break
    jobs.push(job)
  }
  node.send(to, { type: "yourjobs", jobs: jobs.map((job) => snapshot(job, node.seconds)) })
  // An at-most-once job has one holder.
  for (const job of jobs) if (job.retry === 0) unregister(node, job)
  return "given"
}

const giveToInterested = (node: Node, name: string, interest: Interest): void => {
  for (const [id, count] of interest.peers) {
    if (!node.world.isLinked(node, id)) {
      // It asks again once it is linked.
      interest.peers.delete(id)
      continue
    }
    const outcome = give(node, id, name, count)
    if (outcome === "none") break
    if (outcome === "importing") {
      node.alarms.set(interest.give, node.ms + importingDelay)
      break
    }
    interest.peers.delete(id)
  }
  if (interest.peers.size === 0) node.interests.delete(name)
}

/** Another node asks for jobs. */
export const receiveRequest = (node: Node, from: string, name: string, count: number, standing: boolean): void => {
  let interest = node.interests.get(name)
  if (count === 0) {
    interest?.peers.delete(from)
    if (interest?.peers.size === 0) {
      node.alarms.remove(interest.give)
      node.interests.delete(name)
    }
    return
  }
  const outcome = give(node, from, name, count)
  if (outcome === "given" || !standing) return
  if (interest === undefined) {
    const peers = new Map<string, number>()
    const made: Interest = { peers, give: new Alarm(() => giveToInterested(node, name, made)) }
    interest = made
    node.interests.set(name, interest)
  }
  interest.peers.set(from, count)
  if (outcome === "importing") node.alarms.set(interest.give, node.ms + importingDelay)
}

/** Another node gives jobs. */
export const receiveJobs = (node: Node, from: string, jobs: ReadonlyArray<JobSnapshot>): void => {
  for (const given of jobs) {
    let job = node.jobs.get(given.id)
    if (job === undefined) {
      job = restore(node, given)
      register(node, job)
    }
    // The job but moves from queue to queue: nobody has to hear of it.
    job.flags &= ~Flag.broadcastQueued
    if (job.retry === 0 && job.requeueAt === never) job.requeueAt = node.ms
    if (job.queue === null || !enqueue(node, job)) continue
    const queue = makeQueue(node, job.queue)
    queue.sources ??= new Map()
    queue.sources.set(from, node.seconds)
    queue.asked?.delete(from)
    queue.countImport(node.ms)
  }
}
