/** What a benchmark counts and measures. */
import { createHistogram } from "node:perf_hooks"

/** The times of something that was done many times, in milliseconds. */
export interface Times {
  readonly count: number
  readonly median: number
  readonly p99: number
  readonly max: number
}

/** Times, to three digits, in memory that does not grow. */
export class Stopwatch {
  // In microseconds, up to an hour.
  private readonly histogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 })

  note(millis: number): void {
    this.histogram.record(Math.max(1, Math.min(Math.round(millis * 1000), 3_600_000_000)))
  }

  /** Undefined if nothing was measured. */
  get times(): Times | undefined {
    const { count, max } = this.histogram
    if (count === 0) return undefined
    const millis = (share: number) => this.histogram.percentile(share) / 1000
    return { count, median: millis(50), p99: millis(99), max: max / 1000 }
  }
}

const isAdded = 1
const isSeen = 2

/** Which jobs were added and which came, by their numbers. */
export class Jobs {
  private marks = new Uint8Array(65_536)
  /** How many jobs were added. */
  added = 0
  /** How many of these have come. */
  delivered = 0
  /** How often a job came that had come before. */
  repeated = 0

  private mark(number: number, mark: number): number {
    if (number >= this.marks.length) {
      const longer = new Uint8Array(Math.max(2 * this.marks.length, number + 1))
      longer.set(this.marks)
      this.marks = longer
    }
    const before = this.marks[number] ?? 0
    this.marks[number] = before | mark
    return before
  }

  add(number: number): void {
    const before = this.mark(number, isAdded)
    this.added += 1
    // The answer to ADDJOB may be later than the job.
    if ((before & isSeen) !== 0) this.delivered += 1
  }

  see(number: number): void {
    const before = this.mark(number, isSeen)
    if ((before & isSeen) !== 0) this.repeated += 1
    else if ((before & isAdded) !== 0) this.delivered += 1
  }
}
