import { type AddJobError, DisquePool, type JobId } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Either, Fiber, Stream } from "effect"
import { adding, type Tally } from "../../src/jobs/adding.js"
import type { Line } from "../../src/jobs/lines.js"
import { cluster } from "../utils/disco.js"

const lineOf = (number: number): Line => ({ number, body: new TextEncoder().encode(String(number)) })

describe("adding the jobs of a stream", () => {
  it.effect("reads no more lines than a few batches ahead of the answers", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let read = 0
      let sent = 0
      const answers = yield* Deferred.make<void>()
      const slow: DisquePool.Service = {
        ...pool,
        addJobs: (jobs) => {
          sent += jobs.length
          return Effect.as(
            Deferred.await(answers),
            jobs.map((): Either.Either<JobId.JobId, AddJobError> => Either.right("D-" as JobId.JobId))
          )
        }
      }
      const lines = Stream.range(1, 50_000, 1024).pipe(
        Stream.map((number) => {
          read = number
          return lineOf(number)
        })
      )
      const fiber = yield* Effect.fork(
        adding(slow, {
          queue: "q",
          options: {},
          lines,
          mostBytes: 1000,
          onOutcomes: () => Effect.void,
          report: () => Effect.void
        })
      )
      yield* Effect.yieldNow().pipe(Effect.repeatN(2000))
      assert.strictEqual(sent, 4 * 256)
      assert.isAtMost(read, 16 * 1024)
      yield* Deferred.succeed(answers, undefined)
      const { added, end } = yield* Fiber.join(fiber)
      assert.deepStrictEqual({ added, end, read }, { added: 50_000, end: "all", read: 50_000 })
    }).pipe(Effect.provide(cluster))
  )

  it.effect("waits for what is under way when it is interrupted, and tells which line was the last", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const answers = yield* Deferred.make<void>()
      const slow: DisquePool.Service = {
        ...pool,
        addJobs: (jobs) => Effect.zipRight(Deferred.await(answers), pool.addJobs(jobs))
      }
      const told: Array<Tally> = []
      const printed: Array<number> = []
      // Lines come for ever, and nobody knows when.
      const lines = Stream.concat(Stream.range(1, 300).pipe(Stream.map(lineOf)), Stream.never)
      const fiber = yield* Effect.fork(
        adding(slow, {
          queue: "q",
          options: { ttl: "1 hour" },
          lines,
          mostBytes: 1000,
          onOutcomes: (outcomes) => Effect.sync(() => void printed.push(...outcomes.map(({ line }) => line))),
          report: (tally) => Effect.sync(() => void told.push(tally))
        })
      )
      yield* Effect.yieldNow().pipe(Effect.repeatN(1000))
      const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* Effect.yieldNow().pipe(Effect.repeatN(100))
      assert.strictEqual(told.length, 0)
      yield* Deferred.succeed(answers, undefined)
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(
        told.map(({ added, end, failed, last, unknown }) => ({ added, end, failed, last, unknown })),
        [{ added: 300, end: "interrupted", failed: 0, last: 300, unknown: 0 }]
      )
      assert.deepStrictEqual(
        printed,
        Array.from({ length: 300 }, (_, i) => i + 1)
      )
    }).pipe(Effect.provide(cluster))
  )

  it.live("tells of what has no answer in time that it may have been added", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const silent: DisquePool.Service = { ...pool, addJobs: () => Effect.never }
      const told: Array<Tally> = []
      const fiber = yield* Effect.fork(
        adding(silent, {
          queue: "q",
          options: {},
          lines: Stream.concat(Stream.map(Stream.range(1, 10), lineOf), Stream.never),
          mostBytes: 1000,
          onOutcomes: () => Effect.void,
          report: (tally) => Effect.sync(() => void told.push(tally))
        })
      )
      yield* Effect.sleep(100)
      const [took] = yield* Effect.timed(Fiber.interrupt(fiber))
      assert.isBelow(Number(took.value._tag === "Millis" ? took.value.millis : 0), 1800)
      assert.deepStrictEqual(
        told.map(({ added, end, unknown }) => ({ added, end, unknown })),
        [{ added: 0, end: "interrupted", unknown: 10 }]
      )
    }).pipe(Effect.provide(cluster))
  )
})
