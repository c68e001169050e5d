/** A bounded number of permits, and a bounded line of callers that wait for one, first come first served. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { PoolExhausted } from "../DisqueError.js"
import { Slot } from "../internal/slot.js"

/** What permits need. */
interface Needs {
  readonly limits: {
    readonly maxActive: number
    readonly maxWaiting: number
    readonly acquireMillis: number
  }
  readonly now: () => number
  /** Has `expire` called at the time given. */
  readonly expect: (at: number) => void
}

export class Permits {
  private readonly needs: Needs
  /** The callers that wait, and until when: in the order of arrival, which is that of their deadlines. */
  private readonly line = new Map<Slot<void, PoolExhausted>, number>()
  private held = 0

  constructor(needs: Needs) {
    this.needs = needs
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
    if (this.held >= this.needs.limits.maxActive || this.line.size > 0) return false
    this.held += 1
    return true
  }

  /** Takes a permit, which the caller releases. */
  readonly acquire: Effect.Effect<void, PoolExhausted> = Effect.suspend(() => {
    if (this.tryAcquire()) return Effect.void
    const { acquireMillis, maxWaiting } = this.needs.limits
    if (this.line.size >= maxWaiting) return Effect.fail(this.exhausted(0))
    const slot = new Slot<void, PoolExhausted>(() => this.release())
    const deadline = this.needs.now() + acquireMillis
    this.line.set(slot, deadline)
    this.needs.expect(deadline)
    return Effect.onExit(slot.take, () => Effect.sync(() => this.line.delete(slot)))
  })

  /** Counts as one of the permits until the scope ends. */
  readonly scoped: Effect.Effect<void, PoolExhausted, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.zipRight(
      restore(Effect.suspend(() => this.acquire)),
      Effect.addFinalizer(() => Effect.sync(() => this.release()))
    )
  )

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

  /** Gives a permit to the first caller in the line, or back. */
  release(): void {
    const [first] = this.line.keys()
    if (first === undefined) {
      this.held -= 1
    } else {
      this.line.delete(first)
      first.fill(Exit.void)
    }
  }

  /** Fails the callers that have waited long enough. */
  expire(now: number): void {
    for (const [slot, deadline] of this.line) {
      if (deadline > now) return
      this.line.delete(slot)
      slot.fill(Exit.fail(this.exhausted(this.needs.limits.acquireMillis)))
    }
  }

  private exhausted(waitedMillis: number): PoolExhausted {
    return new PoolExhausted({
      maxActive: this.needs.limits.maxActive,
      waiting: this.line.size,
      waited: Duration.millis(waitedMillis)
    })
  }
}
