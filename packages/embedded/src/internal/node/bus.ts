/** What a node needs of the other nodes of its cluster. The folder `bus/` provides it. */
import type { Job } from "./job.js"
import type { Queue } from "./queue.js"

/** Another node, as CLUSTER NODES and HELLO show it. */
export interface Member {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly isLeaving: boolean
  /** Whether this node has not heard it for the node timeout. */
  readonly isSuspected: boolean
  /** Whether most nodes suspect it. */
  readonly isFailing: boolean
  readonly isConnected: boolean
  /** When this node last heard it, in ms. */
  readonly heardAt: number
}

/** The nodes of the cluster. */
export interface Membership {
  /** How many nodes the cluster has, this one included. */
  readonly size: number
  /** Whether this node has ever known another one, so that it has been told its own address. */
  readonly isMet: boolean
  /** Whether this node is leaving the cluster. */
  readonly isLeaving: boolean
  /** How many messages this node has sent and received. */
  readonly traffic: { readonly sent: number; readonly received: number }
  /** Whether `id` is that of another node of the cluster. */
  has(id: string): boolean
  /** The other nodes that can be counted on. */
  reachable(): Array<string>
  others(): ReadonlyArray<Member>
  /** Asks the node at an address to take this node into its cluster. */
  meet(host: string, port: number): void
  /** Removes a node, which is not met again for a while. */
  forget(id: string): void
  /** Removes all other nodes. */
  reset(): void
  setLeaving(isLeaving: boolean): void
}

/** The copies of jobs on other nodes. */
export interface Replication {
  /**
   * Sends a job to the holders that have not confirmed it, and to up to `additional` other nodes. `confirm` says whether they
   * are to confirm it.
   */
  replicate(job: Job, additional: number, confirm: boolean): void
  /** Tries to remove an acknowledged job: all its holders have to know first that it is acknowledged. */
  collect(job: Job): void
}

/** What the holders of a job tell each other about it. */
export interface Announcements {
  queued(job: Job, because: "nack" | "delivery"): void
  /** The job is queued in a moment, unless another holder queues or works on it. */
  willQueue(job: Job): void
  working(job: Job): void
  deleted(job: Job): void
  /** A job that this node does not know is deleted. */
  unknownDeleted(id: string): void
  /** Makes one of `holders` queue a job of which this node keeps no copy. */
  enqueueAt(holders: ReadonlyArray<string>, job: Job): void
}

/** The queues of other nodes. */
export interface Federation {
  /** Asks all nodes for jobs on behalf of clients that wait at the queue. The requests stand until met or withdrawn. */
  request(queue: Queue): void
  /** Asks once for jobs, for the next time that a client asks: all nodes, or those that gave jobs lately. */
  poll(queue: Queue, among: "all" | "sources"): void
  /** Withdraws the standing requests. */
  withdraw(queue: Queue): void
  /** The queue has got jobs: they may go to nodes that ask for them. */
  offer(queue: Queue): void
  /** Tells all nodes how the queue of this name is paused. */
  pause(name: string, paused: number): void
  /** Forgets the requests of other nodes. */
  clear(): void
}

export interface Bus {
  readonly members: Membership
  readonly replication: Replication
  readonly announce: Announcements
  readonly federation: Federation
}
