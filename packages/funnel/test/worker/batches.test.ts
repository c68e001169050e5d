import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, known, numbers } from "../utils/jobs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

describe.concurrent("batches", () => {
  it.effect("are as full as they can be, and each job has a result of its own", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(7)
      const sizes: Array<number> = []
      yield* Worker.makeBatch(
        numbers,
        (jobs) => {
          sizes.push(jobs.length)
          return Effect.succeed(
            jobs.map(({ payload }) => (payload.n === 3 ? Either.left("no") : Either.right(payload.n)))
          )
        },
        { size: 5, within: "100 millis", attempts: 1 }
      )
      yield* pass("100 millis")
      yield* pass("100 millis")
      assert.deepStrictEqual(sizes, [5, 2])
      assert.strictEqual(yield* known(ids), 0)
      const letters = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        letters.map(({ letter }) => letter.body),
        ['{"n":3}']
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("whose handler gives too few results have failed for the jobs without one", () =>
    Effect.gen(function* () {
      yield* addAll(2)
      yield* Worker.makeBatch(numbers, () => Effect.succeed([Either.right(undefined)]), { attempts: 1, size: 2 })
      yield* settle
      const letters = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        letters.map(({ letter }) => letter.error),
        ["the handler gave no result for this job"]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
