/**
 * Measuring durations by a clock that only goes forward, and waiting for durations of any length.
 *
 * The time of day jumps when somebody sets the clock, so no duration is measured by the time of day. Timers of the platform end at
 * 2³¹ ms, which is 25 days: Effect's live clock never wakes from a longer sleep. All functions use the current `Clock`, so that
 * `TestClock` moves them.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

// A timer of JavaScript holds no more than 2³¹ - 1 ms.
const longestMillis = 2 ** 30

// A number cannot hold nanoseconds since 1970 exactly. Rounded to 256ths of a millisecond, they are exact: whole milliseconds, as
// `TestClock` has them, stay whole, and so do their sums and differences.
const partsOfMilli = 256

/**
 * Milliseconds, with a fraction, on a clock that never goes back. Only the difference between two values has a meaning, because the
 * clock starts anywhere. A timer may go off up to 2 ms early by this clock: code that waits until a time has to look at the clock
 * again.
 */
export const monotonicMillis = (clock: Clock.Clock): number =>
  Math.round((Number(clock.unsafeCurrentTimeNanos()) / 1e6) * partsOfMilli) / partsOfMilli

// A number holds microseconds since 1970 exactly.
const monotonicMicros = (clock: Clock.Clock): number => Math.round(Number(clock.unsafeCurrentTimeNanos()) / 1000)

/**
 * Gives a time of day, in whole microseconds since 1970, that starts at the current time and goes on as time passes, even if
 * somebody sets the clock: for code that tells a time of day and measures durations by it.
 */
export const steadyMicrosOfDay = (clock: Clock.Clock): (() => number) => {
  const zero = clock.unsafeCurrentTimeMillis() * 1000 - monotonicMicros(clock)
  return () => zero + monotonicMicros(clock)
}

/** The same in whole milliseconds. */
export const steadyTimeOfDay = (clock: Clock.Clock): (() => number) => {
  const micros = steadyMicrosOfDay(clock)
  return () => Math.floor(micros() / 1000)
}

/** `Effect.sleep` for a time of any length, in milliseconds; Infinity sleeps forever. */
export const sleep = (millis: number): Effect.Effect<void> => {
  if (millis <= longestMillis) return Effect.sleep(Math.max(0, millis))
  // Several shorter sleeps make a long one: timers of the platform do not follow the time of day either.
  return Effect.zipRight(
    Effect.sleep(longestMillis),
    Effect.suspend(() => sleep(millis - longestMillis))
  )
}

/** `Effect.timeoutOption` for a time of any length, in milliseconds. */
export const timeoutOption = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  millis: number
): Effect.Effect<Option.Option<A>, E, R> =>
  millis <= longestMillis
    ? Effect.timeoutOption(effect, millis)
    : // Like the wait of `Effect.timeoutOption`, this wait can be interrupted even if the effect cannot.
      Effect.raceFirst(Effect.asSome(effect), Effect.interruptible(Effect.as(sleep(millis), Option.none())))

/**
 * The clock for a series of attempts, from the first attempt on. Sleeps may be of any length, and the time of day goes on as time
 * passes. A `Schedule` that ends after a minute (`upTo`, `elapsed`) measures by the time of day: with another clock it would end at
 * once or never when somebody sets the clock. Do not run a user's code with this clock: under `TestClock`, that code would not find
 * the `TestClock`.
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
