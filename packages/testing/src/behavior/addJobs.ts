import { DisquePool, Job } from "@disco/core"
import { assert, describe } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { Prepared } from "./backend.js"
import { freshQueue } from "./utils.js"

/** What adding many jobs at once does, wherever the node is. */
export const addJobs = (backend: Prepared): void => {
  const test = (name: string, body: (pool: DisquePool.Service, queue: string) => Effect.Effect<unknown, unknown>) =>
    backend.test(name, () =>
      Effect.flatMap(Effect.all([DisquePool, freshQueue]), ([pool, queue]) => body(pool, queue)).pipe(
        Effect.provide(backend.layer)
      )
    )

  describe(`many jobs at once ${backend.name}`, () => {
    test("are added in their order, and each has its id", (pool, queue) =>
      Effect.gen(function* () {
        const bodies = Array.from({ length: 300 }, (_, i) => `job ${i}`)
        const results = yield* pool.addJobs(bodies.map((body) => ({ queue, body, options: { replicate: 1 } })))
        const ids = results.map(Either.getOrThrow)
        const jobs = yield* pool.getJobs(queue, { count: 500 })
        assert.deepStrictEqual(jobs.map(Job.text), bodies)
        assert.deepStrictEqual(
          jobs.map(({ id }) => id),
          ids
        )
        yield* pool.ackJob(jobs)
      }))

    test("fail one by one: what cannot be added does not keep the others from it", (pool, queue) =>
      Effect.gen(function* () {
        const results = yield* pool.addJobs([
          { queue, body: "1" },
          { queue: "", body: "2" },
          { queue, body: "3", options: { delay: "1500 millis" } },
          { queue, body: "4", options: { replicate: 1000 } },
          { queue, body: "5" }
        ])
        assert.deepStrictEqual(
          results.map((result) => (Either.isRight(result) ? "added" : result.left._tag)),
          ["added", "InvalidArgument", "InvalidArgument", "NotReplicated", "added"]
        )
        assert.deepStrictEqual(yield* pool.addJobs([]), [])
      }))

    test("come from a stream without end as they are asked for, and no faster", (pool, queue) =>
      Effect.gen(function* () {
        let made = 0
        const endless = Stream.repeatEffect(
          Effect.sync(() => {
            made += 1
            return { queue, body: String(made), options: { replicate: 1, ttl: "1 minute" } } as const
          })
        )
        const results = yield* pool.addJobsFrom(endless).pipe(Stream.take(100), Stream.runCollect)
        assert.strictEqual(Chunk.size(results), 100)
        assert.isTrue(Chunk.every(results, Either.isRight))
        assert.isAtMost(made, 1200)
      }))
  })
}
