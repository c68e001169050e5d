import type { Argument } from "../wire/bytes.js"
import type { Random } from "./random.js"
import type { Session } from "./session.js"
import type { Timed } from "./timers.js"

/** What a job is doing on this node. The order matters: rules compare states. */
export const State = { waitRepl: 0, active: 1, queued: 2, acked: 3 } as const

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

/** The spread of the error of the retry clock, in ms. */
export const timeError = 500

/**
 * A job on one node. Times are relative to the cluster's base, so that they stay small integers, which cost no memory of
 * their own. Holders are lists that are replaced, not changed, so that the jobs of one node share theirs.
 */
export class Job implements Timed {
  timerIndex = -1
  readonly id: string
  /** Grows with every job that the node comes to know: the order of scans. */
  serial = 0
  state: number
  flags = 0
  replicate = 0
  /** The time of its creation, in ms, and its place among the jobs of that millisecond. */
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
  /** When the job is queued next, in ms. For a queued job it may lie in the past: it goes round with every retry time. */
  requeueAt = never
  gcAttempts = 0
  /** The byte string of the queue's name; null where this is but an acknowledgement of a job that this node has not seen. */
  queue: string | null = null
  body: Argument | null = null
  /** The nodes that may hold the job. */
  holders: ReadonlyArray<string>
  /** The nodes that confirmed to hold it, or to have it acknowledged. */
  confirmed: ReadonlyArray<string> | null = null
  /** The client that waits for its replication. */
  producer: Session | null = null

  constructor(id: string, state: number, holders: ReadonlyArray<string>) {
    this.id = id
    this.state = state
    this.holders = holders
  }
}

/** The order of a queue: by creation time, then by id. */
export const compareJobs = (a: Job, b: Job): number =>
  a.createdAt - b.createdAt || a.sequence - b.sequence || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

/** The name of its queue counts for each job from this length on: a job that is not in its queue yet may keep one of its own. */
const longName = 1024

/** What a job takes of the memory that `maxmemory` limits, in bytes; measured on a server. */
export const memoryOf = ({ body, queue }: Job): number =>
  440 + (body === null ? 0 : body.length) + (queue === null || queue.length < longName ? 0 : queue.length)

/** The TTL as ids carry it: minutes, odd for at-least-once jobs and even for at-most-once ones. */
const ttlOfId = (ttl: number, retry: number): number => {
  let minutes = Math.trunc((ttl | 0) / 60)
  if (minutes > 0xffff) minutes = 0xffff
  if (minutes < 0) minutes = 1
  return (retry | 0) > 0 ? minutes | 1 : minutes & ~1
}

const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const codes = Uint8Array.from(base64, (char) => char.charCodeAt(0))
const hexDigits = Uint8Array.from("0123456789abcdef", (char) => char.charCodeAt(0))
const scratch = new Uint8Array(40)

/** A new id: the node, 144 random bits, the TTL. */
export const makeId = (node: string, ttl: number, retry: number, random: Random): string => {
  scratch[0] = 0x44
  for (let i = 0; i < 8; i++) scratch[2 + i] = node.charCodeAt(i)
  scratch[1] = scratch[10] = scratch[35] = 0x2d
  let bits = 0
  for (let i = 0; i < 24; i++) {
    if (i % 5 === 0) bits = random.next()
    scratch[11 + i] = codes[bits & 63] as number
    bits >>>= 6
  }
  const minutes = ttlOfId(ttl, retry)
  for (let i = 0; i < 4; i++) scratch[36 + i] = hexDigits[(minutes >> (12 - 4 * i)) & 15] as number
  return Reflect.apply(String.fromCharCode, null, scratch)
}

/** Whether a byte string looks like a job id: its length and its separators are all that is checked. */
export const isId = (id: string): boolean =>
  id.length === 40 && id[0] === "D" && id[1] === "-" && id[10] === "-" && id[35] === "-"

/** The TTL that an id carries, in minutes. Characters that are no hexadecimal digits count as 0. */
export const ttlMinutesOf = (id: string): number => {
  let minutes = 0
  for (let i = 36; i < 40; i++) minutes = minutes * 16 + (Number.parseInt(id[i] ?? "0", 16) || 0)
  return minutes
}

/** A job as it travels between nodes. */
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
