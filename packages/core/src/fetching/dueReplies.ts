/** Replies that are still due: closing waits for them, but no longer than they can take. */
import * as Effect from "effect/Effect"
import * as Time from "../internal/time.js"

// How much later than it is due a reply may arrive: a server with many clients looks at each of them once a second.
const slackMillis = 1900
// How long replies are read for that came while this process, or the node, was held up, and the time passed.
const readMillis = 100

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

  /** Calls `done` once no reply is due. */
  whenSettled(done: () => void): void {
    if (this.count === 0) done()
    else this.watchers.add(done)
  }

  private readonly allSettled: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.count === 0) return resume(Effect.void)
    const watch = () => resume(Effect.void)
    this.watchers.add(watch)
    return Effect.sync(() => this.watchers.delete(watch))
  })

  /** Ends when no reply is due, or those that are due can no longer come. */
  readonly drained: Effect.Effect<void> = Effect.suspend(() => {
    if (this.count === 0) return Effect.void
    const left = this.lastBy - this.now()
    return Effect.flatMap(this.settledWithin(Math.max(left, readMillis)), () =>
      // The jobs in the last reply may have to be given back, which makes another reply due.
      left > 0 || this.lastBy > this.now() ? this.drained : Effect.void
    )
  })

  private settledWithin(millis: number): Effect.Effect<unknown> {
    return Time.timeoutOption(Effect.interruptible(this.allSettled), millis)
  }
}
