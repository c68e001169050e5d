/** What a worker remembers of jobs from one delivery to the next: a node counts deliveries, but does not know what came of them. */
import type { Progress } from "./backoff.js"

export interface Record {
  /** How often the job was tried, so far as it failed. */
  readonly attempts: number
  /** When it failed first, in milliseconds since 1970. */
  readonly firstAt: number | undefined
  /** What went wrong last. */
  readonly error: string | undefined
  /** Whether it is not to be tried again. */
  readonly isOver: boolean
  /** Where the schedule of its retries has got to. */
  readonly schedule: Progress | undefined
  /** How often it went back untried or unfinished: the node counts each as another delivery. */
  readonly returns: number
}

// Enough for all that a worker fails with and gives back while it waits; the oldest are forgotten first.
const most = 10_000

const blank: Record = {
  attempts: 0,
  firstAt: undefined,
  error: undefined,
  isOver: false,
  schedule: undefined,
  returns: 0
}

export class Records {
  private readonly records = new Map<string, Record>()

  /** What is remembered of a job, by its id. */
  of(id: string): Record | undefined {
    return this.records.size === 0 ? undefined : this.records.get(id)
  }

  /** Remembers that a job failed. */
  failed(id: string, failure: Pick<Record, "attempts" | "firstAt" | "error" | "isOver" | "schedule">): void {
    this.set(id, { ...(this.of(id) ?? blank), ...failure })
  }

  /** Remembers that a job goes back. */
  returned(id: string): void {
    const record = this.of(id) ?? blank
    this.set(id, { ...record, returns: record.returns + 1 })
  }

  /** Forgets a job that will not come again. */
  forget(id: string): void {
    if (this.records.size > 0) this.records.delete(id)
  }

  private set(id: string, record: Record): void {
    // The one that changed last is the youngest.
    this.records.delete(id)
    this.records.set(id, record)
    if (this.records.size <= most) return
    const [oldest] = this.records.keys()
    if (oldest !== undefined) this.records.delete(oldest)
  }
}
