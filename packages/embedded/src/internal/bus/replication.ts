/** Copies of jobs on other nodes, and their end after the job is acknowledged. */
import type * as Bus from "../node/bus.js"
import { Flag, type Job, State } from "../node/job.js"
import { acknowledge, deleteFromCluster, registerCopy, replicated, unregister } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import { isPausedIn } from "../node/queues.js"
import { type JobSnapshot, restore, snapshot } from "../node/snapshot.js"
import type { Peers } from "./peers.js"

const maxAttempts = 10

/** What decides whether a node takes copies. */
interface Leaving {
  readonly isLeaving: boolean
}

export class Replication implements Bus.Replication {
  private readonly node: Node
  private readonly peers: Peers
  private readonly members: Leaving

  constructor(node: Node, peers: Peers, members: Leaving) {
    this.node = node
    this.peers = peers
    this.members = members
  }

  private shuffle(ids: Array<string>): Array<string> {
    for (let i = ids.length - 1; i > 0; i--) {
      const k = this.node.world.random.below(i + 1)
      const other = ids[k] as string
      ids[k] = ids[i] as string
      ids[i] = other
    }
    return ids
  }

  replicate(job: Job, additional: number, confirm: boolean): void {
    const added: Array<string> = []
    for (const id of this.shuffle(this.peers.reachable())) {
      if (added.length >= additional) break
      if (!job.holders.includes(id) && this.peers.isLinked(id)) added.push(id)
    }
    if (added.length > 0) job.holders = [...job.holders, ...added]
    const copy = snapshot(job, this.node.seconds)
    for (const id of job.holders) {
      if (id === this.node.id) continue
      const isConfirmed = job.confirmed?.includes(id) === true
      // A node that confirmed the job has to hear of new holders only.
      if (isConfirmed && added.length === 0) continue
      this.peers.send(id, { type: "repljob", job: copy, confirm: confirm && !isConfirmed })
    }
  }

  /** Sends the jobs again that wait for copies. */
  replicateAgain(): void {
    for (const client of this.node.clients.values()) {
      if (client.blocked?.command === "ADDJOB") this.replicate(client.blocked.job, 1, true)
    }
  }

  collect(job: Job): void {
    const { node } = this
    if (job.state !== State.acked) return
    if (job.gcAttempts < maxAttempts) job.gcAttempts++
    job.confirmed ??= node.self
    const isKnown = job.holders.length > 0
    if (isKnown ? job.holders.length === job.confirmed.length : this.peers.size === 0) {
      unregister(node, job)
      return
    }
    for (const id of isKnown ? job.holders : this.peers.ids()) {
      if (id !== node.id && !job.confirmed.includes(id)) {
        this.peers.send(id, { type: "setack", id: job.id, holders: job.holders.length })
      }
    }
  }

  /** Another node sends a copy. */
  receiveCopy(from: string, copy: JobSnapshot, confirm: boolean): void {
    const { node } = this
    if (node.memoryWarning > 0 || this.members.isLeaving || isPausedIn(node, copy.queue)) return
    const known = node.jobs.get(copy.id)
    if (known === undefined) {
      const job = restore(node, copy)
      job.flags |= Flag.broadcastQueued
      registerCopy(node, job)
    } else {
      const added = copy.holders.filter((id) => !known.holders.includes(id) && (id === node.id || this.peers.has(id)))
      if (added.length > 0) known.holders = [...known.holders, ...added]
    }
    if (confirm) this.peers.send(from, { type: "gotjob", id: copy.id })
  }

  /** Another node has the copy. */
  receiveGotJob(from: string, job: Job): void {
    if (job.state !== State.waitRepl) return
    if (job.confirmed?.includes(from) === false) job.confirmed = [...job.confirmed, from]
    if (job.confirmed?.length === job.replicate) replicated(this.node, job)
  }

  /** Another node, which knows `holders` holders, says that the job is acknowledged. */
  receiveSetAck(from: string, id: string, holders: number): void {
    const job = this.node.jobs.get(id)
    if (job !== undefined) {
      // Acknowledged before it had all its copies.
      if (job.state === State.waitRepl && !replicated(this.node, job)) return
      acknowledge(this.node, job)
    }
    if (job === undefined || job.holders.length <= holders) {
      this.peers.send(from, { type: "gotack", id, known: job !== undefined })
      return
    }
    if (holders === 0) this.peers.send(from, { type: "gotack", id, known: true })
    // This node knows more holders than the sender does, so it is the one to tell them.
    this.collect(job)
  }

  /** Another node has the job acknowledged, or does not know it. */
  receiveGotAck(from: string, job: Job, known: boolean): void {
    if (job.state !== State.acked) return
    const isUnknownHere = job.holders.length === 0
    if (isUnknownHere && known) {
      // The node that knows the job removes it from the others.
      unregister(this.node, job)
      return
    }
    if (known && !job.holders.includes(from)) job.holders = [...job.holders, from]
    if (job.confirmed !== null && !job.confirmed.includes(from) && (isUnknownHere || job.holders.includes(from))) {
      job.confirmed = [...job.confirmed, from]
    }
    if (isUnknownHere) {
      if ((job.confirmed?.length ?? 0) >= this.peers.size + 1) unregister(this.node, job)
    } else if (job.confirmed !== null && job.confirmed.length >= job.holders.length) {
      deleteFromCluster(this.node, job)
    }
  }
}
