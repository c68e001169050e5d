import { DisquePool, Job, JobQueue } from "@disco/core"
import { Consume, type Consuming, consume } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option, Schedule, Schema, Scope, Stream } from "effect"
import { Funnel, Worker } from "../src/index.js"
import { addAll, numbers } from "./utils/jobs.js"
import { makeLog } from "./utils/logs.js"
import { clusterOf, layer } from "./utils/nodes.js"
import { pass, passIn, settle } from "./utils/time.js"

const single = JobQueue.make("single", { payload: Schema.Number })

describe.concurrent("a job that was fetched ahead of a handler that takes long", () => {
  it.effect("goes back in time, and another worker that is idle has it", () =>
    Effect.gen(function* () {
      const done: Array<string> = []
      const run = (name: string) =>
        Worker.make(
          single,
          (n) =>
            Effect.zipRight(
              Effect.sleep(n === 0 ? "1 hour" : "1 second"),
              Effect.sync(() => done.push(`${n} by ${name}`))
            ),
          { grace: 0 }
        )
      const pool = yield* DisquePool
      yield* single.add(pool, 0)
      yield* single.add(pool, 1)
      yield* run("the first")
      yield* settle
      assert.strictEqual(yield* pool.queueLength("single"), 0)
      yield* run("the second")
      yield* passIn(12, "1 second")
      assert.deepStrictEqual(done, ["1 by the second"])
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("goes back once, and no others are fetched ahead of it until handlers are faster", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(20)
      let returned = 0
      const counting: DisquePool.Service = {
        ...pool,
        enqueueJob: (jobs) => {
          returned += Array.isArray(jobs) ? jobs.length : 1
          return pool.enqueueJob(jobs)
        }
      }
      let isSlow = true
      const done: Array<number> = []
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.zipRight(
            Effect.sleep(isSlow ? "10 minutes" : "1 second"),
            Effect.sync(() => done.push(n))
          ),
        { prefetch: 4, grace: 0 }
      ).pipe(Effect.provideService(DisquePool, counting))
      yield* settle
      const ahead = 19 - (yield* pool.queueLength("numbers"))
      assert.isAbove(ahead, 1)
      yield* passIn(6 * 30, "10 seconds")
      assert.lengthOf(done, 3)
      assert.strictEqual(returned, ahead)
      assert.strictEqual(yield* pool.queueLength("numbers"), 16)
      isSlow = false
      yield* passIn(15, "1 minute")
      yield* passIn(20, "1 second")
      assert.lengthOf(done, 20)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("goes back from a funnel too", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 5; i++) yield* pool.addJob("q", String(i), { retry: "1 hour" })
      const funnel = yield* Funnel.make({ queues: "q", prefetchTimeToLive: "5 seconds" })
      const consumer = yield* Effect.fork(Stream.runForEach(funnel.incoming, () => Effect.sleep("1 hour")))
      yield* pass("1 second")
      assert.strictEqual(yield* pool.queueLength("q"), 0)
      yield* pass("5 seconds")
      assert.strictEqual(yield* pool.queueLength("q"), 4)
      yield* passIn(12, "5 minutes")
      assert.strictEqual(yield* pool.queueLength("q"), 3)
      assert.isTrue(Option.isNone(yield* Fiber.poll(consumer)))
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

it.effect("a worker that is paused and resumed while a GETJOB is under way goes on", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    // As over a network, where the reply of a GETJOB that waits has to be read.
    const far: DisquePool.Service & Consuming = {
      ...pool,
      [Consume]: (queues, options) =>
        Effect.onInterrupt(consume(pool, queues, options), () => Effect.sleep("2 seconds"))
    }
    yield* addAll(3)
    const begun: Array<number> = []
    const scope = yield* Scope.make()
    const worker = yield* Worker.make(
      numbers,
      ({ n }) =>
        Effect.zipRight(
          Effect.sync(() => begun.push(n)),
          Effect.sleep("300 millis")
        ),
      { grace: 0 }
    ).pipe(Scope.extend(scope), Effect.provideService(DisquePool, far))
    yield* pass("100 millis")
    yield* Effect.fork(worker.pause)
    yield* pass("400 millis")
    yield* worker.resume
    yield* passIn(5, "1 second")
    assert.deepStrictEqual(begun, [0, 1, 2])
    for (let i = 0; i < 3; i++) {
      yield* passIn(13, "1 second")
      yield* addAll(1)
    }
    yield* passIn(5, "1 second")
    assert.lengthOf(begun, 6)
    yield* Effect.fork(Scope.close(scope, Exit.void))
    yield* passIn(5, "1 second")
  }).pipe(Effect.scoped, Effect.provide(layer))
)

it.effect("a funnel loses no job that is delivered once and was fetched ahead of a slow consumer", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    for (let i = 0; i < 4; i++) yield* pool.addJob("q", String(i), { retry: 0, replicate: 1 })
    const seen: Array<string> = []
    const funnel = yield* Funnel.make({ queues: "q" })
    yield* Effect.fork(
      Stream.runForEach(funnel.incoming, (job) =>
        Effect.zipRight(
          Effect.sync(() => seen.push(Job.text(job))),
          Effect.sleep("1 minute")
        )
      )
    )
    yield* passIn(50, "10 seconds")
    assert.deepStrictEqual(seen.sort(), ["0", "1", "2", "3"])
  }).pipe(Effect.scoped, Effect.provide(layer))
)

it.effect("a funnel that ends early loses no job that is delivered once and that nobody took", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    for (let i = 0; i < 4; i++) yield* pool.addJob("q", String(i), { retry: 0, replicate: 1 })
    const seen: Array<string> = []
    for (let i = 0; i < 4; i++) {
      yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q" })
          yield* Stream.runForEach(Stream.take(funnel.incoming, 1), (job) =>
            Effect.sync(() => seen.push(Job.text(job)))
          )
        })
      )
    }
    assert.deepStrictEqual(seen.sort(), ["0", "1", "2", "3"])
  }).pipe(Effect.provide(layer))
)

describe.concurrent("a prefetch of 0", () => {
  it.effect("fetches only what can begin", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(10)
      yield* Worker.make(numbers, () => Effect.sleep("1 minute"), { concurrency: 3, prefetch: 0, grace: 0 })
      yield* pass("1 second")
      assert.strictEqual(yield* pool.queueLength("numbers"), 7)
      yield* pass("1 minute")
      assert.strictEqual(yield* pool.queueLength("numbers"), 4)
      yield* pass("1 minute")
      assert.strictEqual(yield* pool.queueLength("numbers"), 1)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("goes on while jobs wait here for their next attempt", () =>
    Effect.gen(function* () {
      yield* addAll(10)
      const seen = new Set<number>()
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.zipRight(
            Effect.sync(() => seen.add(n)),
            Effect.fail("no")
          ),
        {
          prefetch: 0,
          retry: Schedule.spaced("5 seconds")
        }
      )
      yield* pass("1 second")
      assert.strictEqual(seen.size, 10)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("serves a funnel, one job for each consumer that waits", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 5; i++) yield* pool.addJob("q", String(i))
      const funnel = yield* Funnel.make({ queues: "q", prefetch: 0 })
      const consumer = Stream.runForEach(funnel.incoming, () => Effect.sleep("1 minute"))
      yield* Effect.fork(Effect.all([consumer, consumer], { concurrency: "unbounded" }))
      yield* pass("1 second")
      assert.strictEqual(yield* pool.queueLength("q"), 3)
      yield* pass("1 minute")
      assert.strictEqual(yield* pool.queueLength("q"), 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("hears soon of a job on whichever node it is", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const times: Array<number> = []
      yield* Worker.make(single, () => Effect.map(Clock.currentTimeMillis, (now) => times.push(now)), { prefetch: 0 })
      yield* passIn(20, "1 second")
      const { nodes } = yield* pool.health
      const delays: Array<number> = []
      for (const { address } of nodes) {
        const before = yield* Clock.currentTimeMillis
        yield* pool.on(address).addJob("single", "1", { replicate: 1 })
        yield* passIn(20, "100 millis")
        delays.push((times.at(-1) ?? Number.POSITIVE_INFINITY) - before)
      }
      assert.lengthOf(times, 3)
      for (const delay of delays) assert.isBelow(delay, 1000)
    }).pipe(Effect.scoped, Effect.provide(clusterOf(3)))
  )
})
