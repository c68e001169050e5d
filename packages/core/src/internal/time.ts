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

// Nanoseconds since 1970 are more than a number holds exactly. Parts of a millisecond that are so large are exact: whole
// milliseconds, as `TestClock` has them, stay whole, and so do the sums and differences of them.
const partsOfMilli = 256

/**
 * Milliseconds, with a fraction, on a clock that never goes back. Its zero says nothing: only differences between two of them
 * mean something. A timer may go off up to 2 ms early by this clock, so that who waits until a time has to look at it again.
 */
export const monotonicMillis = (clock: Clock.Clock): number =>
  Math.round((Number(clock.unsafeCurrentTimeNanos()) / 1e6) * partsOfMilli) / partsOfMilli

/**
 * The time of day, in whole milliseconds since 1970, as it is now and goes on as time passes, whatever is done to the clock
 * meanwhile: for what measures durations by the time of day that it tells.
 */
export const steadyTimeOfDay = (clock: Clock.Clock): (() => number) => {
  const zero = clock.unsafeCurrentTimeMillis() - monotonicMillis(clock)
  return () => Math.floor(zero + monotonicMillis(clock))
}

/** `Effect.sleep` for any time, in milliseconds; for ever where that is Infinity. */
export const sleep = (millis: number): Effect.Effect<void> => {
  if (millis <= longestMillis) return Effect.sleep(Math.max(0, millis))
  // Timers of the platform follow no time of day either.
  return Effect.zipRight(
    Effect.sleep(longestMillis),
    Effect.suspend(() => sleep(millis - longestMillis))
  )
}

/** `Effect.timeoutOption` for any time, in milliseconds. */
export const timeoutOption = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  millis: number
): Effect.Effect<Option.Option<A>, E, R> =>
  millis <= longestMillis
    ? Effect.timeoutOption(effect, millis)
    : // As the wait of `Effect.timeoutOption`, it can be interrupted where the effect cannot.
      Effect.raceFirst(Effect.asSome(effect), Effect.interruptible(Effect.as(sleep(millis), Option.none())))

/**
 * The clock for a series of attempts, from the first of them on: sleeps may be of any length, and the time of day goes on as time
 * passes. A `Schedule` that ends after a minute (`upTo`, `elapsed`) reckons by the time of day, and would end at once or never
 * where that is set. Code of a user is not to be run with it: under `TestClock` it would not find that.
 */
export const clockOfAttempts = (clock: Clock.Clock): Clock.Clock => {
  const timeOfDay = steadyTimeOfDay(clock)
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: timeOfDay,
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: Effect.sync(timeOfDay),
    currentTimeNanos: clock.currentTimeNanos,
    sleep: (duration) => Effect.withClock(sleep(Duration.toMillis(duration)), clock)
  }
}
