/** A bounded number of permits, and a bounded line of those who wait for one, first come first served. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { PoolExhausted } from "../DisqueError.js"
import { Slot } from "../internal/slot.js"

export interface PermitLimits {
  readonly maxActive: number
  readonly maxWaiting: number
  readonly acquireMillis: number
}

export class Permits {
  private readonly limits: PermitLimits
  private readonly now: () => number
  private readonly expect: (at: number) => void
  // In the order of arrival, and so of their deadlines.
  private readonly line = new Map<Slot<void, PoolExhausted>, number>()
  private held = 0

  constructor(limits: PermitLimits, now: () => number, expect: (at: number) => void) {
    this.limits = limits
    this.now = now
    this.expect = expect
  }

  get active(): number {
    return this.held
  }

  get waiting(): number {
    return this.line.size
  }

  /** When the first in the line has waited long enough. */
  get deadline(): number {
    for (const deadline of this.line.values()) return deadline
    return Number.POSITIVE_INFINITY
  }

  /** Takes a permit if one is free. */
  tryAcquire(): boolean {
    if (this.held >= this.limits.maxActive || this.line.size > 0) return false
    this.held += 1
    return true
  }

  /** Takes a permit, which the caller releases. */
  readonly acquire: Effect.Effect<void, PoolExhausted> = Effect.suspend(() => {
    if (this.tryAcquire()) return Effect.void
    const { acquireMillis, maxWaiting } = this.limits
    if (this.line.size >= maxWaiting) return Effect.fail(this.exhausted(0))
    const slot = new Slot<void, PoolExhausted>(() => this.release())
    const deadline = this.now() + acquireMillis
    this.line.set(slot, deadline)
    this.expect(deadline)
    return Effect.onExit(slot.take, () => Effect.sync(() => this.line.delete(slot)))
  })

  /** Runs an effect with a permit. */
  run<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | PoolExhausted> {
    return Effect.uninterruptibleMask((restore) => {
      const release = <B>(exit: B): B => {
        this.release()
        return exit
      }
      // As `Effect.onExit` does it, without a mask of its own.
      const run = Effect.matchCauseEffect(restore(effect), {
        onFailure: (cause) => release(Effect.failCause(cause)),
        onSuccess: (value) => release(Effect.succeed(value))
      })
      return this.tryAcquire() ? run : Effect.zipRight(restore(this.acquire), run)
    })
  }

  /** Gives a permit to the first who waits, or back. */
  release(): void {
    const [first] = this.line.keys()
    if (first === undefined) {
      this.held -= 1
    } else {
      this.line.delete(first)
      first.fill(Exit.void)
    }
  }

  /** Sends away those who have waited long enough. */
  expire(now: number): void {
    for (const [slot, deadline] of this.line) {
      if (deadline > now) return
      this.line.delete(slot)
      slot.fill(Exit.fail(this.exhausted(this.limits.acquireMillis)))
    }
  }

  private exhausted(waitedMillis: number): PoolExhausted {
    return new PoolExhausted({
      maxActive: this.limits.maxActive,
      waiting: this.line.size,
      waited: Duration.millis(waitedMillis)
    })
  }
}
