import { DisquePool, JobQueue } from "@disco/core"
import { Recurring, Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Random, Schedule, Schema, TestClock } from "effect"
import { DiscoTest } from "../src/index.js"

const numbers = JobQueue.make("numbers", { payload: Schema.Number })

describe("time", () => {
  it.effect("advance has every retry run that is due meanwhile", () =>
    Effect.gen(function* () {
      const attempts: Array<number> = []
      yield* Worker.make(
        numbers,
        () =>
          Effect.zipRight(
            Effect.map(Clock.currentTimeMillis, (now) => attempts.push(now / 1000)),
            Effect.fail("no")
          ),
        { retry: Schedule.spaced("1 minute"), attempts: 4 }
      )
      yield* numbers.add(yield* DisquePool, 1)
      yield* DiscoTest.advance("10 minutes")
      assert.deepStrictEqual(attempts, [0, 60, 120, 180])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("TestClock.adjust does the same", () =>
    Effect.gen(function* () {
      const done: Array<number> = []
      yield* Worker.make(numbers, (n) =>
        Effect.zipRight(
          Effect.sleep("7 minutes"),
          Effect.sync(() => done.push(n))
        )
      )
      yield* numbers.add(yield* DisquePool, 1, { delay: "1 minute" })
      yield* TestClock.adjust("7 minutes")
      assert.deepStrictEqual(done, [])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(done, [1])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a working day has all its crons, heartbeats and jobs", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      yield* Effect.fork(
        Recurring.run(numbers, { cron: "*/5 * * * *", timeZone: "UTC", payload: Clock.currentTimeMillis })
      )
      yield* Worker.make(numbers, (n) =>
        Effect.zipRight(
          Effect.sleep("4 minutes"),
          Effect.sync(() => seen.push(n))
        )
      )
      yield* DiscoTest.advance("8 hours")
      assert.strictEqual(seen.length, 95)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("idle waits for all that needs no time, whatever it is made of", () =>
    Effect.gen(function* () {
      let turns = 0
      yield* Effect.fork(
        Effect.promise(async () => {
          for (; turns < 500; turns++) await undefined
        })
      )
      let yields = 0
      yield* Effect.fork(
        Effect.repeatN(
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => yields++)
          ),
          9999
        )
      )
      yield* DiscoTest.idle
      assert.deepStrictEqual([turns, yields], [500, 10_000])
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("run lets time pass until an effect ends", () =>
    Effect.gen(function* () {
      yield* DiscoTest.run(Effect.zipRight(Effect.sleep("3 weeks"), DiscoTest.advance("1 hour")))
      assert.strictEqual(yield* Clock.currentTimeMillis, (3 * 7 * 24 + 1) * 3_600_000)
      assert.strictEqual(yield* Effect.flip(DiscoTest.run(Effect.fail("no"))), "no")
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("fibers that wake at the same time run in the order in which they went to sleep", () =>
    Effect.gen(function* () {
      const woken: Array<number> = []
      for (const n of [1, 2, 3])
        yield* Effect.fork(
          Effect.delay(
            Effect.sync(() => woken.push(n)),
            "1 second"
          )
        )
      yield* DiscoTest.idle
      yield* Effect.fork(
        Effect.delay(
          Effect.sync(() => woken.push(0)),
          "999 millis"
        )
      )
      yield* DiscoTest.advance("1 second")
      assert.deepStrictEqual(woken, [0, 1, 2, 3])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a sleep that is interrupted wakes nobody", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.sleep("1 hour"))
      yield* DiscoTest.idle
      yield* Fiber.interrupt(fiber)
      const sleeping = yield* Deferred.make<void>()
      yield* Effect.fork(Effect.zipRight(Effect.sleep("2 hours"), Deferred.succeed(sleeping, undefined)))
      yield* DiscoTest.advance("2 hours")
      assert.isTrue(yield* Deferred.isDone(sleeping))
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a program that never rests is told so", () =>
    Effect.gen(function* () {
      const restless = yield* Effect.fork(Effect.forever(Effect.yieldNow()))
      const cause = yield* Effect.sandbox(DiscoTest.idle).pipe(Effect.flip)
      yield* Fiber.interrupt(restless)
      assert.include(String(cause), "the test does not come to rest")
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("the scope of a test closes by itself, though its handlers would go on for an hour", () =>
    Effect.gen(function* () {
      yield* Worker.make(numbers, () => Effect.sleep("1 hour"))
      yield* numbers.add(yield* DisquePool, 1)
      yield* DiscoTest.idle
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it("needs no test runner: any promise will do", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        yield* Effect.fork(Effect.delay(Effect.void, "1 hour"))
        yield* DiscoTest.advance("1 hour")
        assert.strictEqual(yield* Clock.currentTimeMillis, Date.parse("2026-03-29T01:30:00Z"))
      }).pipe(Effect.provide(DiscoTest.layer({ startAt: "2026-03-29T00:30:00Z" })))
    ))

  it.effect("chance and ids are the same in each run, and others with another seed", () =>
    Effect.gen(function* () {
      const draw = (seed?: string) =>
        Effect.all([Random.next, Effect.flatMap(DisquePool, (pool) => numbers.add(pool, 1))]).pipe(
          Effect.provide(DiscoTest.layer(seed === undefined ? {} : { seed }))
        )
      const [first, second, third] = [yield* draw(), yield* draw(), yield* draw("other")]
      assert.deepStrictEqual(first, second)
      assert.notDeepEqual(first, third)
    })
  )
})
