import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, LogLevel, Schedule, TestClock } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, known, numbers } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

describe.concurrent("retries", () => {
  const failing = (until: number, options: Worker.WorkerOptions<{ readonly n: number }, string> = {}) =>
    Effect.gen(function* () {
      const attempts: Array<number> = []
      const worker = yield* Worker.make(
        numbers,
        (_, { attempt }) =>
          Effect.suspend(() => {
            attempts.push(attempt)
            return attempt < until ? Effect.fail("not yet") : Effect.void
          }),
        options
      )
      return { attempts, worker }
    })

  it.effect("wait in the process under the lease if their wait is short", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* addAll(1)
      const { attempts } = yield* failing(3, { retry: Schedule.spaced("5 seconds") })
      yield* pass("4 seconds")
      assert.deepStrictEqual(attempts, [1])
      assert.strictEqual(yield* pool.queueLength("numbers.retry"), 0)
      yield* pass("1 second")
      assert.deepStrictEqual(attempts, [1, 2])
      yield* pass("5 seconds")
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("go by way of the retry queue if their wait is long, and their attempts go on counting", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(1)
      const { attempts } = yield* failing(3, { retry: Schedule.exponential("1 minute") })
      yield* settle
      // The old job is acknowledged, the new one waits in the node.
      assert.strictEqual(yield* known(ids), 0)
      yield* pass("59 seconds")
      assert.deepStrictEqual(attempts, [1])
      yield* pass("1 second")
      assert.deepStrictEqual(attempts, [1, 2])
      yield* pass("2 minutes")
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.deepStrictEqual(yield* DeadLetter.list(numbers), [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("go on in another process if the first process has died", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const first = yield* Effect.scoped(Effect.zipLeft(failing(9, { retry: Schedule.spaced("1 hour") }), settle))
      assert.deepStrictEqual(first.attempts, [1])
      const second = yield* failing(3, { retry: Schedule.spaced("1 hour") })
      yield* pass("1 hour")
      yield* pass("1 hour")
      assert.deepStrictEqual(second.attempts, [2, 3])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("of a day pass in no time, and end in the dead-letter queue with all that is known", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* TestClock.setTime(Date.UTC(2026, 0, 1))
      const id = yield* numbers.add(pool, { n: 42 }, { ttl: "2 days" })
      const letters: Array<Worker.Letter> = []
      const { attempts } = yield* failing(100, {
        ttl: "2 days",
        attempts: 24,
        retry: Schedule.spaced("1 hour"),
        onDeadLetter: (letter) => Effect.sync(() => letters.push(letter))
      })
      for (let hour = 0; hour < 24; hour++) yield* pass("1 hour")
      assert.deepStrictEqual(
        attempts,
        Array.from({ length: 24 }, (_, i) => i + 1)
      )
      const entries = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        entries.map(({ letter }) => letter),
        letters
      )
      assert.deepStrictEqual(letters, [
        {
          queue: "numbers",
          id,
          reason: "failed",
          error: "not yet",
          attempts: 24,
          nacks: 0,
          additionalDeliveries: 0,
          addedAt: "2026-01-01T00:00:00.000Z",
          firstAt: "2026-01-01T00:00:00.000Z",
          lastAt: "2026-01-01T23:00:00.000Z",
          retry: 60,
          ttl: 172_800,
          body: '{"n":42}'
        }
      ])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("end when the schedule ends, or when it refuses the failure", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const { attempts } = yield* failing(100, {
        retry: Schedule.spaced("1 second").pipe(Schedule.whileInput((error) => error !== "not yet"))
      })
      yield* pass("1 minute")
      assert.deepStrictEqual(attempts, [1])
      assert.strictEqual((yield* DeadLetter.list(numbers)).length, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that would come after the job's TTL are not made", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* numbers.add(pool, { n: 1 }, { ttl: "10 minutes" })
      yield* failing(100, { retry: Schedule.spaced("1 hour"), attempts: 3 })
      yield* settle
      const [entry] = yield* DeadLetter.list(numbers)
      assert.include(entry?.letter.error, "its TTL ends before the next attempt")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect(
    "of many jobs at once do not stop the worker: jobs that cannot wait in the process go to the retry queue",
    () =>
      Effect.gen(function* () {
        yield* addAll(50)
        const seen = new Set<number>()
        yield* Worker.make(
          numbers,
          ({ n }) => Effect.suspend(() => (seen.add(n).size > 0 && n < 49 ? Effect.fail("no") : Effect.void)),
          { concurrency: 2, prefetch: 2, retry: Schedule.spaced("5 seconds") }
        )
        yield* pass("1 second")
        assert.strictEqual(seen.size, 50)
      }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("are logged once, and their number after a while", () =>
    Effect.gen(function* () {
      yield* addAll(100)
      const lines = yield* logged(
        Effect.scoped(
          Effect.gen(function* () {
            yield* Worker.make(numbers, () => Effect.fail("no"), { attempts: 1, concurrency: 4 })
            yield* settle
            yield* settle
            yield* pass("1 minute")
          })
        )
      )
      const said = lines.filter(({ text }) => text.startsWith("a job failed")).map(({ text }) => text)
      assert.deepStrictEqual(said, [
        "a job failed (attempt 1): no",
        "a job failed (attempt 1): no (and 99 times more since this was last said)"
      ])
      assert.isTrue(lines.every(({ annotations }) => annotations.queue === "numbers"))
    }).pipe(Effect.provide(layer))
  )

  it.effect("are each logged at debug level, with the job", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(3)
      const lines = yield* logged(
        Effect.scoped(
          Effect.zipRight(
            Worker.make(numbers, () => Effect.fail("no"), { attempts: 1 }),
            settle
          )
        )
      ).pipe(Logger.withMinimumLogLevel(LogLevel.Debug))
      const said = lines.filter(({ level, text }) => level === "DEBUG" && text === "a job failed (attempt 1): no")
      assert.sameMembers(
        said.map(({ annotations }) => String(annotations.job)),
        ids
      )
    }).pipe(Effect.provide(layer))
  )
})
