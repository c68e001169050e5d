import { Timekeeper } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"

describe.concurrent("a timekeeper", () => {
  it.effect("misses nothing that becomes due before the fiber that waits for it has begun", () =>
    Effect.gen(function* () {
      const ticks: Array<number> = []
      let due = 30_000
      let isFirst = true
      const timekeeper = new Timekeeper(
        () => {
          if (isFirst) {
            isFirst = false
            queueMicrotask(() => {
              due = 300
              timekeeper.expect(due)
            })
          }
          return due
        },
        (now) => {
          ticks.push(now)
          due = Number.POSITIVE_INFINITY
        }
      )
      yield* Effect.fork(timekeeper.run)
      yield* TestClock.adjust(300)
      assert.deepStrictEqual(ticks, [300])
    })
  )
})
