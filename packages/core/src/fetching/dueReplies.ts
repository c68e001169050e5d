/** Replies that are still due: closing waits for them, but no longer than they can take. */
import * as Effect from "effect/Effect"
import * as Time from "../internal/time.js"

// How much later than it is due a reply may arrive: a server with many clients looks at each of them once a second.
const slackMillis = 2000

export class DueReplies {
  private readonly now: () => number
  private count = 0
  /** The time by which each reply has come or never will. */
  private lastBy = Number.NEGATIVE_INFINITY
  private readonly watchers = new Set<() => void>()

  constructor(now: () => number) {
    this.now = now
  }

  /** A reply is due. Each call is followed by one of `settled`. */
  begin(): void {
    this.count += 1
  }

  /** A reply is expected at the time given. */
  expectBy(at: number): void {
    this.lastBy = Math.max(this.lastBy, at + slackMillis)
  }

  /** A reply came, or is known not to come. */
  settled(): void {
    this.count -= 1
    if (this.count === 0) for (const resume of [...this.watchers]) resume()
  }

  private readonly allSettled: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.count === 0) return resume(Effect.void)
    const watch = () => resume(Effect.void)
    this.watchers.add(watch)
    return Effect.sync(() => this.watchers.delete(watch))
  })

  /** Ends when no reply is due, or those that are due can no longer come. */
  readonly drained: Effect.Effect<void> = Effect.suspend(() => {
    const left = this.lastBy - this.now()
    if (this.count === 0 || left <= 0) return Effect.void
    // The jobs in the last reply may have to be given back, which makes another reply due.
    return Effect.zipRight(Time.timeoutOption(Effect.interruptible(this.allSettled), left), this.drained)
  })
}
