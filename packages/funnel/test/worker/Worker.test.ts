import { DisquePool, JobQueue } from "@disco/core"
import { Consume, type Consuming } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Schedule, Schema } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, known, numbers } from "../utils/jobs.js"
import { logged, makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

it.effect("hooks that throw or die are logged, and change nothing", () =>
  Effect.gen(function* () {
    yield* addAll(2)
    const lines = yield* logged(
      Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, () => Effect.fail("no"), {
            attempts: 1,
            onFailure: () => {
              throw new Error("thrown")
            },
            onDeadLetter: () => Effect.die("died")
          }),
          settle
        )
      )
    )
    assert.strictEqual(lines.filter(({ text }) => text === "a hook of the worker died").length, 2)
    assert.strictEqual((yield* DeadLetter.list(numbers)).length, 2)
  }).pipe(Effect.provide(layer))
)

describe.concurrent("a worker", () => {
  it.effect("pauses and resumes, and keeps no jobs meanwhile", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const seen: Array<number> = []
      const worker = yield* Worker.make(numbers, ({ n }) =>
        Effect.zipRight(
          Effect.sync(() => seen.push(n)),
          Effect.sleep("1 second")
        )
      )
      yield* addAll(4)
      yield* settle
      yield* worker.pause
      yield* pass("30 seconds")
      assert.deepStrictEqual(seen, [0])
      assert.strictEqual(yield* pool.queueLength("numbers"), 3)
      yield* worker.resume
      for (let i = 0; i < 4; i++) yield* pass("1 second")
      assert.sameMembers(seen, [0, 1, 2, 3])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("takes no more jobs in a time than its rate limit", () =>
    Effect.gen(function* () {
      yield* addAll(30)
      let calls = 0
      yield* Worker.make(numbers, () => Effect.sync(() => calls++), {
        concurrency: 4,
        rateLimit: { limit: 10, interval: "1 second" },
        grace: 0
      })
      yield* settle
      assert.isAtMost(calls, 10)
      yield* pass("1 second")
      assert.isAtMost(calls, 21)
      for (let i = 0; i < 20; i++) yield* pass("100 millis")
      assert.strictEqual(calls, 30)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("fails if no node lets it fetch", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const { NotAuthenticated } = yield* Effect.promise(() => import("@disco/core"))
      const error = new NotAuthenticated({ command: "GETJOB", node: "a:1", reply: "NOAUTH" })
      const locked: DisquePool.Service & Consuming = { ...pool, [Consume]: () => Effect.fail(error) }
      const running = Worker.run(numbers, () => Effect.void).pipe(Effect.provideService(DisquePool, locked))
      assert.deepStrictEqual(yield* Effect.flip(running), error)
    }).pipe(Effect.provide(layer))
  )

  it.effect("counts jobs by queue and outcome", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const queue = JobQueue.make("metered", { payload: Schema.Number })
      yield* Effect.forEach([1, 2, 3], (n) => queue.add(pool, n))
      yield* Worker.make(queue, (n) => (n === 2 ? Effect.fail("no") : Effect.void), { attempts: 1 })
      yield* settle
      const count = (outcome: string) =>
        Effect.map(
          Metric.value(
            Metric.counter("disco.worker.jobs", {
              description: "Jobs that workers had, by queue and outcome",
              incremental: true
            }).pipe(Metric.tagged("messaging.destination.name", "metered"), Metric.tagged("outcome", outcome))
          ),
          ({ count }) => count
        )
      assert.deepStrictEqual([yield* count("done"), yield* count("dead")], [2, 1])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("refuses options that make no sense, and says why", () =>
    Effect.gen(function* () {
      const all: ReadonlyArray<Worker.BatchOptions<unknown, never>> = [
        { concurrency: 0 },
        { concurrency: Number.NaN },
        { prefetch: -1 },
        { prefetchTimeToLive: 0 },
        { attempts: 1.5 },
        { crashes: -1 },
        { size: 0 },
        { grace: Number.POSITIVE_INFINITY },
        { rateLimit: { limit: 0, interval: "1 second" } },
        { ttl: "1 hour", retry: Schedule.spaced("10 minutes"), attempts: 10 }
      ]
      const refused: Array<string> = []
      for (const options of all) {
        const error = yield* Effect.flip(Effect.scoped(Worker.makeBatch(numbers, () => Effect.succeed([]), options)))
        assert.include(error.message, "Worker: ")
        refused.push(error.argument)
      }
      assert.deepStrictEqual(refused, [
        "concurrency",
        "concurrency",
        "prefetch",
        "prefetchTimeToLive",
        "attempts",
        "crashes",
        "size",
        "grace",
        "rateLimit.limit",
        "ttl"
      ])
    }).pipe(Effect.provide(layer))
  )

  it.effect("as a layer works until its scope closes", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(3)
      yield* Effect.provide(
        settle,
        Worker.layer(numbers, () => Effect.void)
      )
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.provide(layer))
  )
})

it.effect("a worker without trouble logs nothing", () =>
  Effect.gen(function* () {
    const log = makeLog()
    yield* addAll(3)
    yield* Effect.scoped(
      Effect.zipRight(
        Worker.make(numbers, () => Effect.void),
        pass("1 hour")
      )
    ).pipe(Effect.provide(log.layer))
    assert.deepStrictEqual(log.lines, [])
  }).pipe(Effect.provide(layer))
)
