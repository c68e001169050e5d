import { Slot } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * One at a time, in the order in which they ask. A semaphore of Effect goes to whoever asks first after it is free, so that a fiber
 * that asks over and over keeps all others waiting forever.
 */
export class Turns {
  private isTaken = false
  private readonly line = new Set<Slot<void, never>>()

  /** Does something while nobody else has the turn. */
  alone<A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.zipRight(restore(this.taken), Effect.ensuring(restore(work), this.passed))
    )
  }

  private readonly taken: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.isTaken) {
      this.isTaken = true
      return Effect.void
    }
    const slot = new Slot<void, never>(() => this.pass())
    this.line.add(slot)
    return Effect.onExit(slot.take, () => Effect.sync(() => this.line.delete(slot)))
  })

  private readonly passed: Effect.Effect<void> = Effect.sync(() => this.pass())

  private pass(): void {
    const [first] = this.line
    if (first === undefined) {
      this.isTaken = false
    } else {
      this.line.delete(first)
      first.fill(Exit.void)
    }
  }
}
