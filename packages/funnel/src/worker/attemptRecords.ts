/** What a worker remembers of jobs between deliveries. A node counts deliveries, but does not know how each of them ended. */
import type { Job } from "@disco/core"
import type { RetryProgress } from "./backoff.js"
import { type Letter, parseTime } from "./letter.js"

/** What a worker remembers of one job. */
interface AttemptRecord {
  /** How often the job was tried and failed. */
  readonly attempts: number
  /** When the job failed first, in milliseconds since 1970. */
  readonly firstAt: number | undefined
  /** The message of the last error. */
  readonly error: string | undefined
  /** Whether the job is not to be tried again. */
  readonly isOver: boolean
  /** How far the schedule of the retries has got. */
  readonly progress: RetryProgress | undefined
  /** How often the job went back without an end of its handler. The node counts each return as another delivery. */
  readonly returns: number
}

/** What is known of a job before it is tried, from all sources. */
export interface AttemptHistory {
  /** How often the job failed. */
  readonly attempts: number
  /** How often a delivery of the job may have ended in a crash. */
  readonly crashes: number
  readonly firstAt: number | undefined
  readonly error: string | undefined
  /** Whether the job is not to be tried again. */
  readonly isOver: boolean
}

// Enough for the jobs that a worker fails or gives back while they are away. The record that changed longest ago is forgotten first.
const mostRecords = 10_000

const empty: AttemptRecord = {
  attempts: 0,
  firstAt: undefined,
  error: undefined,
  isOver: false,
  progress: undefined,
  returns: 0
}

export class AttemptRecords {
  private readonly records = new Map<string, AttemptRecord>()
  private readonly most: number

  constructor(most = mostRecords) {
    this.most = most
  }

  /** The history of a job: the counts of its node and its letter, corrected by what this worker remembers. */
  historyOf(job: Job.Job, letter: Letter | undefined): AttemptHistory {
    const record = this.find(job.id)
    const counted = (letter?.attempts ?? 0) + job.nacks
    const crashes = (letter?.crashes ?? 0) + Math.max(0, job.additionalDeliveries - (record?.returns ?? 0))
    const wasTried = letter !== undefined && letter.attempts > 0
    return {
      attempts: Math.max(counted, record?.attempts ?? 0),
      crashes,
      firstAt: record?.firstAt ?? (wasTried ? parseTime(letter.firstAt) : undefined),
      error: record?.error ?? letter?.error,
      isOver: record?.isOver ?? false
    }
  }

  /** Whether this worker saw a job fail. */
  hasFailed(id: string): boolean {
    return (this.find(id)?.attempts ?? 0) > 0
  }

  /** How far the schedule has got with a job, as far as this worker walked it. */
  progressOf(id: string): RetryProgress | undefined {
    return this.find(id)?.progress
  }

  /** Remembers that a job failed. */
  failed(id: string, failure: Omit<AttemptRecord, "returns">): void {
    this.set(id, { returns: this.find(id)?.returns ?? 0, ...failure })
  }

  /** Remembers that a job goes back. */
  returned(id: string): void {
    const record = this.find(id) ?? empty
    this.set(id, { ...record, returns: record.returns + 1 })
  }

  /** Forgets a job that is done, given up, or added to another queue. */
  forget(id: string): void {
    if (this.records.size > 0) this.records.delete(id)
  }

  private find(id: string): AttemptRecord | undefined {
    return this.records.size === 0 ? undefined : this.records.get(id)
  }

  // A map keeps the order in which its keys were set, so that the first key is that of the oldest record.
  private set(id: string, record: AttemptRecord): void {
    this.records.delete(id)
    this.records.set(id, record)
    if (this.records.size <= this.most) return
    const [oldest] = this.records.keys()
    if (oldest !== undefined) this.records.delete(oldest)
  }
}
