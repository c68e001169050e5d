import { DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, FiberId, FiberRef, Option, Runtime } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, known, left, numbers } from "../utils/jobs.js"
import { logged, makeLog } from "../utils/logs.js"
import { clusterOf, layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

describe.concurrent("handlers", () => {
  it.effect("get each job with its payload and attempt, and a job is acknowledged when its handler succeeds", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(5)
      const seen: Array<readonly [number, number]> = []
      yield* Worker.make(numbers, ({ n }, { attempt }) => Effect.sync(() => seen.push([n, attempt])))
      yield* settle
      assert.deepStrictEqual(
        seen,
        [0, 1, 2, 3, 4].map((n) => [n, 1])
      )
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("run at most `concurrency` at a time, and a slow one holds up no other", () =>
    Effect.gen(function* () {
      yield* addAll(12)
      let running = 0
      let most = 0
      const done: Array<number> = []
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.gen(function* () {
            running += 1
            most = Math.max(most, running)
            yield* Effect.sleep(n === 0 ? "1 hour" : "1 second")
            running -= 1
            done.push(n)
          }),
        { concurrency: 3, grace: 0 }
      )
      for (let i = 0; i < 6; i++) yield* pass("1 second")
      assert.strictEqual(most, 3)
      assert.sameMembers(done, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("hold no more jobs than prefetch and concurrency when they are slower than their producers", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(100)
      yield* Worker.make(numbers, () => Effect.never, {
        concurrency: 3,
        prefetch: 5,
        prefetchTimeToLive: "1 day",
        grace: 0
      })
      yield* pass("1 minute")
      assert.strictEqual(yield* pool.queueLength("numbers"), 92)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that throw, reject, die or interrupt themselves have failed, and the worker goes on", () =>
    Effect.gen(function* () {
      yield* addAll(6)
      const errors: Array<string> = []
      yield* Worker.make(
        numbers,
        ({ n }): Effect.Effect<unknown, string> => {
          if (n === 0) throw new Error("thrown")
          if (n === 1) return Effect.promise(() => Promise.reject(new Error("rejected")))
          if (n === 2) return Effect.die(new Error("died"))
          if (n === 3) return Effect.interrupt
          if (n === 4) return Effect.fail("failed")
          return Effect.void
        },
        {
          attempts: 1,
          onFailure: ({ error }) => Effect.sync(() => errors.push(typeof error === "string" ? error : error.message))
        }
      )
      // A promise is rejected in its own time.
      yield* Effect.repeat(Effect.promise(() => Promise.resolve()).pipe(Effect.zipRight(settle)), { times: 20 })
      assert.strictEqual(errors.length, 5)
      for (const [i, expected] of ["thrown", "rejected", "died", "nterrupted", "failed"].entries()) {
        assert.include(errors[i], expected)
      }
      assert.strictEqual((yield* DeadLetter.list(numbers)).length, 5)
      assert.deepStrictEqual(yield* left("numbers"), [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that never end keep their lease for as long as Disque lets them", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      let calls = 0
      yield* Worker.make(
        numbers,
        () =>
          Effect.zipRight(
            Effect.sync(() => calls++),
            Effect.never
          ),
        { grace: 0 }
      )
      yield* pass("1 hour")
      const info = Option.getOrThrow(yield* pool.show(id ?? ""))
      assert.deepStrictEqual([calls, info.state, info.additionalDeliveries], [1, "active", 0])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("may acknowledge early, and twice", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(1)
      let calls = 0
      yield* Worker.make(numbers, (_, current) =>
        Effect.gen(function* () {
          calls += 1
          yield* current.ack
          yield* current.ack
          return yield* Effect.fail("after the work was done")
        })
      )
      yield* pass("1 hour")
      assert.deepStrictEqual([calls, yield* known(ids)], [1, 0])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("leave nothing to the next job: no fiber, no setting of a FiberRef", () =>
    Effect.gen(function* () {
      yield* addAll(2)
      const ref = FiberRef.unsafeMake("nobody's")
      const seen: Array<string> = []
      let interrupted = 0
      yield* Worker.make(numbers, () =>
        Effect.gen(function* () {
          seen.push(yield* FiberRef.get(ref))
          yield* FiberRef.set(ref, "mine")
          yield* Effect.fork(Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)))
          yield* Effect.yieldNow()
        })
      )
      yield* settle
      assert.deepStrictEqual([seen, interrupted], [["nobody's", "nobody's"], 2])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("have the services with which the worker was made, and the current job", () =>
    Effect.gen(function* () {
      class Greeting extends Context.Tag("Greeting")<Greeting, string>() {}
      yield* addAll(1)
      const seen: Array<string> = []
      const handler = () =>
        Effect.gen(function* () {
          const { job } = yield* Worker.CurrentJob
          seen.push(`${yield* Greeting} ${Job.text(job)}`)
        })
      yield* Effect.provideService(Worker.make(numbers, handler), Greeting, "hello")
      yield* settle
      assert.deepStrictEqual(seen, ['hello {"n":0}'])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("leave fibers running that go on with their own job, whatever job comes next", () =>
    Effect.gen(function* () {
      yield* addAll(3)
      const gate = yield* Deferred.make<void>()
      const seen: Array<string> = []
      const log = makeLog()
      yield* Worker.make(numbers, () =>
        Effect.gen(function* () {
          const runtime = yield* Effect.runtime<Worker.CurrentJob>()
          const report = Effect.gen(function* () {
            const { job } = yield* Worker.CurrentJob
            seen.push(`${Job.text(job)} ${job.id}`)
            yield* Effect.log("still here")
          })
          yield* Effect.forkDaemon(Effect.zipRight(Deferred.await(gate), report))
          yield* Effect.forkDaemon(
            Effect.zipRight(
              Deferred.await(gate),
              Effect.sync(() => Runtime.runFork(runtime)(report))
            )
          )
        })
      ).pipe(Effect.provide(log.layer))
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.strictEqual(new Set(seen).size, 3)
      assert.strictEqual(seen.length, 6)
      const ids = seen.map((line) => line.split(" ")[1])
      assert.sameMembers(
        log.lines.map(({ annotations }) => annotations.job),
        ids
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that end at once share a few fibers, and handlers that take time have a fiber each", () =>
    Effect.gen(function* () {
      yield* addAll(20)
      const fibers = new Set<string>()
      let isSlow = false
      yield* Worker.make(
        numbers,
        () =>
          Effect.flatMap(Effect.fiberId, (id) => {
            fibers.add(FiberId.threadName(id))
            return isSlow ? Effect.never : Effect.void
          }),
        { concurrency: 10, prefetch: 20, grace: 0 }
      )
      yield* settle
      assert.isBelow(fibers.size, 10)
      fibers.clear()
      isSlow = true
      yield* addAll(20)
      yield* settle
      assert.strictEqual(fibers.size, 10)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("get the jobs of every node as they come, however little is fetched ahead", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const seen: Array<number> = []
      for (const [n, { address }] of nodes.entries()) {
        // No job on another node makes room for this one.
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* Worker.make(numbers, ({ n }) => Effect.sync(() => seen.push(n)), { concurrency: 3, prefetch: 1 })
            yield* pass("1 second")
            yield* numbers.add(pool.on(address), { n }, { replicate: 1 })
            yield* settle
          })
        )
      }
      assert.deepStrictEqual(seen, [0, 1, 2])
    }).pipe(Effect.scoped, Effect.provide(clusterOf(3)))
  )

  it.effect("are interrupted when the lease is lost, and their place is taken", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      let interrupted = 0
      const seen: Array<number> = []
      const lines = yield* logged(
        Effect.gen(function* () {
          yield* Worker.make(numbers, ({ n }) =>
            n === 0 && seen.push(n) === 1
              ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
              : Effect.sync(() => seen.push(n))
          )
          yield* settle
          // Somebody else has done the job.
          yield* pool.ackJob(id ?? "")
          yield* pass("1 minute")
          assert.strictEqual(interrupted, 1)
          yield* numbers.add(pool, { n: 7 })
          yield* settle
          assert.deepStrictEqual(seen, [0, 7])
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(lines.filter(({ text }) => text.includes("no longer ours")).length, 1)
    }).pipe(Effect.provide(layer))
  )

  it.effect("go on without a lease if the option says so", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      let done = 0
      yield* Worker.make(
        numbers,
        () =>
          Effect.zipRight(
            Effect.sleep("10 minutes"),
            Effect.sync(() => done++)
          ),
        {
          onLeaseLost: "ignore"
        }
      )
      yield* settle
      yield* pool.ackJob(id ?? "")
      yield* pass("10 minutes")
      assert.strictEqual(done, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
