/** When a job that failed is tried again: the schedule of the retries, walked one failure at a time. */
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import { stepSchedule } from "../internal/runtime.js"

/** How far a schedule has got with the failures of a job. */
export interface RetryProgress {
  readonly failures: number
  /** The state of the schedule. */
  readonly state: unknown
  /** The wait after the last failure, in milliseconds; undefined if the schedule has ended. */
  readonly delay: number | undefined
}

/** Where a schedule begins. */
export const beforeFirstFailure = <In, R>(schedule: Schedule.Schedule<unknown, In, R>): RetryProgress => ({
  failures: 0,
  state: schedule.initial,
  delay: 0
})

/** Walks a schedule by one failure, at the time given in milliseconds since 1970. */
export const nextFailure = <In, R>(
  schedule: Schedule.Schedule<unknown, In, R>,
  { failures, state }: RetryProgress,
  failure: In,
  at: number
): Effect.Effect<RetryProgress, never, R> =>
  Effect.map(stepSchedule(schedule, at, failure, state), ({ isDone, start, state }) => ({
    failures: failures + 1,
    state,
    delay: isDone ? undefined : Math.max(0, start - at)
  }))

/**
 * Walks a schedule to the last of `failures` failures, from `known` if that is the failure before. If this worker did not see the
 * failures before, the schedule is walked from the beginning as if each of them had been this failure, the first at `firstAt`.
 */
export const afterFailures = <In, R>(
  schedule: Schedule.Schedule<unknown, In, R>,
  failures: number,
  failure: In,
  firstAt: number,
  now: number,
  known: RetryProgress | undefined
): Effect.Effect<RetryProgress, never, R> =>
  Effect.suspend(() => {
    let progress = known !== undefined && known.failures === failures - 1 ? known : beforeFirstFailure(schedule)
    const walk = Effect.whileLoop({
      while: () => progress.failures < failures && progress.delay !== undefined,
      body: () => nextFailure(schedule, progress, failure, progress.failures === 0 && failures > 1 ? firstAt : now),
      step: (next) => {
        progress = next
      }
    })
    return Effect.map(walk, () => progress)
  })
