import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { afterFailures, beforeFirstFailure, nextFailure } from "../../src/worker/backoff.js"

/** The waits of a schedule, failure by failure. */
const waits = <E>(schedule: Schedule.Schedule<unknown, E>, failures: ReadonlyArray<E>) =>
  Effect.gen(function* () {
    let progress = beforeFirstFailure(schedule)
    const found: Array<number | undefined> = []
    let at = 0
    for (const failure of failures) {
      progress = yield* nextFailure(schedule, progress, failure, at)
      found.push(progress.delay)
      at += progress.delay ?? 0
    }
    return found
  })

describe.concurrent("the back-off", () => {
  it.effect("waits as the schedule says, and ends where the schedule does", () =>
    Effect.gen(function* () {
      const doubling = Schedule.exponential("1 second").pipe(Schedule.intersect(Schedule.recurs(3)))
      assert.deepStrictEqual(yield* waits(doubling, [1, 2, 3, 4]), [1000, 2000, 4000, undefined])
    })
  )

  it.effect("asks the schedule about each failure", () =>
    Effect.gen(function* () {
      const temporary = Schedule.spaced("1 second").pipe(Schedule.whileInput((error: string) => error === "busy"))
      assert.deepStrictEqual(yield* waits(temporary, ["busy", "busy", "refused"]), [1000, 1000, undefined])
    })
  )

  it.effect("goes on from where this worker got, by one step", () =>
    Effect.gen(function* () {
      let steps = 0
      const counted = Schedule.exponential("1 second").pipe(Schedule.tapInput(() => Effect.sync(() => steps++)))
      const first = yield* afterFailures(counted, 1, "no", 0, 0, undefined)
      const second = yield* afterFailures(counted, 2, "no", 0, 1000, first)
      assert.deepStrictEqual([first.delay, second.delay, steps], [1000, 2000, 2])
    })
  )

  it.effect("walks through the failures that other processes saw", () =>
    Effect.gen(function* () {
      const progress = yield* afterFailures(Schedule.exponential("1 second"), 4, "no", 0, 7000, undefined)
      assert.deepStrictEqual([progress.failures, progress.delay], [4, 8000])
    })
  )

  it.effect("has ended if the schedule ends before the last failure", () =>
    Effect.gen(function* () {
      const progress = yield* afterFailures(Schedule.recurs(2), 5, "no", 0, 0, undefined)
      assert.isUndefined(progress.delay)
    })
  )
})
