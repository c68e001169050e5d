/** What viewers ask for and share: it is looked up once, however many want it, and kept for a moment. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

interface Kept {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** Until when it is kept; undefined while it is looked up. */
  until: number | undefined
}

/** The most answers that are kept. Some hold bodies of jobs. */
const most = 64
/** The most questions that are put to the cluster at a time. */
const atATime = 4

export class Shared {
  private readonly kept = new Map<string, Kept>()
  private readonly permits = Effect.unsafeMakeSemaphore(atATime)
  private readonly clock: Clock.Clock
  private readonly scope: Scope.Scope

  private constructor(clock: Clock.Clock, scope: Scope.Scope) {
    this.clock = clock
    this.scope = scope
  }

  static readonly make: Effect.Effect<Shared, never, Scope.Scope> = Effect.map(
    Effect.all([Effect.clock, Effect.scope]),
    ([clock, scope]) => new Shared(clock, scope)
  )

  /** The answer to a question: the one that is kept, if it is not older than some milliseconds. A failure is kept too. */
  get<A, E>(question: string, millis: number, asking: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const known = this.kept.get(question)
      if (known !== undefined && (known.until === undefined || this.clock.unsafeCurrentTimeMillis() < known.until)) {
        return Fiber.join(known.fiber as Fiber.Fiber<A, E>)
      }
      // A viewer who leaves does not end what another one waits for.
      const bounded = this.permits.withPermits(1)(asking)
      return Effect.flatMap(Effect.forkIn(Effect.interruptible(bounded), this.scope), (fiber) => {
        const kept: Kept = { fiber, until: undefined }
        this.kept.delete(question)
        this.kept.set(question, kept)
        fiber.addObserver(() => {
          kept.until = this.clock.unsafeCurrentTimeMillis() + millis
        })
        for (const oldest of this.kept.keys()) {
          if (this.kept.size <= most) break
          this.kept.delete(oldest)
        }
        return Fiber.join(fiber)
      })
    })
  }

  /** Forgets all answers, because something was changed. */
  clear(): void {
    this.kept.clear()
  }
}
