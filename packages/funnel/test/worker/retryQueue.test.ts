import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Schedule } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, left, numbers } from "../utils/jobs.js"
import { makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, passIn, settle } from "../utils/time.js"
import { reasons } from "./utils.js"

describe.concurrent("a restart while jobs wait here for their next attempt", () => {
  const failing =
    (attempts: Array<number>) =>
    (_: unknown, { attempt }: Worker.JobInHand) =>
      Effect.zipRight(
        Effect.sync(() => attempts.push(attempt)),
        Effect.fail("no")
      )

  it.effect("forgets no attempt, and they wait no longer for it", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const attempts: Array<number> = []
      const options = { retry: Schedule.spaced("5 seconds"), attempts: 4 }
      yield* Effect.scoped(Effect.zipRight(Worker.make(numbers, failing(attempts), options), pass("2 seconds")))
      assert.deepStrictEqual(attempts, [1])
      yield* Effect.scoped(Effect.zipRight(Worker.make(numbers, failing(attempts), options), pass("4 seconds")))
      assert.deepStrictEqual(attempts, [1, 2])
    }).pipe(Effect.provide(layer))
  )

  it.effect("is what a pause is to them too", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const pool = yield* DisquePool
      const attempts: Array<number> = []
      const worker = yield* Worker.make(numbers, failing(attempts), {
        retry: Schedule.spaced("5 seconds"),
        attempts: 3
      })
      for (let i = 0; i < 5; i++) {
        yield* pass("1 second")
        const pausing = yield* Effect.fork(worker.pause)
        yield* passIn(6, "1 second")
        assert.isTrue(Option.isSome(yield* Fiber.poll(pausing)))
        // It waits where others can have it.
        if (i === 0) assert.strictEqual(yield* pool.queueLength("numbers.retry"), 1)
        yield* worker.resume
        yield* settle
      }
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.deepStrictEqual(yield* reasons, ["failed"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("at any moment of a hundred jobs, over and over, gives each its attempts and no more", () =>
    Effect.gen(function* () {
      yield* addAll(100)
      const attempts = new Map<number, Array<number>>()
      const handler = ({ n }: { readonly n: number }, { attempt }: Worker.JobInHand) =>
        Effect.zipRight(
          Effect.sync(() => attempts.set(n, [...(attempts.get(n) ?? []), attempt])),
          Effect.fail("no")
        )
      for (let i = 0; i < 40; i++) {
        yield* Effect.scoped(
          Effect.zipRight(
            Worker.make(numbers, handler, { concurrency: 4, retry: Schedule.spaced("3 seconds"), attempts: 4 }),
            pass(1 + ((i * 731) % 2900))
          )
        )
      }
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, handler, { concurrency: 4, retry: Schedule.spaced("3 seconds"), attempts: 4 }),
          passIn(30, "1 second")
        )
      )
      assert.strictEqual(attempts.size, 100)
      for (const tries of attempts.values()) assert.deepStrictEqual(tries, [1, 2, 3, 4])
      assert.lengthOf(yield* reasons, 100)
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})

it.effect("what is no letter in the queue of the retries goes where DeadLetter looks", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* pool.addJob("numbers.retry", "no letter")
    yield* pool.addJob("numbers.retry", JSON.stringify({ queue: "elsewhere" }))
    yield* Worker.make(numbers, () => Effect.void)
    yield* settle
    assert.deepStrictEqual(
      (yield* DeadLetter.list(numbers)).map(({ letter }) => [letter.queue, letter.reason]),
      [
        ["numbers.retry", "undecodable"],
        ["numbers.retry", "undecodable"]
      ]
    )
    assert.lengthOf(yield* left("numbers.retry.dead"), 0)
  }).pipe(Effect.scoped, Effect.provide(layer))
)

describe.concurrent("a queue of the retries that refuses jobs", () => {
  const refusing = Effect.flatMap(DisquePool, (pool) => pool.pause("numbers.retry", "in"))

  it.effect("keeps no job from its own queue, and costs it nothing", () =>
    Effect.gen(function* () {
      yield* addAll(30)
      yield* refusing
      const worker = yield* Worker.make(numbers, ({ n }) => (n === 0 ? Effect.never : Effect.sleep("100 millis")), {
        crashes: 0,
        concurrency: 2,
        grace: 0
      })
      yield* settle
      const pool = yield* DisquePool
      const pausing = yield* Effect.fork(worker.pause)
      yield* passIn(10, "1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(pausing)))
      yield* worker.resume
      yield* passIn(10, "1 second")
      assert.deepStrictEqual(yield* reasons, [])
      assert.strictEqual(yield* pool.queueLength("numbers"), 0)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("loses no job that is delivered once and was not begun, while its worker lives", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let n = 0; n < 4; n++) yield* numbers.add(pool, { n }, { retry: 0 })
      yield* refusing
      const begun: Array<number> = []
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.zipRight(
            Effect.sync(() => begun.push(n)),
            Effect.sleep(n === 0 ? "3 minutes" : 0)
          ),
        { grace: 0 }
      )
      yield* passIn(20, "10 seconds")
      assert.deepStrictEqual(begun.sort(), [0, 1, 2, 3])
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("does not make a restart forget the attempts of a job that waits here", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      yield* refusing
      const attempts: Array<number> = []
      const once = Effect.scoped(
        Effect.zipRight(
          Worker.make(
            numbers,
            (_, { attempt }) =>
              Effect.zipRight(
                Effect.sync(() => attempts.push(attempt)),
                Effect.fail("no")
              ),
            { retry: Schedule.spaced("5 seconds"), attempts: 3 }
          ),
          pass("1 second")
        )
      )
      const three = yield* Effect.fork(Effect.zipRight(once, Effect.zipRight(once, once)))
      yield* passIn(20, "1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(three)))
      assert.deepStrictEqual(attempts, [1, 2, 3])
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})
