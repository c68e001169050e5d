/** Jobs that are fetched and wait to be taken: in the order in which they came, or those of the queues named first before the others. */
import { Fifo } from "@disco/core"
import type { Held } from "./held.js"

export class Shelf {
  private readonly rows: ReadonlyArray<Fifo<Held>>
  private readonly ranks: ReadonlyMap<string, number>
  private stock = 0

  constructor(queues: ReadonlyArray<string>, isRanked: boolean) {
    this.ranks = new Map(isRanked ? queues.map((name, rank) => [name, rank]) : [])
    this.rows = Array.from({ length: Math.max(1, this.ranks.size) }, () => new Fifo<Held>())
  }

  get size(): number {
    return this.stock
  }

  put(held: Held): void {
    const row = this.rows[this.ranks.get(held.job.queue) ?? 0] as Fifo<Held>
    row.push(held)
    this.stock += 1
  }

  /** The next job that is still ours. */
  take(): Held | undefined {
    for (const row of this.rows) {
      while (row.size > 0) {
        const held = row.shift() as Held
        this.stock -= 1
        if (held.isOurs) return held
      }
    }
    return undefined
  }

  /** Takes all jobs that are still ours. */
  clear(): Array<Held> {
    this.stock = 0
    return this.rows.flatMap((row) => row.drain()).filter((held) => held.isOurs)
  }

  /** Since when the job waits that has waited longest; Infinity where there is none. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const row of this.rows) oldest = Math.min(oldest, row.peek()?.readySince ?? Number.POSITIVE_INFINITY)
    return oldest
  }

  /** Takes the jobs that have waited since the time given or longer, as far as they are still ours. */
  takeSince(time: number): Array<Held> {
    const taken: Array<Held> = []
    for (const row of this.rows) {
      while ((row.peek()?.readySince ?? Number.POSITIVE_INFINITY) <= time) {
        const held = row.shift() as Held
        this.stock -= 1
        if (held.isOurs) taken.push(held)
      }
    }
    return taken
  }
}
