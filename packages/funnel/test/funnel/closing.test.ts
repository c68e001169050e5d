import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Queue, Scope, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { left } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"
import { add, number } from "./utils.js"

describe.concurrent("the close", () => {
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
          const sending = yield* Effect.fork(Effect.flip(funnel.send({ queue: "q", body: "sent" })))
          yield* settle
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* pass("6 seconds")
          assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
          assert.strictEqual((yield* Fiber.join(sending))._tag, "FunnelClosed")
        })
      )
      const errors = lines.filter((line) => line.level === "ERROR").map((line) => line.text)
      assert.include(errors.join("\n"), "the funnel could not close in time")
      assert.include(errors, "a job could not be added")
    }).pipe(Effect.provide(layer))
  )

  it.effect("nacks each job that is not done exactly once, at whatever moment, and no job that is done", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let moment = 0; moment < 120; moment++) {
        const queue = `q${moment}`
        const done: Array<number> = []
        yield* add(queue, 6)
        const scope = yield* Scope.make()
        const funnel = yield* Scope.extend(Funnel.make({ queues: queue, prefetch: 2 }), scope)
        const consume = Stream.runForEach(funnel.incoming, (job) =>
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => done.push(number(job)))
          )
        )
        const consumers = yield* Effect.fork(Effect.all([consume, consume], { concurrency: "unbounded" }))
        for (let i = 0; i < moment; i++) yield* Effect.yieldNow()
        const waiting = yield* pool.queueLength(queue)
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.interrupt(consumers)
        const back = yield* left(queue)
        const lost = [0, 1, 2, 3, 4, 5].filter((n) => !done.includes(n) && !back.some((job) => number(job) === n))
        assert.isEmpty(lost, `lost at moment ${moment}`)
        // Each that was fetched went back by one NACK, the others were never touched.
        assert.isTrue(back.every((job) => job.nacks <= 1 && job.additionalDeliveries === 0))
        assert.isAtMost(back.filter((job) => job.nacks === 0).length, waiting)
        // A job whose consumer was done and had not pulled the next one yet may come again: two consumers, two jobs at most.
        assert.isAtMost(back.filter((job) => done.includes(number(job))).length, 2)
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("nacks as many jobs as are not settled: those that wait, and those that consumers have", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (const inHand of [0, 1, 3]) {
        const queue = `k${inHand}`
        yield* add(queue, 10)
        const acks: Array<number> = []
        const counting: DisquePool.Service = {
          ...pool,
          nackJob: (jobs) => Effect.tap(pool.nackJob(jobs), (count) => acks.push(count))
        }
        const scope = yield* Scope.make()
        const funnel = yield* Effect.provideService(
          Scope.extend(Funnel.make({ queues: queue, prefetch: 4 }), scope),
          DisquePool,
          counting
        )
        const gate = yield* Deferred.make<void>()
        const consumers = yield* Effect.forEach(Array.from({ length: inHand }), () =>
          Effect.fork(Stream.runForEach(funnel.incoming, () => Deferred.await(gate)))
        )
        yield* settle
        const expected = 10 - (yield* pool.queueLength(queue))
        assert.isAtMost(expected, inHand + 4)
        assert.strictEqual(expected > inHand, inHand > 0)
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.succeed(gate, undefined)
        const exits: ReadonlyArray<Exit.Exit<void, unknown>> = yield* Effect.forEach(consumers, Fiber.await)
        assert.isTrue(exits.every(Exit.isSuccess))
        assert.strictEqual(
          acks.reduce((sum, count) => sum + count, 0),
          expected
        )
        const jobs = yield* left(queue)
        assert.deepStrictEqual([jobs.length, jobs.filter((job) => job.nacks === 1).length], [10, expected])
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("reports all jobs that were offered if the node is gone, also beyond the capacity of outgoing", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const lines = yield* logged(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const options = { queues: "q", outgoingCapacity: 2, batch: 2, closeWithin: "1 second" } as const
          const funnel = yield* Scope.extend(Funnel.make(options), scope)
          yield* disque.kill(disque.nodes[0])
          const offering = yield* Effect.fork(
            Effect.forEach([1, 2, 3, 4, 5, 6], (n) => Queue.offer(funnel.outgoing, { queue: "q", body: String(n) }), {
              concurrency: "unbounded"
            })
          )
          yield* settle
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* pass("1 second")
          yield* pass("1 second")
          yield* Fiber.join(closing)
          yield* Fiber.await(offering)
        })
      )
      const said = lines.filter(({ text }) => text === "a job could not be added")
      assert.strictEqual(said.length, 2)
      assert.strictEqual(Number(said[1]?.annotations.count), 5)
    }).pipe(Effect.provide(layer))
  )

  it.effect("adds the jobs that were offered, and gives their ids to callers that wait for them", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const sent = yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q", outgoingCapacity: 2, batch: 2 })
          const sent = yield* Effect.forkDaemon(
            Effect.forEach([1, 2, 3], (n) => funnel.send({ queue: "q", body: `sent ${n}` }), {
              concurrency: "unbounded"
            })
          )
          yield* Effect.forEach([1, 2, 3, 4], (n) => Queue.offer(funnel.outgoing, { queue: "q", body: String(n) }))
          return sent
        })
      )
      assert.strictEqual((yield* Fiber.join(sent)).length, 3)
      assert.strictEqual(yield* pool.queueLength("q"), 7)
    }).pipe(Effect.provide(layer))
  )
})
