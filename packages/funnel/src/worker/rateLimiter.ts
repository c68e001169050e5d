/** A limit on how many jobs begin within any interval. */
import { Fifo, Slot, Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Restore } from "../internal/runtime.js"

/** Permits that were used, and when they can be used again. */
interface Used {
  readonly permits: number
  readonly backAt: number
}

/** The clock and the fibers that the limiter runs on. */
interface Timer {
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

// A handler that reads the time of day may see one millisecond less than has passed.
const marginMillis = 1

/**
 * A permit is taken before a job is, so that no fiber holds a job that may not begin yet. A permit that was used comes back one
 * interval after its job began, so that no interval sees more beginnings than there are permits.
 */
export class RateLimiter {
  private readonly intervalMillis: number
  private readonly timer: Timer
  private free: number
  private readonly used = new Fifo<Used>()
  private readonly waiting = new Set<Slot<number, never>>()
  private isTiming = false
  private isClosed = false

  constructor(limit: number, intervalMillis: number, timer: Timer) {
    this.intervalMillis = intervalMillis
    this.timer = timer
    this.free = limit
  }

  /** Takes up to `most` of the free permits, and says how many. */
  takeNow(most: number): number {
    this.reclaim()
    const taken = Math.min(most, this.free)
    this.free -= taken
    return taken
  }

  /**
   * Waits for one permit, and gives their number: 0 once the limiter is closed. For an uninterruptible caller: only the wait is
   * interruptible.
   */
  take(restore: Restore): Effect.Effect<number> {
    return Effect.suspend(() => {
      if (this.isClosed) return Effect.succeed(0)
      const slot = new Slot<number, never>((permits) => this.giveBack(permits))
      this.waiting.add(slot)
      this.serve()
      return Effect.ensuring(
        slot.takeWithin(restore),
        Effect.sync(() => this.waiting.delete(slot))
      )
    })
  }

  /** Uses permits: as many jobs begin now. */
  use(permits: number): void {
    if (permits === 0) return
    this.used.push({ permits, backAt: this.timer.now() + this.intervalMillis + marginMillis })
    this.serve()
  }

  /** Takes back permits that were not used. */
  giveBack(permits: number): void {
    if (permits === 0) return
    this.free += permits
    this.serve()
  }

  /** Ends all waits: no more jobs begin. */
  close(): void {
    this.isClosed = true
    for (const slot of this.waiting) slot.fill(Exit.succeed(0))
    this.waiting.clear()
  }

  private reclaim(): void {
    if (this.used.size === 0) return
    const now = this.timer.now()
    while ((this.used.peek()?.backAt ?? Number.POSITIVE_INFINITY) <= now) this.free += this.used.shift()?.permits ?? 0
  }

  private serve(): void {
    this.reclaim()
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
    this.timer.fork(Effect.zipRight(Time.sleep(Math.max(1, next.backAt - this.timer.now())), serve))
  }
}

/** The permits in the hands of one fiber. */
export class FiberPermits {
  private readonly limiter: RateLimiter
  private held = 0

  constructor(limiter: RateLimiter) {
    this.limiter = limiter
  }

  get count(): number {
    return this.held
  }

  /** Takes free permits until there are `most` in hand. */
  takeNow(most: number): void {
    if (this.held < most) this.held += this.limiter.takeNow(most - this.held)
  }

  /** Waits for a permit, and says whether there is one: none once the limiter is closed. */
  take(restore: Restore): Effect.Effect<boolean> {
    return Effect.map(this.limiter.take(restore), (permits) => {
      this.held += permits
      return permits > 0
    })
  }

  /** Uses so many permits, and gives back the others. */
  use(count: number): void {
    this.limiter.use(count)
    this.held -= count
    this.keep(0)
  }

  /** Keeps at most so many permits, and gives back the others. */
  keep(most: number): void {
    const surplus = Math.max(0, this.held - most)
    this.held -= surplus
    this.limiter.giveBack(surplus)
  }
}
