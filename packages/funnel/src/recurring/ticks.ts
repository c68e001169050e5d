/** The ticks of a cron or of a schedule: when jobs are added. */
import { Time } from "@disco/core/internal"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import { stepSchedule } from "../internal/runtime.js"
import type { Calendar } from "./calendar.js"
import { Seen } from "./seen.js"

/** A time of day, and how long the tick lasts; or a wait, which does not change if the clock is set meanwhile. */
export type Tick =
  | { readonly _tag: "At"; readonly at: number; readonly lasts: number }
  | { readonly _tag: "After"; readonly millis: number }

export interface Ticks<R> {
  /**
   * The first tick after a time of day, if there is one. `added` is the result of adding the last job, which is the input of a
   * schedule.
   */
  readonly next: (after: number, added: unknown) => Effect.Effect<Option.Option<Tick>, never, R>
  /** Notes that the ticks after one time, until another, have been handled. */
  readonly see: (after: number, until: number) => void
  /** The tick to wait for after the clock was set back. */
  readonly setBack: (tick: number, now: number) => number
}

/** The ticks of a cron: each once, however the clock is set. */
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
 * The ticks of a schedule. If a step of the schedule has an end, it goes by the calendar, as `Schedule.cron`; if it has none, it is an
 * interval, as `Schedule.spaced`. A schedule that goes by the calendar is asked for the tick after the last one, not for the tick after
 * the last job was added: so it shows which ticks were missed.
 */
export const ofSchedule = <R>(schedule: Schedule.Schedule<unknown, unknown, R>, clock: Clock.Clock): Ticks<R> => {
  const steady = Time.steadyTimeOfDay(clock)
  let state: unknown = schedule.initial
  let isOfCalendar = false
  return {
    next: (after, added) =>
      Effect.suspend(() => {
        // `Schedule.fixed` computes its intervals from the time of day, so it is given one that nobody sets.
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
