import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** A clock on which time passes only while it is read: each command of an embedded node takes one step. */
export class SteppingClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  /** In µs since 1970. */
  micros = 1_800_000_000_000_000
  /** How many µs a read takes. */
  step = 0
  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  unsafeCurrentTimeMillis(): number {
    return Math.floor(this.micros / 1000)
  }

  unsafeCurrentTimeNanos(): bigint {
    const now = this.micros
    this.micros += this.step
    return BigInt(now) * 1000n
  }

  sleep(): Effect.Effect<void> {
    return Effect.never
  }
}
