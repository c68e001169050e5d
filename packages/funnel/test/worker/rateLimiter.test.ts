import { Time } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FastCheck, Fiber, TestClock } from "effect"
import { FiberPermits, RateLimiter } from "../../src/worker/rateLimiter.js"
import { pass } from "../utils/time.js"

const make = (limit: number, intervalMillis: number) =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const runtime = yield* Effect.runtime<never>()
    return new RateLimiter(limit, intervalMillis, {
      now: () => Time.monotonicMillis(clock),
      fork: (effect) => Effect.runFork(Effect.provide(effect, runtime))
    })
  })

const unmasked = <A, E, R>(take: Effect.Effect<A, E, R>) => take

describe.concurrent("a rate limiter", () => {
  it.effect("gives as many permits as its limit, and gives a used one again after the interval", () =>
    Effect.gen(function* () {
      const limiter = yield* make(3, 1000)
      assert.strictEqual(limiter.takeNow(5), 3)
      limiter.use(2)
      yield* TestClock.adjust("500 millis")
      limiter.use(1)
      assert.strictEqual(limiter.takeNow(5), 0)
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(limiter.takeNow(5), 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(limiter.takeNow(5), 2)
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(limiter.takeNow(5), 1)
    })
  )

  it.effect("gives a permit that was not used again at once", () =>
    Effect.gen(function* () {
      const limiter = yield* make(2, 1000)
      assert.strictEqual(limiter.takeNow(2), 2)
      limiter.giveBack(1)
      assert.strictEqual(limiter.takeNow(2), 1)
    })
  )

  it.effect("serves those that wait in their order, as permits come back", () =>
    Effect.gen(function* () {
      const limiter = yield* make(1, 1000)
      limiter.takeNow(1)
      const served: Array<string> = []
      for (const name of ["first", "second"]) {
        yield* Effect.fork(
          Effect.map(limiter.take(unmasked), () => {
            served.push(name)
            limiter.use(1)
          })
        )
      }
      yield* pass(0)
      assert.deepStrictEqual(served, [])
      limiter.use(1)
      yield* pass("1001 millis")
      assert.deepStrictEqual(served, ["first"])
      yield* pass("1001 millis")
      assert.deepStrictEqual(served, ["first", "second"])
    })
  )

  it.effect("gives no permit to a fiber that was interrupted", () =>
    Effect.gen(function* () {
      const limiter = yield* make(1, 1000)
      limiter.takeNow(1)
      const waiting = yield* Effect.fork(limiter.take(unmasked))
      yield* pass(0)
      yield* Fiber.interrupt(waiting)
      limiter.giveBack(1)
      assert.strictEqual(limiter.takeNow(1), 1)
    })
  )

  it.effect("ends all waits when it closes", () =>
    Effect.gen(function* () {
      const limiter = yield* make(1, 1000)
      limiter.takeNow(1)
      const waiting = yield* Effect.fork(limiter.take(unmasked))
      yield* pass(0)
      limiter.close()
      assert.deepStrictEqual(yield* Fiber.await(waiting), Exit.succeed(0))
      assert.strictEqual(yield* limiter.take(unmasked), 0)
    })
  )

  it.effect.prop(
    "lets no more begin within any interval than its limit, and as many in the long run",
    [
      FastCheck.integer({ min: 1, max: 5 }),
      FastCheck.array(
        FastCheck.tuple(FastCheck.integer({ min: 0, max: 6 }), FastCheck.integer({ min: 0, max: 1500 })),
        {
          minLength: 1,
          maxLength: 30
        }
      )
    ],
    ([limit, turns]) =>
      Effect.gen(function* () {
        const limiter = yield* make(limit, 1000)
        const times: Array<number> = []
        let now = 0
        for (const [wanted, wait] of turns) {
          const taken = limiter.takeNow(wanted)
          limiter.use(taken)
          for (let i = 0; i < taken; i++) times.push(now)
          // A permit is back one millisecond after the interval.
          const within = times.filter((time) => time >= now - 1000).length
          assert.isTrue(within === limit || taken === wanted || within > limit - wanted, `${within} of ${limit}`)
          now += wait
          yield* TestClock.adjust(wait)
        }
        for (const from of times) {
          assert.isAtMost(times.filter((time) => time >= from && time < from + 1000).length, limit)
        }
      })
  )
})

describe.concurrent("the permits of a fiber", () => {
  it.effect("are used for the jobs that begin, and the others go back", () =>
    Effect.gen(function* () {
      const limiter = yield* make(5, 1000)
      const permits = new FiberPermits(limiter)
      permits.takeNow(4)
      permits.takeNow(3)
      assert.strictEqual(permits.count, 4)
      permits.use(1)
      assert.strictEqual(permits.count, 0)
      assert.strictEqual(limiter.takeNow(5), 4)
    })
  )

  it.effect("are kept up to a number", () =>
    Effect.gen(function* () {
      const limiter = yield* make(5, 1000)
      const permits = new FiberPermits(limiter)
      permits.takeNow(5)
      permits.keep(1)
      assert.strictEqual(permits.count, 1)
      assert.strictEqual(limiter.takeNow(5), 4)
    })
  )
})
