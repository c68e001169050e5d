import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { known, left } from "../utils/jobs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"
import { add, bodies, number } from "./utils.js"

describe.concurrent("leases", () => {
  it.effect("of jobs in hand and of those fetched ahead are kept: nothing is delivered twice in an hour", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 5; i++) yield* pool.addJob("q", String(i), { retry: "2 minutes" })
      yield* pass("100 seconds")
      const funnel = yield* Funnel.make({ queues: "q", prefetchTimeToLive: "1 day" })
      const consumer = yield* Effect.fork(Stream.runForEach(funnel.incoming, () => Effect.never))
      yield* pass("1 hour")
      assert.strictEqual(yield* pool.queueLength("q"), 0)
      yield* Fiber.interrupt(consumer)
      const jobs = yield* left("q")
      assert.deepStrictEqual(
        jobs.map((job) => [job.nacks, job.additionalDeliveries]),
        Array.from({ length: 5 }, () => [1, 0])
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("cost no command for a job that is done at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let working = 0
      const counting: DisquePool.Service = {
        ...pool,
        working: (job) =>
          Effect.zipRight(
            Effect.sync(() => working++),
            pool.working(job)
          )
      }
      yield* add("q", 100)
      yield* Effect.gen(function* () {
        const funnel = yield* Funnel.make({ queues: "q" })
        yield* Stream.runDrain(Stream.take(funnel.incoming, 100))
      }).pipe(Effect.scoped, Effect.provideService(DisquePool, counting))
      assert.strictEqual(working, 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect(
    "that are lost are told to the consumer of the job, as a value or an interruption, and to the one who settles it",
    () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const [first, second] = yield* add("q", 2)
        const funnel = yield* Funnel.make({ queues: "q" })
        const reasons: Array<string> = []
        let interrupted = 0
        const consume = Stream.runForEach(funnel.incoming, (job) =>
          Effect.gen(function* () {
            if (job.id === first) reasons.push((yield* job.lost).reason)
            else {
              const work = Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
              const error = yield* Effect.flip(job.guard(work))
              reasons.push(error.reason)
            }
            const settled = yield* Effect.all([Effect.flip(job.nack), Effect.flip(job.ack)])
            reasons.push(...settled.map((error) => error._tag))
            // Settling it again does no harm.
            yield* job.ack
          })
        )
        const consumer = yield* Effect.fork(Effect.all([consume, consume], { concurrency: "unbounded" }))
        yield* settle
        yield* pool.deleteJob([first, second].filter((id) => id !== undefined))
        yield* pass("2 hours")
        yield* pass("2 hours")
        assert.sameMembers(reasons, ["unknown", "LeaseLost", "LeaseLost", "unknown", "LeaseLost", "LeaseLost"])
        assert.strictEqual(interrupted, 1)
        yield* Fiber.interrupt(consumer)
      }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("end at half of the TTL: the consumer of the job is told of TOOLATE", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("q", "old", { ttl: "10 minutes", retry: "1 minute" })
      const funnel = yield* Funnel.make({ queues: "q" })
      const reason = yield* Effect.fork(
        Stream.runHead(Stream.mapEffect(funnel.incoming, (job) => Effect.map(job.lost, ({ reason }) => reason)))
      )
      yield* pass("6 minutes")
      assert.deepStrictEqual(yield* Fiber.join(reason), Option.some("too-old"))
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe.concurrent("settling", () => {
  it.effect("by hand is done and reported at once, and does no harm if it is done twice", () =>
    Effect.gen(function* () {
      const ids = yield* add("q", 3)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q", acknowledge: "manual", prefetch: 1 })
          yield* Stream.runForEach(Stream.take(funnel.incoming, 3), (job) =>
            number(job) === 0
              ? Effect.zipRight(job.ack, Effect.zipRight(job.ack, job.nack))
              : number(job) === 2
                ? Effect.zipRight(job.nack, Effect.zipRight(job.nack, job.ack))
                : Effect.void
          )
        })
      )
      assert.strictEqual(yield* known(ids), 2)
      assert.deepStrictEqual(yield* bodies("q"), [1, 2])
    }).pipe(Effect.provide(layer))
  )

  it.effect("goes out in few commands, by ACKJOB or FASTACK as the option says", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (const ackWith of ["ackjob", "fastack"] as const) {
        const ids = yield* add("q", 200)
        const calls = { ackjob: 0, fastack: 0 }
        const counting: DisquePool.Service = {
          ...pool,
          ackJob: (jobs) =>
            Effect.zipRight(
              Effect.sync(() => calls.ackjob++),
              pool.ackJob(jobs)
            ),
          fastAckJob: (jobs) =>
            Effect.zipRight(
              Effect.sync(() => calls.fastack++),
              pool.fastAckJob(jobs)
            )
        }
        yield* Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q", ackWith, prefetch: 64 })
          yield* Stream.runDrain(Stream.take(funnel.incoming, 200))
        }).pipe(Effect.scoped, Effect.provideService(DisquePool, counting))
        assert.strictEqual(yield* known(ids), 0)
        assert.isBelow(calls[ackWith], 60)
        assert.strictEqual(calls[ackWith === "ackjob" ? "fastack" : "ackjob"], 0)
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("puts back what was not done by ENQUEUE if the option says so, and job.nack is a NACK all the same", () =>
    Effect.gen(function* () {
      yield* add("q", 3)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({
            queues: "q",
            acknowledge: "manual",
            putBackWith: "enqueue",
            prefetch: 0
          })
          yield* Stream.runForEach(Stream.take(funnel.incoming, 2), (job) =>
            number(job) === 1 ? job.nack : Effect.void
          )
        })
      )
      const jobs = yield* left("q")
      assert.deepStrictEqual(
        jobs.map((job) => [number(job), job.nacks, job.additionalDeliveries]),
        [
          [0, 0, 1],
          [1, 1, 0],
          [2, 0, 0]
        ]
      )
    }).pipe(Effect.provide(layer))
  )
})
