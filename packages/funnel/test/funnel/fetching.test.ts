import { DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"
import { add } from "./utils.js"

describe.concurrent("fetching", () => {
  it.effect("takes no more than prefetch and what consumers have in hand, and none without a consumer", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* add("q", 50)
      const funnel = yield* Funnel.make({ queues: "q", prefetch: 5, prefetchTimeToLive: "1 day" })
      yield* pass("1 second")
      assert.strictEqual(yield* pool.queueLength("q"), 50)
      const consumer = Stream.runForEach(funnel.incoming, () => Effect.never)
      const consumers = yield* Effect.fork(Effect.all([consumer, consumer, consumer], { concurrency: "unbounded" }))
      yield* pass("1 minute")
      assert.strictEqual(yield* pool.queueLength("q"), 42)
      yield* Fiber.interrupt(consumers)
      assert.strictEqual(yield* pool.queueLength("q"), 50)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("keeps no job from others when nobody waits for it any more", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const funnel = yield* Funnel.make({ queues: "q" })
      const consumer = yield* Effect.fork(Stream.runDrain(funnel.incoming))
      yield* settle
      yield* Fiber.interrupt(consumer)
      const id = yield* pool.addJob("q", "for others", { retry: "1 hour" })
      const job = yield* Effect.fork(pool.getJob("q", { timeout: "1 second" }))
      yield* pass("1 second")
      assert.strictEqual((yield* Fiber.join(job)).id, id)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("gives jobs of the queues named first before the others, whenever they come", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 30; i++) yield* pool.addJob("low", `low ${i}`)
      const seen: Array<string> = []
      const funnel = yield* Funnel.make({ queues: ["high", "low"] })
      yield* Stream.runForEach(Stream.take(funnel.incoming, 12), (job) =>
        Effect.gen(function* () {
          seen.push(job.queue)
          if (seen.length === 3) for (let i = 0; i < 5; i++) yield* pool.addJob("high", `high ${i}`)
          yield* settle
        })
      )
      assert.deepStrictEqual(seen.slice(0, 3), ["low", "low", "low"])
      assert.deepStrictEqual(seen.slice(3, 8), ["high", "high", "high", "high", "high"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("takes from queues by their weights", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 100; i++) {
        yield* pool.addJob("a", "a")
        yield* pool.addJob("b", "b")
      }
      const funnel = yield* Funnel.make({ queues: { a: 3, b: 1 } })
      const jobs = yield* Stream.runCollect(Stream.take(funnel.incoming, 80))
      assert.closeTo([...jobs].filter(({ queue }) => queue === "a").length, 60, 6)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("goes on when the node is back, and says once that it was gone", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const lines = yield* logged(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q" })
          const first = yield* Effect.fork(Stream.runHead(funnel.incoming))
          yield* settle
          yield* disque.kill(disque.nodes[0])
          yield* pass("30 seconds")
          yield* disque.restart(disque.nodes[0])
          yield* pass("30 seconds")
          yield* pool.addJob("q", "after")
          yield* pass("30 seconds")
          assert.strictEqual(Job.text(Option.getOrThrow(yield* Fiber.join(first))), "after")
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(lines.filter((line) => line.text.startsWith("jobs cannot be fetched")).length, 1)
    }).pipe(Effect.provide(layer))
  )
})
