/** The account of a chaos run: what was added, delivered and acknowledged, and why a job came more than once. */
import type { Job, JobId } from "@disco/core"

/** Why a job was delivered again. */
export type Cause =
  /** It had been acknowledged: the acknowledgement did not reach every node that held it. */
  | "acknowledged before"
  /** Its consumer was interrupted, or it arrived for nobody, and was put back. */
  | "put back"
  /** Its retry time passed: its consumer or the link to it was gone, or the acknowledgement was lost. */
  | "retried"

interface Entry {
  readonly ids: Set<JobId.JobId>
  readonly processed: Map<JobId.JobId, number>
  readonly acknowledged: Set<JobId.JobId>
  isConfirmed: boolean
}

export class Ledger {
  readonly size: number
  private readonly entries: ReadonlyArray<Entry>
  /** Adds whose outcome was unknown, or not all copies made, and that were repeated. */
  repeated = 0
  confirmed = 0
  processed = 0
  deliveries = 0
  inFlight = 0
  mostInFlight = 0
  readonly again: Record<Cause, number> = { "acknowledged before": 0, "put back": 0, retried: 0 }

  constructor(size: number) {
    this.size = size
    this.entries = Array.from({ length: size }, () => ({
      ids: new Set(),
      processed: new Map(),
      acknowledged: new Set(),
      isConfirmed: false
    }))
  }

  private at(index: number): Entry {
    const entry = this.entries[index]
    if (entry === undefined) throw new Error(`a job with the body ${index} was never added`)
    return entry
  }

  confirm(index: number, id: JobId.JobId): void {
    const entry = this.at(index)
    entry.ids.add(id)
    if (!entry.isConfirmed) this.confirmed += 1
    entry.isConfirmed = true
  }

  deliver(index: number, job: Job.Job): void {
    const entry = this.at(index)
    const times = entry.processed.get(job.id) ?? 0
    if (entry.processed.size === 0) this.processed += 1
    entry.processed.set(job.id, times + 1)
    entry.ids.add(job.id)
    this.deliveries += 1
    this.inFlight += 1
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    if (times === 0) return
    if (entry.acknowledged.has(job.id)) this.again["acknowledged before"] += 1
    else if (job.nacks > 0) this.again["put back"] += 1
    else this.again.retried += 1
  }

  end(): void {
    this.inFlight -= 1
  }

  acknowledge(index: number, id: JobId.JobId): void {
    this.at(index).acknowledged.add(id)
  }

  /** Confirmed jobs that were not processed, with the ids under which they were added. */
  get open(): ReadonlyArray<{ readonly index: number; readonly ids: ReadonlySet<JobId.JobId> }> {
    return this.entries.flatMap(({ ids, isConfirmed, processed }, index) =>
      isConfirmed && processed.size === 0 ? [{ index, ids }] : []
    )
  }

  get redeliveries(): number {
    return Object.values(this.again).reduce((sum, count) => sum + count, 0)
  }
}
