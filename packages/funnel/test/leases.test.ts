import { DisquePool, JobQueue } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Schedule, Schema, Stream, TestClock } from "effect"
import { DeadLetter, Funnel, Worker } from "../src/index.js"
import { known, layer, logged, pass, passIn, settle } from "./utils.js"

const queue = JobQueue.make("old", { payload: Schema.Number })

/** Ways in which half of the TTL of a job goes before its handler begins. */
const ways: ReadonlyArray<readonly [string, Effect.Effect<string, unknown, DisquePool>]> = [
  [
    "waited behind a backlog",
    Effect.flatMap(DisquePool, (pool) =>
      Effect.zipLeft(queue.add(pool, 1, { ttl: "1 day", retry: "2 hours" }), pass("13 hours"))
    )
  ],
  [
    "was delayed",
    Effect.flatMap(DisquePool, (pool) =>
      Effect.zipLeft(pool.addJob("old", "1", { ttl: "3 days", delay: "2 days", retry: "5 minutes" }), pass("2 days"))
    )
  ],
  [
    "has a short TTL",
    Effect.flatMap(DisquePool, (pool) =>
      Effect.zipLeft(queue.add(pool, 1, { ttl: "20 seconds", retry: "5 seconds" }), pass("11 seconds"))
    )
  ]
]

describe("a job of which half of the TTL has gone", () => {
  for (const [way, add] of ways) {
    it.effect(`as it ${way} is handled to its end by a worker`, () =>
      Effect.gen(function* () {
        const id = yield* add
        let begun = 0
        let done = 0
        const handler = () =>
          Effect.gen(function* () {
            begun += 1
            yield* Effect.sleep("2 seconds")
            done += 1
          })
        const lines = yield* logged(
          Effect.scoped(Effect.zipRight(Worker.make(queue, handler, { grace: 0 }), passIn(20, "1 second")))
        )
        assert.deepStrictEqual([begun, done], [1, 1])
        assert.deepStrictEqual(lines, [])
        assert.strictEqual(yield* known([id]), 0)
      }).pipe(Effect.provide(layer))
    )

    it.effect(`as it ${way} is handled to its end by a funnel`, () =>
      Effect.gen(function* () {
        const id = yield* add
        const done: Array<string> = []
        const funnel = yield* Funnel.make({ queues: "old" })
        const consumer = yield* Effect.fork(
          Stream.runForEach(funnel.incoming, (job) =>
            job.guard(Effect.sleep("2 seconds")).pipe(Effect.zipRight(Effect.sync(() => done.push(job.id))))
          )
        )
        yield* passIn(20, "1 second")
        assert.deepStrictEqual(done, [id])
        assert.strictEqual(yield* known([id]), 0)
        assert.isTrue(Option.isNone(yield* Fiber.poll(consumer)))
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  it.effect("is taken from its handler once its next delivery is due, and not before", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* queue.add(pool, 1, { ttl: "1 hour", retry: "2 minutes" })
      const lost: Array<number> = []
      const started = yield* Effect.clock
      const handler = () =>
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => lost.push(started.unsafeCurrentTimeMillis() / 1000)))
      yield* Worker.make(queue, handler, { grace: 0 })
      yield* passIn(29, "1 minute")
      // Renewed every minute, for the last time shortly before half of the TTL is over.
      assert.deepStrictEqual(lost, [])
      yield* passIn(180, "1 second")
      assert.lengthOf(lost, 1)
      assert.isAtLeast(lost[0] ?? 0, 30 * 60)
      assert.isAtMost(lost[0] ?? 0, 32 * 60)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("keeps its attempts where it cannot be kept for its next one", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* queue.add(pool, 1, { ttl: "1 minute", retry: "3 seconds" })
      yield* passIn(40, "1 second")
      const attempts: Array<number> = []
      const fail = (_: number, { attempt }: Worker.JobInHand) =>
        Effect.zipRight(
          Effect.sync(() => attempts.push(attempt)),
          Effect.fail("no")
        )
      yield* Worker.make(queue, fail, { retry: Schedule.spaced("5 seconds"), attempts: 3, grace: 0 })
      yield* passIn(20, "1 second")
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.deepStrictEqual(
        (yield* DeadLetter.list(queue)).map(({ letter }) => [letter.reason, letter.attempts]),
        [["failed", 3]]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that was only ever delayed by its queue leaves half of a day and more for its handler", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let done = 0
      yield* Worker.make(
        queue,
        () =>
          Effect.zipRight(
            Effect.sleep("6 hours"),
            Effect.sync(() => done++)
          ),
        { grace: 0 }
      )
      yield* queue.add(pool, 1, { delay: "6 days", retry: "10 minutes" })
      yield* pass("6 days")
      yield* passIn(6 * 12 + 1, "5 minutes")
      assert.strictEqual(done, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

it.effect("a job that is delivered again while its handler runs is lost there, and handled anew", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const id = yield* queue.add(pool, 1, { retry: "1 minute" })
    const ends: Array<string> = []
    let begun = 0
    const handler = () =>
      Effect.suspend(() => {
        begun += 1
        return begun === 1
          ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => ends.push("lost")))
          : Effect.sync(() => ends.push("done"))
      })
    yield* Worker.make(queue, handler, { concurrency: 2, grace: 0 })
    yield* settle
    // Somebody else's hand, or that of an operator.
    yield* pool.enqueueJob(id)
    yield* settle
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(ends.sort(), ["done", "lost"])
    assert.strictEqual(yield* known([id]), 0)
  }).pipe(Effect.scoped, Effect.provide(layer))
)
