/** How many jobs there is room for: for the fibers that wait, and ahead of them. */
import { Slot } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

// A job that was fetched so long before it is taken could have waited in its queue for another consumer.
const longAheadMillis = 1000

export interface FetchWindowOptions {
  /** How many jobs are fetched ahead of those that are taken. */
  readonly prefetch: number
  /** How long a job that was fetched ahead waits to be taken, in milliseconds. */
  readonly prefetchMillis: number
  /** How many jobs are fetched ahead at most, if consumers are faster than one GETJOB after another. */
  readonly mostPrefetch: number
  /** The most jobs of one GETJOB. */
  readonly fetchCount: number
  /** Whether a queue named first goes before the others. */
  readonly isRanked: boolean
}

export interface FetchWindowNeeds {
  readonly now: () => number
  /** Whether jobs are fetched at present. */
  readonly isOpen: () => boolean
  /** How many jobs would be taken at once. */
  readonly wanted: () => number
  /** How many jobs wait to be taken. */
  readonly ready: () => number
}

/** A fetch that waits for room. */
interface Demand {
  readonly most: number
  readonly slot: Slot<number, never>
}

export class FetchWindow {
  private readonly options: FetchWindowOptions
  private readonly needs: FetchWindowNeeds
  private readonly demands = new Set<Demand>()
  /** How many jobs the fetches under way may bring. */
  private reserved = 0
  /** How many jobs may be fetched ahead at present. */
  private size: number
  /** When a job was taken last, while the window is smaller than `prefetch`. */
  private takenAt = Number.NEGATIVE_INFINITY
  /** When the jobs arrived that are taken at present. */
  private takenFrom = 0
  /** How many jobs wait here for their next attempt, and count as fetched ahead. */
  private parked = 0

  constructor(options: FetchWindowOptions, needs: FetchWindowNeeds) {
    this.options = options
    this.needs = needs
    this.size = options.prefetch
  }

  /** Waits until there is room for a fetch: for `most` jobs, or fewer. The room is reserved until the fetch ends. */
  reserve(most: number): Effect.Effect<number> {
    return Effect.suspend(() => {
      const demand: Demand = {
        most,
        slot: new Slot<number, never>((granted) => {
          this.reserved -= granted
          this.offer()
        })
      }
      this.demands.add(demand)
      this.offer()
      return Effect.onExit(demand.slot.take, () => Effect.sync(() => this.demands.delete(demand)))
    })
  }

  // First come, first served. A fetch of many jobs waits until half of the window is free, or it would ask for each job by itself.
  // Queues with ranks do not wait: a job of the first queue is wanted next.
  /** Grants room to the fetches that wait. To be called whenever there may be more room. */
  offer(): void {
    const { fetchCount, isRanked } = this.options
    for (const demand of this.demands) {
      const { room } = this
      if (room < 1) return
      const isWanted = this.needs.wanted() > this.needs.ready() + this.reserved
      const least = isRanked ? 1 : Math.min(demand.most, Math.ceil(this.size / 2), fetchCount)
      if (room < least && !isWanted) continue
      this.demands.delete(demand)
      const granted = Math.min(demand.most, room)
      this.reserved += granted
      demand.slot.fill(Exit.succeed(granted))
    }
  }

  private get room(): number {
    if (!this.needs.isOpen()) return 0
    return Math.max(0, this.size - this.parked) + this.needs.wanted() - this.needs.ready() - this.reserved
  }

  /** Ends the reservation of a fetch. */
  release(reserved: number): void {
    this.reserved -= reserved
  }

  /** Ends all reservations: no fetch is under way any more. */
  releaseAll(): void {
    this.reserved = 0
  }

  /** Doubles the window: consumers were faster than one GETJOB after another. */
  grow(): void {
    this.size = Math.min(this.options.mostPrefetch, this.size * 2)
  }

  /** Fetches nothing ahead: jobs went back because they were not taken in time. */
  shut(): void {
    this.size = 0
  }

  /** Notes that a job is taken. After `shut`, the window opens again once jobs are taken faster than they go back. */
  taken(): void {
    const { prefetch, prefetchMillis } = this.options
    if (this.size >= prefetch) return
    const now = this.needs.now()
    if (now - this.takenAt < prefetchMillis) this.size = Math.min(prefetch, Math.max(1, this.size * 2))
    this.takenAt = now
  }

  /** Notes when a job arrived that is taken. A window that has grown shrinks when jobs wait for long. */
  takenFromBatch(fetchedAt: number): void {
    if (fetchedAt === this.takenFrom) return
    this.takenFrom = fetchedAt
    if (this.size > this.options.prefetch && this.needs.now() - fetchedAt > longAheadMillis) {
      this.size = Math.max(this.options.prefetch, this.size >> 1)
    }
  }

  /** Counts one more job that waits here for its next attempt, unless there are `most`. Says whether the job may wait. */
  park(most: number): boolean {
    if (this.parked >= most) return false
    this.parked += 1
    return true
  }

  /** Counts one parked job less. */
  unpark(): void {
    this.parked -= 1
  }
}
