/** One bound for all closes that happen together. */
import { Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

// A close that begins within this time after another one belongs to it.
const togetherMillis = 1000

/**
 * The time that a close may take. A scope runs one finalizer after another, and each may wait for a silent node. So the time counts from
 * the first of them.
 */
export class Patience {
  private readonly now: () => number
  private readonly millis: number
  private waits = 0
  private since = 0
  private endedAt = Number.NEGATIVE_INFINITY

  constructor(now: () => number, millis: number) {
    this.now = now
    this.millis = millis
  }

  /**
   * Waits for an effect until the given part of the time is over, and says whether the effect ended. An effect that did not end is
   * interrupted. Work that has to go on runs in a fiber of its own.
   */
  wait(effect: Effect.Effect<unknown>, part = 1): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const now = this.now()
      if (this.waits === 0 && now - this.endedAt > togetherMillis) this.since = now
      this.waits += 1
      return Effect.ensuring(
        bounded(effect, this.since + this.millis * part - now),
        Effect.sync(() => {
          this.waits -= 1
          this.endedAt = this.now()
        })
      )
    })
  }
}

/** Waits for an effect for this many milliseconds at most, and says whether it ended. An effect that did not end is interrupted. */
export const bounded = (effect: Effect.Effect<unknown>, millis: number): Effect.Effect<boolean> =>
  Effect.map(Time.timeoutOption(Effect.interruptible(effect), Math.max(0, millis)), Option.isSome)
