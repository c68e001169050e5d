/** When jobs are added: the ticks of a cron or of a schedule, one after the other. */
import { Time } from "@disco/core/internal"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import { stepSchedule } from "../internal/runtime.js"
import type { Calendar } from "./calendar.js"
import { Seen } from "./seen.js"

/** At a time of day, for as long as the tick lasts; or after a time, however the clock is set meanwhile. */
export type Tick =
  | { readonly _tag: "At"; readonly at: number; readonly lasts: number }
  | { readonly _tag: "After"; readonly millis: number }

export interface Ticks<R> {
  /**
   * The first tick after a time of day; none where no more come. `added` is what came of adding the last job: schedules ask for
   * it.
   */
  readonly next: (after: number, added: unknown) => Effect.Effect<Option.Option<Tick>, never, R>
  /** Says that the ticks after one time, until another, have been seen to. */
  readonly see: (after: number, until: number) => void
  /** The tick to wait for instead, now that the clock was set back. */
  readonly setBack: (tick: number, now: number) => number
}

/** The ticks of a cron: each once, wherever the clock is set. */
export const ofCalendar = (calendar: Calendar): Ticks<never> => {
  const seen = new Seen()
  const next = (after: number): number | undefined => {
    let from = after
    for (;;) {
      const at = calendar.next(from)
      const end = at === undefined ? undefined : seen.endAt(at)
      if (end === undefined) return at
      from = end
    }
  }
  return {
    next: (after) =>
      Effect.sync(() => Option.map(Option.fromNullable(next(after)), (at): Tick => ({ _tag: "At", at, lasts: 0 }))),
    see: (after, until) => seen.add(after, until),
    setBack: (tick, now) => next(now) ?? tick
  }
}

/**
 * The ticks of a schedule. What it wants to happen within a time that has an end is a matter of the calendar, as `Schedule.cron`;
 * what has none is an interval, as `Schedule.spaced`. Once it has wanted the former, it is asked for what comes after the last tick,
 * not after the job of that was added: so it tells what was missed.
 */
export const ofSchedule = <R>(schedule: Schedule.Schedule<unknown, unknown, R>, clock: Clock.Clock): Ticks<R> => {
  const steady = Time.steadyTimeOfDay(clock)
  let state: unknown = schedule.initial
  let isOfCalendar = false
  return {
    next: (after, added) =>
      Effect.suspend(() => {
        // An interval that reckons by the time of day, as `Schedule.fixed`, is not to be thrown off where that is set.
        const now = isOfCalendar ? after : steady()
        return Effect.map(stepSchedule(schedule, now, added, state), ({ end, isDone, start: at, state: next }) => {
          state = next
          if (isDone) return Option.none<Tick>()
          if (!Number.isFinite(end) || end <= now) return Option.some<Tick>({ _tag: "After", millis: at - now })
          isOfCalendar = true
          return Option.some<Tick>({ _tag: "At", at, lasts: end - at })
        })
      }),
    see: () => {},
    setBack: (tick) => tick
  }
}
