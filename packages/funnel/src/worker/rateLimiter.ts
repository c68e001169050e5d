/** At most so many beginnings within any interval. */
import { Fifo, Slot, Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Restore } from "../internal/runtime.js"

interface Used {
  readonly permits: number
  readonly backAt: number
}

interface Owner {
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

// Who looks at the times of day may see a millisecond less than has passed.
const marginMillis = 1

/**
 * A permit is taken before a job is, so that nobody holds a job that may not begin yet. It comes back an interval after the job
 * began, so that no interval sees more beginnings than there are permits.
 */
export class Pace {
  readonly limit: number
  private readonly intervalMillis: number
  private readonly owner: Owner
  private free: number
  private readonly used = new Fifo<Used>()
  private readonly waiting = new Set<Slot<number, never>>()
  private isTiming = false
  private isOver = false

  constructor(limit: number, intervalMillis: number, owner: Owner) {
    this.limit = limit
    this.intervalMillis = intervalMillis
    this.owner = owner
    this.free = limit
  }

  /** Takes permits that are free, so many at most. */
  takeNow(most: number): number {
    this.restore()
    const taken = Math.min(most, this.free)
    this.free -= taken
    return taken
  }

  /** Waits for a permit, where nothing interrupts but in what `restore` is given; gives none where nothing begins any more. */
  take(restore: Restore): Effect.Effect<number> {
    return Effect.suspend(() => {
      if (this.isOver) return Effect.succeed(0)
      const slot = new Slot<number, never>((permits) => this.giveBack(permits))
      this.waiting.add(slot)
      this.serve()
      return Effect.ensuring(
        slot.takeWithin(restore),
        Effect.sync(() => this.waiting.delete(slot))
      )
    })
  }

  /** Says that jobs begin, with a permit each. */
  use(permits: number): void {
    if (permits === 0) return
    this.used.push({ permits, backAt: this.owner.now() + this.intervalMillis + marginMillis })
    this.serve()
  }

  /** Takes back permits that were not used. */
  giveBack(permits: number): void {
    if (permits === 0) return
    this.free += permits
    this.serve()
  }

  /** Ends all who wait: nothing begins any more. */
  close(): void {
    this.isOver = true
    for (const slot of this.waiting) slot.fill(Exit.succeed(0))
    this.waiting.clear()
  }

  private restore(): void {
    if (this.used.size === 0) return
    const now = this.owner.now()
    while ((this.used.peek()?.backAt ?? Number.POSITIVE_INFINITY) <= now) this.free += this.used.shift()?.permits ?? 0
  }

  private serve(): void {
    this.restore()
    for (const slot of this.waiting) {
      if (this.free === 0) break
      this.free -= 1
      this.waiting.delete(slot)
      slot.fill(Exit.succeed(1))
    }
    const next = this.used.peek()
    if (this.waiting.size === 0 || next === undefined || this.isTiming) return
    this.isTiming = true
    const serve = Effect.sync(() => {
      this.isTiming = false
      this.serve()
    })
    this.owner.fork(Effect.zipRight(Time.sleep(Math.max(1, next.backAt - this.owner.now())), serve))
  }
}
