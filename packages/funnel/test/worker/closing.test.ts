import { DisquePool, Job, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Schedule, Schema, Scope } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, known, left, numbers } from "../utils/jobs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

describe.concurrent("the close of a worker", () => {
  it.effect("waits for handlers, and puts back jobs that were fetched ahead at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* addAll(10)
      const scope = yield* Scope.make()
      const done: Array<number> = []
      yield* Scope.extend(
        Worker.make(
          numbers,
          ({ n }) =>
            Effect.zipRight(
              Effect.sleep("20 seconds"),
              Effect.sync(() => done.push(n))
            ),
          {
            concurrency: 2
          }
        ),
        scope
      )
      yield* settle
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* settle
      assert.strictEqual(yield* pool.queueLength("numbers"), 8)
      yield* pass("19 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(closing)))
      yield* pass("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      assert.sameMembers(done, [0, 1])
      assert.strictEqual(yield* known(ids), 8)
    }).pipe(Effect.provide(layer))
  )

  it.effect("keeps leases through the grace, then interrupts handlers and puts back their jobs by ENQUEUE", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* numbers.add(pool, { n: 1 }, { retry: "2 seconds" })
      const scope = yield* Scope.make()
      yield* Scope.extend(
        Worker.make(numbers, () => Effect.never),
        scope
      )
      yield* settle
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* pass("24 seconds")
      assert.strictEqual(yield* pool.queueLength("numbers"), 0)
      yield* pass("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      const jobs = yield* left("numbers")
      assert.deepStrictEqual(
        jobs.map((job) => [job.nacks, job.additionalDeliveries]),
        [[0, 1]]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("is bounded if a handler cannot be interrupted, and if the node is gone", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      yield* addAll(2)
      const scope = yield* Scope.make()
      yield* Scope.extend(
        Worker.make(numbers, () => Effect.uninterruptible(Effect.never), { concurrency: 2, grace: "1 second" }),
        scope
      )
      yield* settle
      yield* disque.kill(disque.nodes[0])
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* pass("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.poll(closing)))
      yield* pass("10 seconds")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
    }).pipe(Effect.provide(layer))
  )

  it.effect("moves jobs that wait for their next attempt to the retry queue, with their attempts", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const attempts: Array<number> = []
      const run = Effect.scoped(
        Effect.zipRight(
          Worker.make(
            numbers,
            (_, { attempt }) =>
              Effect.zipRight(
                Effect.sync(() => attempts.push(attempt)),
                Effect.fail("no")
              ),
            { retry: Schedule.spaced("5 seconds"), attempts: 4 }
          ),
          pass("6 seconds")
        )
      )
      for (let restarts = 0; restarts < 4; restarts++) yield* run
      assert.deepStrictEqual(attempts, [1, 2, 3, 4])
      assert.deepStrictEqual(
        (yield* DeadLetter.list(numbers)).map(({ letter }) => letter.attempts),
        [4]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("comes at any moment: every job is done or back in its queue, each once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let moment = 0; moment < 100; moment++) {
        const queue = JobQueue.make(`moment-${moment}`, { payload: Schema.Number, options: { retry: "1 hour" } })
        yield* Effect.forEach([0, 1, 2, 3, 4, 5], (n) => queue.add(pool, n))
        const done: Array<number> = []
        const scope = yield* Scope.make()
        yield* Scope.extend(
          Worker.make(
            queue,
            (n) =>
              Effect.zipRight(
                Effect.yieldNow(),
                Effect.sync(() => done.push(n))
              ),
            { concurrency: 2, prefetch: 2, grace: 0 }
          ),
          scope
        )
        for (let i = 0; i < moment; i++) yield* Effect.yieldNow()
        yield* Scope.close(scope, Exit.void)
        const back = yield* left(queue.name)
        assert.sameMembers([...done, ...back.map((job) => Number(Job.text(job)))], [0, 1, 2, 3, 4, 5], `at ${moment}`)
        assert.isTrue(back.every((job) => job.nacks === 0 && job.additionalDeliveries <= 1))
      }
    }).pipe(Effect.provide(layer))
  )
})
