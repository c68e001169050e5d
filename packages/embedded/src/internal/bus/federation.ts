/** Jobs that go from the queue of one node to a node where clients wait for them. */
import type * as Bus from "../node/bus.js"
import { Flag, type Job, never } from "../node/job.js"
import { enqueue, fetch, register, unregister } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import { Pause, type Queue } from "../node/queue.js"
import { findQueue, makeQueue, setPaused } from "../node/queues.js"
import { type JobSnapshot, restore, snapshot } from "../node/snapshot.js"
import { Alarm } from "../node/timers.js"
import type { Peers } from "./peers.js"

/** How long to wait before looking again whether this node still imports jobs of the queue, in ms. */
const importingDelay = 1000

/** How many jobs a known source is asked for. */
const leastRequest = 5
const mostRequest = 100

/** How long a source is remembered, in s. */
const sourceTtl = 5

/** The least time between two polls of all nodes for one queue, in ms. */
const pollInterval = 25

type Given = "given" | "none" | "importing"

/** The nodes that wait for jobs of one queue of this node. */
interface Interest {
  /** How many jobs each of them asked for. */
  readonly peers: Map<string, number>
  /** Goes off when it is time to give. */
  readonly give: Alarm
}

export interface FederationOptions {
  /** How long a job is in its queue before it is given to a node that waits for it, in ms. */
  readonly delay: number
  readonly members: { readonly isLeaving: boolean }
}

export class Federation implements Bus.Federation {
  private readonly node: Node
  private readonly peers: Peers
  private readonly options: FederationOptions
  private readonly interests = new Map<string, Interest>()

  constructor(node: Node, peers: Peers, options: FederationOptions) {
    this.node = node
    this.peers = peers
    this.options = options
  }

  // Jobs that this node asks for.

  private get isAlone(): boolean {
    return this.peers.size === 0 || this.options.members.isLeaving
  }

  private forgetOldSources(queue: Queue): void {
    if (queue.sources === null) return
    for (const [id, at] of queue.sources) if (this.node.seconds - at > sourceTtl) queue.sources.delete(id)
  }

  private ask(queue: Queue, id: string, standing: boolean): void {
    const sources = queue.sources
    let count = 1
    if (sources?.has(id) === true) {
      const share = Math.floor(queue.importRate(this.node.ms) / sources.size)
      count = Math.min(mostRequest, Math.max(leastRequest, share))
    }
    this.peers.send(id, { type: "needjobs", queue: queue.name, count, standing })
  }

  request(queue: Queue): void {
    if (this.isAlone) return
    this.forgetOldSources(queue)
    queue.asked ??= new Set()
    for (const id of this.peers.ids()) {
      if (!queue.asked.has(id) && this.peers.isLinked(id)) {
        queue.asked.add(id)
        this.ask(queue, id, true)
      }
    }
  }

  poll(queue: Queue, among: "all" | "sources"): void {
    if (this.isAlone) return
    if (among === "all" && this.node.ms - queue.askedAt < pollInterval) return
    queue.askedAt = this.node.ms
    this.forgetOldSources(queue)
    for (const id of among === "all" ? this.peers.ids() : (queue.sources?.keys() ?? [])) this.ask(queue, id, false)
  }

  withdraw(queue: Queue): void {
    if (queue.asked === null) return
    for (const id of queue.asked) {
      this.peers.send(id, { type: "needjobs", queue: queue.name, count: 0, standing: true })
    }
    queue.asked = null
  }

  /** Asks the nodes that have not been asked yet. */
  requestAgain(): void {
    for (const queue of this.node.queues.values()) if (queue.clients !== null) this.request(queue)
  }

  /** The link to a peer broke, so that the peer forgets what it was asked for. */
  forgetRequestsAt(id: string): void {
    for (const queue of this.node.queues.values()) queue.asked?.delete(id)
  }

  /** A peer is no longer in the cluster. */
  forgetPeer(id: string): void {
    for (const queue of this.node.queues.values()) {
      queue.asked?.delete(id)
      queue.sources?.delete(id)
    }
    for (const interest of this.interests.values()) interest.peers.delete(id)
  }

  /** Another node gives jobs. */
  receiveJobs(from: string, jobs: ReadonlyArray<JobSnapshot>): void {
    const { node } = this
    for (const given of jobs) {
      let job = node.jobs.get(given.id)
      if (job === undefined) {
        job = restore(node, given)
        register(node, job)
      }
      // The other holders need not hear that the job moves from queue to queue.
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

  // Jobs that other nodes ask for.

  offer(queue: Queue): void {
    if (this.interests.size === 0) return
    const interest = this.interests.get(queue.name)
    if (interest !== undefined && interest.give.timerIndex < 0) {
      this.node.alarms.set(interest.give, this.node.ms + this.options.delay)
    }
  }

  clear(): void {
    this.interests.clear()
  }

  /** Gives up to `count` jobs of the queue to a node, but never more than half of them. */
  private give(to: string, name: string, count: number): Given {
    const { node } = this
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
    this.peers.send(to, { type: "yourjobs", jobs: jobs.map((job) => snapshot(job, node.seconds)) })
    // An at-most-once job has one holder.
    for (const job of jobs) if (job.retry === 0) unregister(node, job)
    return "given"
  }

  private giveToInterested(name: string, interest: Interest): void {
    for (const [id, count] of interest.peers) {
      if (!this.peers.isLinked(id)) {
        // It asks again when the link is restored.
        interest.peers.delete(id)
        continue
      }
      const outcome = this.give(id, name, count)
      if (outcome === "none") break
      if (outcome === "importing") {
        this.node.alarms.set(interest.give, this.node.ms + importingDelay)
        break
      }
      interest.peers.delete(id)
    }
    if (interest.peers.size === 0) this.interests.delete(name)
  }

  /** Another node asks for jobs. */
  receiveRequest(from: string, name: string, count: number, standing: boolean): void {
    const { node } = this
    let interest = this.interests.get(name)
    if (count === 0) {
      interest?.peers.delete(from)
      if (interest?.peers.size === 0) {
        node.alarms.remove(interest.give)
        this.interests.delete(name)
      }
      return
    }
    const outcome = this.give(from, name, count)
    if (outcome === "given" || !standing) return
    if (interest === undefined) {
      const made: Interest = { peers: new Map(), give: new Alarm(() => this.giveToInterested(name, made)) }
      interest = made
      this.interests.set(name, interest)
    }
    interest.peers.set(from, count)
    if (outcome === "importing") node.alarms.set(interest.give, node.ms + importingDelay)
  }

  // Pauses that hold on all nodes.

  pause(name: string, paused: number): void {
    this.peers.broadcast(this.peers.ids(), { type: "pause", queue: name, paused })
  }

  receivePause(name: string, paused: number): void {
    const queue = findQueue(this.node, name)
    if (queue === undefined && paused === Pause.none) return
    setPaused(this.node, queue ?? makeQueue(this.node, name), paused)
  }
}
