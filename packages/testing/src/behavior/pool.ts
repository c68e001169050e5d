import { DisquePool } from "@disco/core"
import { consume } from "@disco/core/internal"
import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Prepared } from "./backend.js"
import { freshQueue, until } from "./utils.js"

/** What a pool of at most two connections does, wherever the node is. */
export const pool = (backend: Prepared): void => {
  const { pass, settle } = backend
  const test = (name: string, body: (pool: DisquePool.Service, queue: string) => Effect.Effect<unknown, unknown>) =>
    backend.test(name, () =>
      Effect.flatMap(Effect.all([DisquePool, freshQueue]), ([pool, queue]) => body(pool, queue)).pipe(
        Effect.provide(backend.layer)
      )
    )

  describe(`pool ${backend.name}`, () => {
    test("commands are answered while every connection waits for a job", (pool, queue) =>
      Effect.gen(function* () {
        const waiting = yield* Effect.fork(
          Effect.all([pool.getJob(queue), pool.getJob(queue)], { concurrency: "unbounded" })
        )
        yield* settle
        assert.strictEqual((yield* pool.statistics).active, 2)
        yield* pool.addJob(queue, "1")
        yield* pool.addJob(queue, "2")
        yield* pool.ackJob(yield* Fiber.join(waiting))
        assert.strictEqual((yield* pool.statistics).active, 0)
      }))

    test("callers that wait for a connection get it in turn, and fail with PoolExhausted after too long", (pool, queue) =>
      Effect.gen(function* () {
        const first = yield* Effect.fork(Effect.scoped(Effect.zipRight(pool.connection, Effect.never)))
        const second = yield* Effect.fork(Effect.scoped(Effect.zipRight(pool.connection, Effect.never)))
        yield* settle
        const third = yield* Effect.fork(pool.getJob(queue, { timeout: 0 }))
        yield* settle
        assert.strictEqual((yield* pool.statistics).waiting, 1)
        yield* Fiber.interrupt(first)
        assert.strictEqual((yield* Effect.flip(Fiber.join(third)))._tag, "GetJobTimeout")

        const fourth = yield* Effect.fork(Effect.scoped(Effect.zipRight(pool.connection, Effect.never)))
        yield* settle
        const fifth = yield* Effect.fork(Effect.flip(pool.getJob(queue, { timeout: 0 })))
        yield* settle
        yield* pass("600 millis")
        const error = yield* Fiber.join(fifth)
        assert.strictEqual(error._tag, "PoolExhausted")
        yield* Fiber.interruptAll([second, fourth])
        assert.deepInclude(yield* pool.statistics, { active: 0, waiting: 0 })
      }))

    test("a connection that is taken out works alone, and is given back with its scope", (pool, queue) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* pool.connection
            yield* connection.addJob(queue, "x")
            yield* connection.ackJob(yield* connection.getJob(queue))
            assert.strictEqual((yield* pool.statistics).active, 1)
          })
        )
        assert.strictEqual((yield* pool.statistics).active, 0)
      }))

    test("oldestAge gives the age of the oldest job, whichever node has it", (pool, queue) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* pool.oldestAge(queue), Option.none())
        const began = yield* Clock.currentTimeMillis
        const delayed = yield* pool.addJob(queue, "delayed", { delay: "1 second" })
        yield* pool.addJob(queue, "x")
        // A delay is over when the node looks, and counts in the age.
        yield* backend.pass("2 seconds")
        const age = Duration.toMillis(Option.getOrThrow(yield* pool.oldestAge(queue)))
        assert.isAtLeast(age, 1990)
        assert.isAtMost(age, (yield* Clock.currentTimeMillis) - began + 100)
        yield* pool.ackJob(delayed)
        assert.isTrue(Option.isSome(yield* pool.oldestAge(queue)))
      }))

    test("a consumer gets jobs of each queue by its share, even with room for one job only", (pool, queue) =>
      Effect.gen(function* () {
        const [often, seldom] = [`${queue}-often`, `${queue}-seldom`]
        const body = "x"
        yield* pool.addJobs(Array.from({ length: 100 }, () => ({ queue: often, body })))
        yield* pool.addJobs(Array.from({ length: 100 }, () => ({ queue: seldom, body })))
        const taken: Array<string> = []
        const consuming = yield* Effect.fork(
          consume(pool, [often, often, often, seldom], {
            demand: () => (taken.length < 100 ? Effect.as(Effect.yieldNow(), 1) : Effect.never),
            receive: (jobs) =>
              Effect.sync(() => {
                for (const { queue } of jobs) taken.push(queue)
              })
          })
        )
        yield* until(backend, () => taken.length >= 100)
        yield* Fiber.interrupt(consuming)
        const share = taken.slice(0, 100).filter((name) => name === often).length
        // Nodes of a cluster give each other jobs, of one queue after the other: a node that has those of one gives no others.
        const { nodes } = yield* pool.health
        assert.isAtMost(Math.abs(share - 75), nodes.length === 1 ? 2 : 15)
      }))
  })
}
