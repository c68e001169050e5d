/** Something that happens again and again, and that any number of fibers wait for. */
import * as Effect from "effect/Effect"

export class Signal {
  private waiting = new Set<() => void>()

  /** Waits until it happens next. */
  readonly next: Effect.Effect<void> = Effect.async((resume) => {
    const wake = () => resume(Effect.void)
    this.waiting.add(wake)
    return Effect.sync(() => this.waiting.delete(wake))
  })

  /** It happens: all that wait go on. */
  fire(): void {
    const { waiting } = this
    this.waiting = new Set()
    for (const wake of waiting) wake()
  }
}
