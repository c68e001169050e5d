/** One fiber that sleeps until the nearest of many due times. */
import * as Effect from "effect/Effect"
import * as Time from "./time.js"

export class Timekeeper {
  private readonly nextDue: () => number
  private readonly tick: (now: number) => void
  private target = Number.POSITIVE_INFINITY
  private wake: (() => void) | undefined = undefined

  /**
   * `nextDue` says when `tick` has to be called next; Infinity for never. All times are those of `Time.monotonicMillis`, so that
   * nothing comes early or late when the time of day is set.
   */
  constructor(nextDue: () => number, tick: (now: number) => void) {
    this.nextDue = nextDue
    this.tick = tick
  }

  /** Says that something has become due at the time given. */
  expect(at: number): void {
    if (at >= this.target) return
    this.target = at
    this.wake?.()
  }

  /** Ends as soon as something is due before the time given, also if `expect` was called before the waiting fiber began. */
  private dueBefore(target: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.target < target) return resume(Effect.void)
      this.wake = () => resume(Effect.void)
      return Effect.sync(() => {
        this.wake = undefined
      })
    })
  }

  readonly run: Effect.Effect<never> = Effect.flatMap(Effect.clock, (clock) =>
    Effect.forever(
      Effect.suspend(() => {
        const now = Time.monotonicMillis(clock)
        if (this.nextDue() <= now) this.tick(now)
        const target = this.nextDue()
        this.target = target
        return target === Number.POSITIVE_INFINITY
          ? this.dueBefore(target)
          : Effect.raceFirst(Time.sleep(Math.max(1, target - now)), this.dueBefore(target))
      })
    )
  )
}
