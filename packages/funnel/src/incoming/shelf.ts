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
        if (held.lost === undefined && held.state === "held") return held
      }
    }
    return undefined
  }

  /** Takes all jobs that are still ours. */
  clear(): Array<Held> {
    this.stock = 0
    return this.rows.flatMap((row) => row.drain()).filter((held) => held.lost === undefined && held.state === "held")
  }
}
