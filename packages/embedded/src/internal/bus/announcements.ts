/** What the holders of a job tell each other, so that only one of them queues it at a time. */
import type * as Bus from "../node/bus.js"
import { Flag, type Job, State } from "../node/job.js"
import { dequeue, enqueue } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import { isPausedIn } from "../node/queues.js"
import { requeueTime, setRequeueTime } from "../node/schedule.js"
import type { Message } from "./messages.js"
import type { Peers } from "./peers.js"

/**
 * Which of two nodes keeps a job that both have queued. The ids of the nodes are mixed with that of the job, so that the same
 * node does not win each time.
 */
const outranks = (one: string, other: string, job: string): boolean => {
  for (let i = 0; i < one.length; i++) {
    const mix = job.charCodeAt(11 + (i % 24))
    const difference = (one.charCodeAt(i) ^ mix) - (other.charCodeAt(i) ^ mix)
    if (difference !== 0) return difference > 0
  }
  return false
}

export class Announcements implements Bus.Announcements {
  private readonly node: Node
  private readonly peers: Peers

  constructor(node: Node, peers: Peers) {
    this.node = node
    this.peers = peers
  }

  queued(job: Job, because: "nack" | "delivery" | null): void {
    this.peers.broadcast(job.holders, { type: "queued", id: job.id, because })
  }

  willQueue(job: Job): void {
    this.peers.broadcast(job.holders, { type: "willqueue", id: job.id })
  }

  working(job: Job): void {
    this.peers.broadcast(job.holders, { type: "working", id: job.id })
  }

  deleted(job: Job): void {
    this.peers.broadcast(job.holders, { type: "deljob", id: job.id })
  }

  unknownDeleted(id: string): void {
    this.peers.broadcast(this.peers.ids(), { type: "deljob", id })
  }

  enqueueAt(holders: ReadonlyArray<string>, job: Job): void {
    const holder = holders[this.node.world.random.below(holders.length || 1)]
    if (holder !== undefined) this.peers.send(holder, { type: "enqueue", id: job.id, delay: job.delay })
  }

  receiveEnqueue(job: Job, delay: number): void {
    if (job.state >= State.queued || isPausedIn(this.node, job.queue)) return
    job.flags &= ~Flag.broadcastQueued
    if (delay === 0) enqueue(this.node, job)
    else setRequeueTime(this.node, job, this.node.ms + delay * 1000)
  }

  receiveQueued(from: string, job: Job, message: Extract<Message, { readonly type: "queued" | "working" }>): void {
    const { node } = this
    if (job.state === State.acked) {
      this.tellAcknowledged(from, job)
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

  receiveWillQueue(from: string, job: Job): void {
    if (job.state === State.active || job.state === State.queued) {
      if (!job.holders.includes(from)) job.holders = [...job.holders, from]
    }
    if (job.state === State.queued) this.queued(job, null)
    else if (job.state === State.acked) this.tellAcknowledged(from, job)
  }

  private tellAcknowledged(to: string, job: Job): void {
    this.peers.send(to, { type: "setack", id: job.id, holders: job.holders.length })
  }
}
