import { DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, HashMap, Layer, Logger, Option, Queue, Scope, Stream, TestClock } from "effect"
import { Funnel } from "../src/index.js"

const node = EmbeddedDisque.layer()
const layer = Layer.provideMerge(DisquePool.layer(), Layer.provideMerge(EmbeddedDisque.layerDialer, node))

const settle = Effect.forEach(Array.from({ length: 30 }), () => Effect.yieldNow(), { discard: true })

interface Line {
  readonly level: string
  readonly text: string
  readonly annotations: Record<string, unknown>
}

/** Runs an effect and gives what it logs. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<ReadonlyArray<Line>, E, R> => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
    lines.push({
      level: logLevel.label,
      text: String(Array.isArray(message) ? message[0] : message),
      annotations: Object.fromEntries(HashMap.toEntries(annotations))
    })
  })
  return Effect.as(Effect.provide(effect, Logger.replace(Logger.defaultLogger, logger)), lines)
}

describe("outgoing", () => {
  it.effect("reports what cannot be added by its queue and its size, and adds the others", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const lines = yield* logged(
        Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: "q" })
            yield* Queue.offer(funnel.outgoing, { queue: "q", body: "secret", options: { delay: "1500 millis" } })
            yield* Queue.offer(funnel.outgoing, { queue: "q", body: "fine" })
          })
        )
      )
      assert.strictEqual(yield* pool.queueLength("q"), 1)
      assert.deepStrictEqual(
        lines.map(({ annotations, level, text }) => [level, text, annotations.queue, annotations.bytes]),
        [["ERROR", "a job could not be added", "q", 6]]
      )
      assert.notInclude(JSON.stringify(lines), "secret")
    }).pipe(Effect.provide(layer))
  )

  it.effect("adds with the defaults of the funnel, and with what the job says instead", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q", defaults: { retry: "1 minute", ttl: "1 hour" } })
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "a" })
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "b", options: { retry: "2 minutes" } })
        })
      )
      const jobs = yield* pool.getJobs("q", { count: 2 })
      const retries = yield* Effect.forEach(jobs, (job) => pool.working(job))
      assert.deepStrictEqual(retries, [Duration.minutes(1), Duration.minutes(2)])
    }).pipe(Effect.provide(layer))
  )

  it.effect("waits for a node that is gone, and adds when it is back", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const funnel = yield* Funnel.make({ queues: "q" })
      yield* disque.kill(disque.nodes[0])
      yield* Queue.offer(funnel.outgoing, { queue: "q", body: "patient" })
      yield* TestClock.adjust("3 seconds")
      yield* disque.restart(disque.nodes[0])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* pool.queueLength("q"), 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("incoming", () => {
  it.effect("begins the retry time of a job anew when it hands it out", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("q", "waited", { retry: "60 seconds" })
      yield* TestClock.adjust("50 seconds")
      const funnel = yield* Funnel.make({ queues: "q" })
      const consumer = yield* Effect.fork(Stream.runForEach(funnel.incoming, () => Effect.never))
      yield* settle
      yield* TestClock.adjust("55 seconds")
      assert.deepStrictEqual(yield* pool.getJobs("q", { timeout: 0 }), [])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* pool.getJobs("q", { timeout: 0 })).length, 1)
      yield* Fiber.interrupt(consumer)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("fetches no more than its consumers wait for", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* Effect.forEach(Array.from({ length: 20 }), (_, i) => pool.addJob("q", String(i)))
      const funnel = yield* Funnel.make({ queues: "q" })
      assert.strictEqual(yield* pool.queueLength("q"), 20)
      const consumer = Stream.runForEach(funnel.incoming, () => Effect.never)
      const consumers = yield* Effect.fork(Effect.all([consumer, consumer, consumer], { concurrency: "unbounded" }))
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* pool.queueLength("q"), 17)
      yield* Fiber.interrupt(consumers)
      assert.strictEqual(yield* pool.queueLength("q"), 20)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("keeps no job from others when its consumer has stopped to wait", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const funnel = yield* Funnel.make({ queues: "q" })
      const consumer = yield* Effect.fork(Stream.runDrain(funnel.incoming))
      yield* settle
      yield* Fiber.interrupt(consumer)
      const id = yield* pool.addJob("q", "for others", { retry: "1 hour" })
      const job = yield* Effect.fork(pool.getJob("q", { timeout: "1 second" }))
      yield* settle
      assert.strictEqual((yield* Fiber.join(job)).id, id)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("goes on when the node it fetched from is back, and says once that it was gone", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const lines = yield* logged(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q" })
          const first = yield* Effect.fork(Stream.runHead(funnel.incoming))
          yield* settle
          yield* disque.kill(disque.nodes[0])
          yield* TestClock.adjust("30 seconds")
          yield* disque.restart(disque.nodes[0])
          yield* TestClock.adjust("10 seconds")
          yield* pool.addJob("q", "after")
          assert.strictEqual(Job.text(Option.getOrThrow(yield* Fiber.join(first))), "after")
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(lines.filter((line) => line.text.startsWith("jobs cannot be fetched")).length, 1)
    }).pipe(Effect.provide(layer))
  )
})

describe("the close", () => {
  it.effect("ends in its time when the node is gone, and reports what it could not do", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* pool.addJob("q", "in hand")
      const scope = yield* Scope.make()
      const lines = yield* logged(
        Effect.gen(function* () {
          const funnel = yield* Scope.extend(Funnel.make({ queues: "q", closeWithin: "5 seconds" }), scope)
          yield* Effect.forkDaemon(Stream.runForEach(funnel.incoming, () => Effect.never))
          yield* settle
          yield* disque.kill(disque.nodes[0])
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "offered" })
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* TestClock.adjust("6 seconds")
          assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
          yield* settle
        })
      )
      const errors = lines.filter((line) => line.level === "ERROR").map((line) => line.text)
      assert.include(errors.join("\n"), "the funnel could not close in time")
      assert.include(errors, "a job could not be added")
    }).pipe(Effect.provide(layer))
  )

  it.effect("comes at any moment: every job is done or back in its queue", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let moment = 0; moment < 120; moment++) {
        const queue = `q${moment}`
        const done: Array<string> = []
        yield* Effect.forEach(["1", "2", "3", "4", "5"], (body) => pool.addJob(queue, body, { retry: "1 hour" }))
        const scope = yield* Scope.make()
        const funnel = yield* Scope.extend(Funnel.make({ queues: queue, fetchCount: 2 }), scope)
        const consume = Stream.runForEach(funnel.incoming, (job) =>
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => done.push(Job.text(job)))
          )
        )
        const consumers = yield* Effect.fork(Effect.all([consume, consume], { concurrency: "unbounded" }))
        for (let i = 0; i < moment; i++) yield* Effect.yieldNow()
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.interrupt(consumers)
        const back = (yield* pool.getJobs(queue, { count: 10, timeout: 0 })).map(Job.text)
        assert.isEmpty(
          ["1", "2", "3", "4", "5"].filter((body) => !done.includes(body) && !back.includes(body)),
          `lost at moment ${moment}`
        )
        // A job whose consumer was done and had not pulled the next one yet may come again: two consumers, two jobs at most.
        assert.isAtMost(done.filter((body) => back.includes(body)).length, 2)
      }
    }).pipe(Effect.provide(layer))
  )
})
