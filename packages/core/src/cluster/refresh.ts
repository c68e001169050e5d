/** When the cluster is asked anew which nodes it has: after trouble, and when the answer is used and has become old. */
import * as Effect from "effect/Effect"

// After trouble the cluster is not asked more often than this.
const leastMillis = 1000

/** What the refresh needs. */
interface Needs {
  readonly now: () => number
  /** Has `tick` called at the time given. */
  readonly expect: (at: number) => void
  /** Runs an effect apart from the caller, until the client closes. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** Asks nodes for their cluster. */
  readonly learn: Effect.Effect<void, unknown>
  /** How old the answer may become before it is old. */
  readonly refreshMillis: number
}

export class Refresh {
  private readonly needs: Needs
  private dueAt = Number.POSITIVE_INFINITY
  private endedAt = Number.NEGATIVE_INFINITY
  private isRunning = false

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** Whether the cluster was asked before, with or without success. */
  get hasEnded(): boolean {
    return this.endedAt !== Number.NEGATIVE_INFINITY
  }

  /** When `tick` has something to do. */
  get due(): number {
    return this.isRunning ? Number.POSITIVE_INFINITY : this.dueAt
  }

  /** Asks the cluster as soon as it may be asked again. */
  soon(): void {
    const at = Math.max(this.needs.now(), this.endedAt + leastMillis)
    if (at >= this.dueAt) return
    this.dueAt = at
    this.needs.expect(at)
  }

  // By use and not by time: an idle client need not know.
  /** Asks the cluster if the last answer is old. */
  ifStale(now: number): void {
    if (now - this.endedAt >= this.needs.refreshMillis) this.start()
  }

  tick(now: number): void {
    if (this.dueAt <= now) this.start()
  }

  private start(): void {
    if (this.isRunning) return
    this.isRunning = true
    this.needs.fork(this.run)
  }

  /** Asks the cluster. If no node can answer, what was known stays known. */
  readonly run: Effect.Effect<void> = Effect.suspend(() => {
    this.isRunning = true
    return Effect.ignore(this.needs.learn)
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        this.isRunning = false
        this.endedAt = this.needs.now()
        this.dueAt = Number.POSITIVE_INFINITY
      })
    )
  )
}
