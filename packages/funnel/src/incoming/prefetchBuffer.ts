/** Jobs that were fetched and wait to be taken: in the order of their arrival, or by the rank of their queues. */
import { Fifo } from "@disco/core/internal"
import type { LeasedJob } from "./leasedJob.js"

/** Jobs of one rank. */
interface Row {
  readonly rank: number
  readonly jobs: Fifo<LeasedJob>
}

// The most rows that are kept while some of them are empty.
const mostRows = 64

export class PrefetchBuffer {
  private readonly ranks: ReadonlyMap<string, number>
  /** In the order of their ranks. Some may be empty. */
  private rows: Array<Row> = []
  private stock = 0

  constructor(queues: ReadonlyArray<string>, isRanked: boolean) {
    this.ranks = new Map(isRanked ? queues.map((name, rank) => [name, rank]) : [])
  }

  get size(): number {
    return this.stock
  }

  put(leased: LeasedJob): void {
    this.row(this.ranks.get(leased.job.queue) ?? 0).push(leased)
    leased.isReady = true
    leased.wasTaken = false
    this.stock += 1
  }

  private row(rank: number): Fifo<LeasedJob> {
    const { rows } = this
    let place = rows.length
    while (place > 0 && (rows[place - 1] as Row).rank > rank) place -= 1
    const before = rows[place - 1]
    if (before?.rank === rank) return before.jobs
    const row = { rank, jobs: new Fifo<LeasedJob>() }
    rows.splice(place, 0, row)
    if (rows.length > mostRows) this.rows = rows.filter((other) => other === row || other.jobs.size > 0)
    return row.jobs
  }

  /** Notes that a waiting job was lost or settled: it is skipped, and counts no more. */
  discount(leased: LeasedJob): void {
    if (!leased.isReady) return
    leased.isReady = false
    this.stock -= 1
  }

  /** The next job that is still ours. */
  take(): LeasedJob | undefined {
    for (const { jobs: row } of this.rows) {
      while (row.size > 0) {
        const leased = this.shift(row)
        if (leased !== undefined) return leased
      }
    }
    return undefined
  }

  /** Takes all jobs that are still ours. */
  clear(): Array<LeasedJob> {
    const cleared = this.rows.flatMap(({ jobs }) => jobs.drain()).filter((leased) => leased.isReady)
    for (const leased of cleared) this.discount(leased)
    return cleared.filter((leased) => leased.isOurs)
  }

  private shift(row: Fifo<LeasedJob>): LeasedJob | undefined {
    const leased = row.shift()
    if (leased === undefined || !leased.isReady) return undefined
    this.discount(leased)
    return leased.isOurs ? leased : undefined
  }

  /** Since when the oldest job waits; Infinity if no job waits. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const { jobs: row } of this.rows) {
      while (row.peek()?.isReady === false) row.shift()
      oldest = Math.min(oldest, row.peek()?.readySince ?? Number.POSITIVE_INFINITY)
    }
    return oldest
  }

  /** Takes the jobs that have waited since the time given or longer and are still ours. */
  takeSince(time: number): Array<LeasedJob> {
    const taken: Array<LeasedJob> = []
    for (const { jobs: row } of this.rows) {
      while ((row.peek()?.readySince ?? Number.POSITIVE_INFINITY) <= time) {
        const leased = this.shift(row)
        if (leased !== undefined) taken.push(leased)
      }
    }
    return taken
  }
}
