import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Queue, Schedule, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { left } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

describe.concurrent("outgoing", () => {
  it.effect("reports jobs that cannot be added by their queue and size, and adds the others", () =>
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

  it.effect("gives jobs that cannot be added to the reader of undelivered, with the reason", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        Effect.gen(function* () {
          const got: Array<string> = []
          const reader = yield* Effect.scoped(
            Effect.gen(function* () {
              const funnel = yield* Funnel.make({ queues: "q", outgoingCapacity: 2 })
              const reader = yield* Effect.forkDaemon(
                Stream.runForEach(funnel.undelivered, ({ error, job }) =>
                  Effect.sync(() => got.push(`${String(job.body)} ${error._tag}`))
                )
              )
              yield* settle
              for (let i = 0; i < 5; i++) {
                yield* Queue.offer(funnel.outgoing, { queue: "q", body: String(i), options: { delay: "1500 millis" } })
              }
              return reader
            })
          )
          // It ends with the funnel.
          yield* Fiber.join(reader)
          assert.sameMembers(
            got,
            [0, 1, 2, 3, 4].map((i) => `${i} InvalidArgument`)
          )
        })
      )
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(layer))
  )

  it.effect("tries again as its schedule says, and then gives up", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.pause("q", "in")
      const funnel = yield* Funnel.make({
        queues: "q",
        addSchedule: Schedule.spaced("1 second").pipe(Schedule.intersect(Schedule.recurs(3)))
      })
      const sending = yield* Effect.fork(Effect.flip(funnel.send({ queue: "q", body: "a" })))
      yield* pass("2 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(sending)))
      yield* pass("1 second")
      assert.strictEqual((yield* Fiber.join(sending))._tag, "QueuePaused")
      const second = yield* Effect.fork(funnel.send({ queue: "q", body: "b" }))
      yield* settle
      yield* pool.pause("q", "none")
      yield* pass("1 second")
      const id = yield* Fiber.join(second)
      assert.deepStrictEqual(
        (yield* left("q")).map((job) => job.id),
        [id]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("lets offers wait while it is full, and adds as many jobs in parallel as the option says", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let running = 0
      let most = 0
      const slow: DisquePool.Service = {
        ...pool,
        addJobs: (jobs) =>
          Effect.suspend(() => {
            running += jobs.length
            most = Math.max(most, running)
            return Effect.ensuring(
              Effect.zipRight(Effect.sleep("1 second"), pool.addJobs(jobs)),
              Effect.sync(() => {
                running -= jobs.length
              })
            )
          })
      }
      yield* Effect.gen(function* () {
        const funnel = yield* Funnel.make({ queues: "q", batch: 3, outgoingCapacity: 2 })
        let offered = 0
        const producer = yield* Effect.fork(
          Effect.forEach(Array.from({ length: 20 }), (_, i) =>
            Effect.tap(Queue.offer(funnel.outgoing, { queue: "q", body: String(i) }), () => offered++)
          )
        )
        yield* settle
        assert.isAtMost(offered, 3 + 3 + 2)
        for (let i = 0; i < 10; i++) yield* pass("1 second")
        yield* Fiber.join(producer)
        assert.strictEqual(most, 3)
      }).pipe(Effect.scoped, Effect.provideService(DisquePool, slow))
      assert.strictEqual(yield* pool.queueLength("q"), 20)
    }).pipe(Effect.provide(layer))
  )

  it.effect("adds jobs with the defaults of the funnel, unless the job says otherwise", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({
            queues: "q",
            addTimeout: "1 second",
            defaults: { retry: "1 minute", ttl: "1 hour" }
          })
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "a" })
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "b", options: { retry: "2 minutes" } })
        })
      )
      const jobs = yield* pool.getJobs("q", { count: 2 })
      const retries = yield* Effect.forEach(jobs, (job) => pool.working(job))
      assert.deepStrictEqual(retries, [Duration.minutes(1), Duration.minutes(2)])
    }).pipe(Effect.provide(layer))
  )

  it.effect("waits for a node that is gone, and adds the jobs when it is back", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const funnel = yield* Funnel.make({ queues: "q" })
      yield* disque.kill(disque.nodes[0])
      yield* Queue.offer(funnel.outgoing, { queue: "q", body: "patient" })
      yield* pass("3 seconds")
      yield* disque.restart(disque.nodes[0])
      yield* pass("30 seconds")
      assert.strictEqual(yield* pool.queueLength("q"), 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
