import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Either, Exit, FastCheck, Fiber, Option, Scope } from "effect"
import { Worker } from "../../src/index.js"
import { addAll, numbers } from "../utils/jobs.js"
import { makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, passIn, settle } from "../utils/time.js"

/** The most beginnings within any interval: from each of them on. */
const densest = (times: ReadonlyArray<number>, interval: number): number =>
  Math.max(0, ...times.map((from) => times.filter((time) => time >= from && time < from + interval).length))

const begin = (times: Array<number>) => Effect.map(Clock.currentTimeMillis, (now) => times.push(now))

describe.concurrent("a rate", () => {
  it.effect("lets as many jobs begin within any interval as the limit says, and no more", () =>
    Effect.gen(function* () {
      yield* addAll(60)
      const times: Array<number> = []
      yield* Worker.make(numbers, () => begin(times), { rateLimit: { limit: 10, interval: "2 seconds" }, grace: 0 })
      yield* settle
      assert.lengthOf(times, 10)
      yield* passIn(110, "100 millis")
      assert.strictEqual(densest(times, 2000), 10)
      assert.lengthOf(times, 60)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect.prop(
    "holds for any limit, concurrency, batch and arrival of jobs",
    [
      FastCheck.integer({ min: 1, max: 7 }),
      FastCheck.integer({ min: 1, max: 5 }),
      FastCheck.integer({ min: 1, max: 4 }),
      FastCheck.array(
        FastCheck.tuple(FastCheck.integer({ min: 0, max: 8 }), FastCheck.integer({ min: 1, max: 1500 })),
        {
          minLength: 1,
          maxLength: 8
        }
      )
    ],
    ([limit, concurrency, size, arrivals]) =>
      Effect.gen(function* () {
        const times: Array<number> = []
        yield* Worker.makeBatch(
          numbers,
          (jobs) =>
            Effect.as(
              Effect.zipRight(
                Effect.forEach(jobs, () => begin(times)),
                Effect.sleep("70 millis")
              ),
              jobs.map(() => Either.right(0))
            ),
          { size, concurrency, rateLimit: { limit, interval: "1 second" }, grace: 0 }
        )
        let added = 0
        for (const [jobs, wait] of arrivals) {
          yield* addAll(jobs)
          added += jobs
          yield* pass(wait)
        }
        yield* passIn(2 * Math.ceil(added / limit) + 2, "1050 millis")
        assert.isAtMost(densest(times, 1000), limit)
        assert.lengthOf(times, added)
      }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer)),
    { fastCheck: { numRuns: 25 }, timeout: 60_000 }
  )

  it.effect("keeps no jobs that may not begin yet from others, and closes at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(10)
      const scope = yield* Scope.make()
      yield* Scope.extend(
        Worker.make(numbers, () => Effect.void, {
          concurrency: 4,
          prefetch: 0,
          rateLimit: { limit: 2, interval: "1 hour" }
        }),
        scope
      )
      yield* pass("1 second")
      assert.strictEqual(yield* pool.queueLength("numbers"), 8)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* pass("3 seconds")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      assert.strictEqual(yield* pool.queueLength("numbers"), 8)
    }).pipe(Effect.provide(layer))
  )
})

describe.concurrent("a batch", () => {
  const sized = (batches: Array<readonly [number, number]>) => (jobs: ReadonlyArray<unknown>) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      batches.push([now, jobs.length])
      return jobs.map(() => Either.right(0))
    })

  it.effect("begins as soon as it is full", () =>
    Effect.gen(function* () {
      const batches: Array<readonly [number, number]> = []
      yield* Worker.makeBatch(numbers, sized(batches), { size: 10, within: "3 seconds" })
      yield* addAll(1)
      yield* pass("300 millis")
      yield* addAll(29)
      yield* settle
      assert.deepStrictEqual(batches, [
        [300, 10],
        [300, 10],
        [300, 10]
      ])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that is not full begins when its time is over, with what there is", () =>
    Effect.gen(function* () {
      const batches: Array<readonly [number, number]> = []
      yield* Worker.makeBatch(numbers, sized(batches), { size: 10, within: "3 seconds" })
      yield* addAll(2)
      yield* pass("2 seconds")
      yield* addAll(2)
      yield* passIn(3, "500 millis")
      assert.deepStrictEqual(batches, [[3000, 4]])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  for (const prefetch of [0, 1, 20]) {
    it.effect(`that has begun is filled before another one is, with a prefetch of ${prefetch}`, () =>
      Effect.gen(function* () {
        const batches: Array<readonly [number, number]> = []
        yield* Worker.makeBatch(numbers, sized(batches), { size: 5, concurrency: 3, within: "10 seconds", prefetch })
        for (let i = 0; i < 10; i++) {
          yield* addAll(1)
          yield* pass("100 millis")
        }
        assert.deepStrictEqual(
          batches.map(([, size]) => size),
          [5, 5]
        )
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  it.effect("that waits for more when the worker closes goes back untried", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const batches: Array<readonly [number, number]> = []
      const scope = yield* Scope.make()
      yield* Scope.extend(Worker.makeBatch(numbers, sized(batches), { size: 5, within: "1 hour" }), scope)
      yield* addAll(3)
      yield* pass("1 second")
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* passIn(4, "1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      assert.deepStrictEqual(batches, [])
      assert.strictEqual(yield* pool.queueLength("numbers"), 3)
    }).pipe(Effect.provide(layer))
  )
})
