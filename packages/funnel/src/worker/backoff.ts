/** When a job that failed is tried again. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"

/**
 * The wait after the last of `failures` failures, in milliseconds; none where the schedule has ended. The schedule is walked
 * through from its beginning, as a job may have failed in another process before.
 */
export const delayAfter = <In, R>(
  schedule: Schedule.Schedule<unknown, In, R>,
  failures: number,
  failure: In,
  firstAt: number,
  now: number
): Effect.Effect<Option.Option<number>, never, R> =>
  Effect.gen(function* () {
    let state: unknown = schedule.initial
    let delay = 0
    for (let i = 1; i <= failures; i++) {
      const at = i === 1 && failures > 1 ? firstAt : now
      const [next, , decision] = yield* schedule.step(at, failure, state)
      if (ScheduleDecision.isDone(decision)) return Option.none()
      state = next
      delay = Math.max(0, ScheduleIntervals.start(decision.intervals) - at)
    }
    return Option.some(delay)
  })
