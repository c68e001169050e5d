/** When a job that failed is tried again. */
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"

/** How far a schedule has got with the failures of a job. */
export interface Progress {
  readonly failures: number
  readonly state: unknown
  /** The wait after the last failure, in milliseconds; none where the schedule has ended. */
  readonly delay: number | undefined
}

/** Before the first failure. */
export const start = <In, R>(schedule: Schedule.Schedule<unknown, In, R>): Progress => ({
  failures: 0,
  state: schedule.initial,
  delay: 0
})

/** After one more failure, at the time given in milliseconds since 1970. */
export const step = <In, R>(
  schedule: Schedule.Schedule<unknown, In, R>,
  { failures, state }: Progress,
  failure: In,
  at: number
): Effect.Effect<Progress, never, R> =>
  Effect.map(schedule.step(at, failure, state), ([next, , decision]) => ({
    failures: failures + 1,
    state: next,
    delay: ScheduleDecision.isDone(decision) ? undefined : Math.max(0, ScheduleIntervals.start(decision.intervals) - at)
  }))

/**
 * After the last of `failures` failures. Where the ones before were not seen here, the schedule is walked through as if they had
 * been this one, the first of them at `firstAt`.
 */
export const advance = <In, R>(
  schedule: Schedule.Schedule<unknown, In, R>,
  failures: number,
  failure: In,
  firstAt: number,
  now: number,
  known: Progress | undefined
): Effect.Effect<Progress, never, R> =>
  Effect.suspend(() => {
    let progress = known !== undefined && known.failures === failures - 1 ? known : start(schedule)
    const walk = Effect.whileLoop({
      while: () => progress.failures < failures && progress.delay !== undefined,
      body: () => step(schedule, progress, failure, progress.failures === 0 && failures > 1 ? firstAt : now),
      step: (next) => {
        progress = next
      }
    })
    return Effect.map(walk, () => progress)
  })
