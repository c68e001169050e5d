/**
 * Durations as they pass: measured by a clock that only goes forward, and waited for however long they are.
 *
 * The time of day jumps when somebody sets the clock, so no duration is measured by it. Timers of the platform end at 2³¹ ms, 25
 * days: Effect's live clock never wakes from a longer sleep. All of this is the `Clock` at hand, so that `TestClock` moves it.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

// A timer of JavaScript holds no more than 2³¹ - 1 ms.
const longestMillis = 2 ** 30

/** Milliseconds on a clock that never goes back; its zero says nothing. Only differences between two of them mean something. */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

/** `Effect.sleep` for any time, in milliseconds; for ever where that is Infinity. */
export const sleep = (millis: number): Effect.Effect<void> => {
  if (millis <= longestMillis) return Effect.sleep(Math.max(0, millis))
  return Effect.flatMap(Effect.clock, (clock) => {
    const until = monotonicMillis(clock) + millis
    const wait: Effect.Effect<void> = Effect.suspend(() => {
      const left = until - monotonicMillis(clock)
      return left <= 0 ? Effect.void : Effect.zipRight(Effect.sleep(Math.min(left, longestMillis)), wait)
    })
    return wait
  })
}

/** `Effect.timeoutOption` for any time, in milliseconds. */
export const timeoutOption = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  millis: number
): Effect.Effect<Option.Option<A>, E, R> =>
  millis <= longestMillis
    ? Effect.timeoutOption(effect, millis)
    : Effect.raceFirst(Effect.asSome(effect), Effect.as(sleep(millis), Option.none()))

/** A clock whose sleeps may be of any length. */
const unbounded = (clock: Clock.Clock): Clock.Clock => ({
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
  unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
  currentTimeMillis: clock.currentTimeMillis,
  currentTimeNanos: clock.currentTimeNanos,
  sleep: (duration) => Effect.withClock(sleep(Duration.toMillis(duration)), clock)
})

/**
 * Runs an effect whose sleeps may be of any length: what waits as a `Schedule` says (`Effect.retry`, the `next` of a driver). Code
 * of a user is not to be run so: under `TestClock` it would not find that.
 */
export const withLongSleeps = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.clock, (clock) => Effect.withClock(effect, unbounded(clock)))
