/** The origins of fetched jobs: the nodes that took them from their producers. */
import * as JobId from "../JobId.js"

/** How many of the last jobs count; older ones fade. */
const windowSize = 500

/** Counts fetched jobs by the node in their ids. */
export class Origins {
  private readonly counts = new Map<string, number>()
  private weight = 1

  /** Counts a job that was fetched. */
  count(id: JobId.JobId): void {
    const origin = JobId.origin(id)
    // Instead of making all earlier jobs lighter, each job weighs more than the one before.
    this.weight *= 1 + 1 / windowSize
    this.counts.set(origin, (this.counts.get(origin) ?? 0) + this.weight)
    if (this.weight > 1e9) {
      for (const [origin, sum] of this.counts) {
        if (sum < 1) this.counts.delete(origin)
        else this.counts.set(origin, sum / this.weight)
      }
      this.weight = 1
    }
  }

  /** The id prefix of the node that most jobs come from, and how many times as many come from it as from `prefix`. */
  leader(prefix: string | undefined): { readonly prefix: string; readonly ratio: number } | undefined {
    let leader: { readonly prefix: string; readonly sum: number } | undefined
    for (const [prefix, sum] of this.counts) if (leader === undefined || sum > leader.sum) leader = { prefix, sum }
    if (leader === undefined) return undefined
    const own = prefix === undefined ? 0 : (this.counts.get(prefix) ?? 0)
    return { prefix: leader.prefix, ratio: own === 0 ? Number.POSITIVE_INFINITY : leader.sum / own }
  }
}
