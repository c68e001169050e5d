import { DisqueConnection, DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel, Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Clock, Context, Effect, Exit, Fiber, Layer, Queue, Schema, Stream, TestClock } from "effect"
import { DiscoTest } from "../src/index.js"

const numbers = JobQueue.make("numbers", { payload: Schema.Number })

class Seen extends Context.Tag("Seen")<Seen, Array<number>>() {}

const workers = Layer.unwrapEffect(
  Effect.map(Seen, (seen) =>
    Worker.layer(numbers, (n) =>
      Effect.delay(
        Effect.sync(() => seen.push(n)),
        "1 hour"
      )
    )
  )
)

/** A program as it is in production, over what a test gives. */
const program = workers.pipe(
  Layer.provideMerge(
    Layer.effect(
      Seen,
      Effect.sync(() => [])
    )
  ),
  Layer.provideMerge(DiscoTest.layer())
)

describe("the layer", () => {
  it.effect("gives time to the layers of a program too", () =>
    Effect.gen(function* () {
      yield* numbers.add(yield* DisquePool, 1)
      yield* DiscoTest.advance("59 minutes")
      assert.deepStrictEqual(yield* Seen, [])
      yield* DiscoTest.advance("1 minute")
      assert.deepStrictEqual(yield* Seen, [1])
    }).pipe(Effect.provide(program))
  )

  it.layer(program)("may be shared by tests", (it) => {
    it.effect("of which one adds a job", () =>
      Effect.gen(function* () {
        yield* numbers.add(yield* DisquePool, 7)
        yield* DiscoTest.advance("2 hours")
        assert.deepStrictEqual(yield* Seen, [7])
      })
    )

    it.effect("and another sees it, at the time at which the first one ended", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* Clock.currentTimeMillis, 7_200_000)
        yield* DiscoTest.expectEnqueued(numbers, { payload: 7 })
      })
    )
  })

  describe("closes what a test has opened, though a handler would go on for an hour", () => {
    const stopped: Array<string> = []
    const slow = (name: string) =>
      Worker.layer(
        numbers,
        () => Effect.onInterrupt(Effect.sleep("1 hour"), () => Effect.sync(() => stopped.push(name))),
        { grace: "30 seconds" }
      )
    const add = Effect.gen(function* () {
      yield* numbers.add(yield* DisquePool, 1)
      yield* DiscoTest.advance("1 minute")
    })

    it.effect("a layer over that of the test", () =>
      Effect.gen(function* () {
        yield* Effect.provide(add, slow("over").pipe(Layer.provideMerge(DiscoTest.layer())))
        assert.include(stopped, "over")
      })
    )

    it.effect("a layer and a scope within the test", () =>
      Effect.gen(function* () {
        yield* Effect.provide(add, slow("within"))
        assert.include(stopped, "within")
        // The grace of 30 seconds has passed, and nothing more.
        assert.strictEqual(yield* Clock.currentTimeMillis, 90_000)
        yield* Effect.scoped(Effect.zipRight(Layer.build(slow("scoped")), add))
        assert.include(stopped, "scoped")
      }).pipe(Effect.provide(DiscoTest.layer()))
    )
  })

  it.effect("gives a connection, the nodes, and what a funnel needs", () =>
    Effect.gen(function* () {
      const { nodes, restart, kill } = yield* EmbeddedDisque
      assert.deepStrictEqual(nodes, (yield* DiscoTest.DiscoTest).nodes)
      yield* kill(nodes[0])
      yield* restart(nodes[0])
      const funnel = yield* Funnel.make({ queues: "numbers" })
      yield* Queue.offer(funnel.outgoing, { queue: "numbers", body: "1" })
      const jobs = yield* DiscoTest.run(Stream.runCollect(Stream.take(funnel.incoming, 1)))
      assert.strictEqual(Chunk.size(jobs), 1)
      yield* DiscoTest.run((yield* DisqueConnection).ping)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("leaves the clock of the test around it as it was", () =>
    Effect.gen(function* () {
      yield* Effect.provide(DiscoTest.advance("1 hour"), DiscoTest.layer())
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Clock.currentTimeMillis, 1000)
    })
  )

  it.effect("gives all that TestClock has", () =>
    Effect.gen(function* () {
      const back = yield* TestClock.save()
      yield* TestClock.setTime(5000)
      yield* Effect.fork(Effect.sleep("1 second"))
      yield* DiscoTest.idle
      assert.include(Chunk.toReadonlyArray(yield* TestClock.sleeps()), 6000)
      assert.strictEqual(
        yield* TestClock.adjustWith(Effect.zipRight(Effect.sleep("1 minute"), Effect.succeed(1)), "1 hour"),
        1
      )
      assert.strictEqual(yield* Clock.currentTimeMillis, 3_605_000)
      yield* back
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("dies of an option that is not valid, and says which", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.provide(Effect.void, DiscoTest.layer({ nodes: 0 })))
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(exit), "nodes")
    })
  )

  it.effect("moves time for one fiber after the other", () =>
    Effect.gen(function* () {
      const both = yield* Effect.fork(
        Effect.all([DiscoTest.advance("1 hour"), DiscoTest.advance("1 hour")], { concurrency: "unbounded" })
      )
      yield* Fiber.join(both)
      assert.strictEqual(yield* Clock.currentTimeMillis, 7_200_000)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("moves no more time for a fiber that is interrupted", () =>
    Effect.gen(function* () {
      let isReached = false
      yield* Effect.fork(Effect.zipRight(Effect.sleep("1 minute"), Effect.interrupt))
      const moving = yield* Effect.fork(DiscoTest.advance("1 day"))
      yield* Effect.fork(Effect.zipRight(Effect.sleep("1 hour"), Fiber.interrupt(moving)))
      yield* Effect.fork(
        Effect.delay(
          Effect.sync(() => (isReached = true)),
          "2 hours"
        )
      )
      yield* Fiber.await(moving)
      assert.isFalse(isReached)
      yield* DiscoTest.advance("3 hours")
      assert.isTrue(isReached)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )
})
