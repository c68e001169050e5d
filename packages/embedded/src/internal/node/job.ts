import type { Argument } from "../wire/bytes.js"
import type { Timed } from "./timers.js"

/** The state of a job on one node. The order matters: rules compare states. */
export const State = { waitRepl: 0, active: 1, queued: 2, acked: 3 } as const

export type JobState = (typeof State)[keyof typeof State]

export const stateNames: ReadonlyArray<string> = ["wait-repl", "active", "queued", "acked"]

export const Flag = {
  /** Tell the other holders when the job is queued. */
  broadcastQueued: 1,
  /** Tell the other holders shortly before the job is queued again. */
  broadcastWillQueue: 2,
  /** This node has delivered the job. */
  delivered: 4
} as const

/** The value of `requeueAt` of a job that is never queued again. */
export const never = -1

/** How long before its requeue a job is announced to the other holders, in ms. */
export const willQueueAdvance = 500

/** The spread of the random error of retry times, in ms. */
export const timeError = 500

/**
 * A job on one node. Times are relative to the cluster's base: they are small integers, which cost no memory of their own. Lists of
 * holders are replaced, not changed, so that the jobs of one node can share a list.
 */
export class Job implements Timed {
  timerIndex = -1
  readonly id: string
  /** The number of the job on its node: the order of scans. */
  serial = 0
  /** Only the file `jobs.ts` changes it. */
  readonly state: JobState
  flags = 0
  replicate = 0
  /** The time of its creation, in ms, and its number among the jobs of that millisecond. */
  createdAt = 0
  sequence = 0
  /** When the job expires, in s. */
  expiresAt = 0
  /** In s. */
  delay = 0
  /** In s; 0 for at-most-once. */
  retry = 0
  nacks = 0
  deliveries = 0
  /** When the job is queued next, in ms. In a queued job it may lie in the past, until the job's retry time is brought up to date. */
  requeueAt = never
  gcAttempts = 0
  /** The name of the queue as a byte string; null in the acknowledgement of a job that this node has never had. */
  queue: string | null = null
  body: Argument | null = null
  /** The nodes that may hold the job. */
  holders: ReadonlyArray<string>
  /** The nodes that have confirmed to hold the job, or to have it acknowledged. */
  confirmed: ReadonlyArray<string> | null = null

  constructor(id: string, state: JobState, holders: ReadonlyArray<string>) {
    this.id = id
    this.state = state
    this.holders = holders
  }
}

/** The order of a queue: by creation time, then by id. */
export const compareJobs = (a: Job, b: Job): number =>
  a.createdAt - b.createdAt || a.sequence - b.sequence || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

/** From this length on, the name of the queue counts for each job: a job outside of its queue may keep a copy of the name. */
const longName = 1024

/** What a job takes of the memory that `maxmemory` limits, in bytes; measured on a server. */
export const memoryOf = ({ body, queue }: Job): number =>
  440 + (body === null ? 0 : body.length) + (queue === null || queue.length < longName ? 0 : queue.length)
