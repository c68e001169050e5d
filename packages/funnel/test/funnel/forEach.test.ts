import { DisquePool, Job, JobQueue, NotAuthenticated } from "@disco/core"
import { Consume, type Consuming, consume } from "@disco/core/internal"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, FiberRef, Schema, Scope, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { known } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { clusterOf, layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

const queue = "jobs"

const add = (...bodies: ReadonlyArray<string>) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(bodies, (body) => pool.addJob(queue, body, { retry: "1 minute" }))
  )

const names = (count: number) => Array.from({ length: count }, (_, i) => String(i))

/** The bodies and nacks of the jobs that wait. */
const waiting = Effect.flatMap(DisquePool, (pool) =>
  Effect.map(pool.getJobs(queue, { count: 1000, timeout: 0 }), (jobs) =>
    jobs.map((job) => [Job.text(job), job.nacks] as const)
  )
)

/** Counts the handlers that run, and the most of them. */
const counter = () => {
  const count = { now: 0, most: 0, all: 0 }
  const counting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        count.all += 1
        count.now += 1
        count.most = Math.max(count.most, count.now)
      }),
      () => effect,
      () =>
        Effect.sync(() => {
          count.now -= 1
        })
    )
  return { count, counting }
}

const inVirtualTime = <A, E>(effect: Effect.Effect<A, E, DisquePool | EmbeddedDisque | Scope.Scope>) =>
  effect.pipe(VirtualTime.scoped, Effect.provide(layer))

describe.concurrent("forEach", () => {
  it.effect("acknowledges the job of each handler that succeeds, with as many handlers at a time as it may have", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const ids = yield* add(...names(40))
        const funnel = yield* Funnel.make({ queues: queue })
        const { count, counting } = counter()
        const run = yield* Effect.fork(funnel.forEach(() => counting(Effect.sleep("1 second")), { concurrency: 8 }))
        for (let i = 0; i < 5; i++) yield* pass("1 second")
        assert.deepStrictEqual(count, { now: 0, most: 8, all: 40 })
        assert.strictEqual(yield* known(ids), 0)
        yield* Fiber.interrupt(run)
      })
    )
  )

  for (const [what, handler] of Object.entries({
    fails: Effect.fail("no route"),
    dies: Effect.die(new Error("a bug")),
    throws: Effect.suspend((): Effect.Effect<never> => {
      throw new Error("a bug")
    }),
    "interrupts itself": Effect.interrupt,
    "fails with what has no text": Effect.fail(
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("no")
          }
        }
      )
    )
  })) {
    it.effect(`puts back the job of a handler that ${what}, and goes on`, () =>
      inVirtualTime(
        Effect.gen(function* () {
          const ids = yield* add(...names(10))
          const funnel = yield* Funnel.make({ queues: queue })
          const nacks: Array<number> = []
          const lines = yield* logged(
            Effect.gen(function* () {
              const run = yield* Effect.fork(
                funnel.forEach(
                  (job) => {
                    if (Job.text(job) !== "3") return Effect.void
                    nacks.push(job.nacks)
                    return job.nacks < 5 ? handler : Effect.void
                  },
                  { concurrency: 2 }
                )
              )
              yield* pass("1 second")
              yield* Fiber.interrupt(run)
            })
          )
          assert.deepStrictEqual(nacks, [0, 1, 2, 3, 4, 5])
          assert.strictEqual(yield* known(ids), 0)
          // The others are counted, and said once a minute.
          const failures = lines.filter(({ text }) => text.startsWith("a handler failed, and its job goes back"))
          assert.strictEqual(failures.length, 1)
          assert.strictEqual(failures[0]?.level, "WARN")
          assert.deepStrictEqual(failures[0]?.annotations, { queue, job: ids[3] })
        })
      )
    )
  }

  for (const concurrency of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it.effect(`refuses a concurrency of ${concurrency}`, () =>
      inVirtualTime(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: queue })
          const error = yield* Effect.flip(funnel.forEach(() => Effect.void, { concurrency }))
          assert.strictEqual(error._tag, "InvalidArgument")
          assert.include(error.message, "concurrency")
        })
      )
    )
  }

  it.effect("puts back what is in work and what was fetched ahead when it is interrupted", () =>
    inVirtualTime(
      Effect.gen(function* () {
        yield* add(...names(20))
        const funnel = yield* Funnel.make({ queues: queue })
        const { count, counting } = counter()
        const run = yield* Effect.fork(funnel.forEach(() => counting(Effect.never), { concurrency: 3 }))
        yield* settle
        assert.strictEqual(count.now, 3)
        yield* Fiber.interrupt(run)
        assert.strictEqual(count.now, 0)
        const back = yield* waiting
        assert.sameMembers(
          back.map(([body]) => body),
          names(20)
        )
        assert.isTrue(back.every(([, nacks]) => nacks <= 1))
      })
    )
  )

  it.effect("fetches no more than its concurrency and the prefetch", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* add(...names(100))
        const funnel = yield* Funnel.make({ queues: queue, prefetch: 5, prefetchTimeToLive: "1 hour" })
        yield* Effect.fork(funnel.forEach(() => Effect.never, { concurrency: 3 }))
        yield* pass("5 seconds")
        assert.strictEqual(yield* pool.queueLength(queue), 100 - 3 - 5)
      })
    )
  )

  it.effect("renews leases while handlers run", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const [id = ""] = yield* add("long")
        const funnel = yield* Funnel.make({ queues: queue })
        const { count, counting } = counter()
        yield* Effect.fork(funnel.forEach(() => counting(Effect.sleep("10 minutes"))))
        for (let i = 0; i < 20; i++) yield* pass("30 seconds")
        yield* pass("1 second")
        assert.deepStrictEqual(count, { now: 0, most: 1, all: 1 })
        assert.strictEqual((yield* pool.show(id))._tag, "None")
      })
    )
  )

  it.effect("loses no job when it is interrupted at any moment", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const handled = new Set<string>()
        const pool = yield* DisquePool
        for (let turns = 0; turns < 40; turns++) {
          const funnel = yield* Funnel.make({ queues: queue, prefetch: turns % 3 })
          const body = String(turns)
          const run = yield* Effect.fork(
            funnel.forEach((job) => Effect.sync(() => handled.add(Job.text(job))), { concurrency: 2 })
          )
          yield* Effect.repeatN(Effect.yieldNow(), 20)
          yield* add(body)
          yield* Effect.repeatN(Effect.yieldNow(), turns)
          yield* VirtualTime.run(Fiber.interrupt(run))
          if (!handled.has(body)) assert.strictEqual(yield* pool.queueLength(queue), 1, `after ${turns} turns`)
          for (const [left] of yield* waiting) handled.add(left)
        }
        assert.strictEqual(handled.size, 40)
      })
    )
  )

  it.effect("ends when its funnel closes: handlers are interrupted, and their jobs go back once", () =>
    inVirtualTime(
      Effect.gen(function* () {
        yield* add(...names(4))
        const scope = yield* Scope.make()
        const funnel = yield* Scope.extend(Funnel.make({ queues: queue }), scope)
        const { count, counting } = counter()
        const run = yield* Effect.fork(funnel.forEach(() => counting(Effect.never), { concurrency: 2 }))
        yield* settle
        yield* VirtualTime.run(Scope.close(scope, Exit.void))
        assert.deepStrictEqual(yield* Fiber.await(run), Exit.void)
        assert.deepStrictEqual(count, { now: 0, most: 2, all: 2 })
        const back = yield* waiting
        assert.sameMembers(
          back.map(([body]) => body),
          names(4)
        )
        assert.isTrue(back.every(([, nacks]) => nacks <= 1))
      })
    )
  )

  it.effect("closes in time beside a handler that cannot be interrupted", () =>
    inVirtualTime(
      Effect.gen(function* () {
        yield* add("stubborn")
        const scope = yield* Scope.make()
        const funnel = yield* Scope.extend(Funnel.make({ queues: queue, closeWithin: "4 seconds" }), scope)
        const run = yield* Effect.fork(funnel.forEach(() => Effect.uninterruptible(Effect.sleep("1 hour"))))
        yield* settle
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* pass("4 seconds")
        assert.isNotNull(closing.unsafePoll())
        assert.isTrue((yield* waiting).some(([body, nacks]) => body === "stubborn" && nacks === 1))
        yield* pass("1 hour")
        assert.deepStrictEqual(yield* Fiber.await(run), Exit.void)
      })
    )
  )

  it.effect("puts back other jobs in time where a handler cannot be interrupted", () =>
    inVirtualTime(
      Effect.gen(function* () {
        yield* add("stubborn", "2", "3")
        const funnel = yield* Funnel.make({ queues: queue, closeWithin: "4 seconds" })
        const run = yield* Effect.fork(
          funnel.forEach(
            (job) => (Job.text(job) === "stubborn" ? Effect.uninterruptible(Effect.sleep("1 minute")) : Effect.never),
            { concurrency: 2 }
          )
        )
        yield* settle
        const interrupting = yield* Effect.fork(Fiber.interrupt(run))
        yield* pass("4 seconds")
        assert.sameDeepMembers(yield* waiting, [
          ["2", 1],
          ["3", 1]
        ])
        assert.isNull(interrupting.unsafePoll())
        yield* pass("1 minute")
        assert.isNotNull(interrupting.unsafePoll())
        assert.isTrue((yield* waiting).some(([body, nacks]) => body === "stubborn" && nacks === 1))
      })
    )
  )

  it.effect("ends at once on a funnel that has closed", () =>
    inVirtualTime(
      Effect.gen(function* () {
        yield* add("1")
        const funnel = yield* Effect.scoped(Funnel.make({ queues: queue }))
        assert.isUndefined(yield* funnel.forEach(() => Effect.die("never"), { concurrency: 4 }))
        assert.strictEqual((yield* waiting).length, 1)
      })
    )
  )

  it.effect("shares the jobs with other runs and with incoming: each job goes to one of them", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const ids = yield* add(...names(60))
        const funnel = yield* Funnel.make({ queues: queue })
        const seen: Array<string> = []
        const by = { first: 0, second: 0, incoming: 0 }
        const take = (who: keyof typeof by) => (job: Job.Job) =>
          Effect.suspend(() => {
            seen.push(Job.text(job))
            by[who] += 1
            return Effect.sleep("1 second")
          })
        const runs = yield* Effect.fork(
          Effect.all(
            [
              funnel.forEach(take("first"), { concurrency: 2 }),
              funnel.forEach(take("second"), { concurrency: 2 }),
              Stream.runForEach(funnel.incoming, take("incoming"))
            ],
            { concurrency: "unbounded" }
          )
        )
        for (let i = 0; i < 15; i++) yield* pass("1 second")
        assert.sameMembers(seen, names(60))
        assert.isTrue(Object.values(by).every((count) => count > 0))
        yield* Fiber.interrupt(runs)
        assert.strictEqual(yield* known(ids), 0)
      })
    )
  )

  it.effect("leaves jobs to handlers that settle by hand", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const ids = yield* add("ack", "neither", "fails")
        const funnel = yield* Funnel.make({ queues: queue, acknowledge: "manual" })
        const run = yield* Effect.fork(
          funnel.forEach((job): Effect.Effect<void, unknown> => {
            if (Job.text(job) === "ack") return job.ack
            return Job.text(job) === "fails" ? Effect.fail("no") : Effect.void
          })
        )
        yield* pass("5 seconds")
        assert.strictEqual(yield* known(ids), 2)
        assert.deepStrictEqual(yield* waiting, [])
        yield* Fiber.interrupt(run)
        assert.deepStrictEqual(yield* waiting, [])
      })
    )
  )

  it.effect("moves what does not fit the schema to the dead-letter queue", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const pool = yield* DisquePool
        for (const payload of [
          Schema.Number,
          Schema.transformOrFail(Schema.Number, Schema.Number, {
            decode: (n) => Effect.as(Effect.sleep("1 second"), n),
            encode: Effect.succeed
          })
        ]) {
          const numbers = JobQueue.make(queue, { payload })
          yield* add("1", "two", "3")
          const funnel = yield* Funnel.forQueue(numbers)
          const seen: Array<number> = []
          const run = yield* Effect.fork(
            funnel.forEach((job) => Effect.sync(() => seen.push(job.payload)), { concurrency: 2 })
          )
          yield* pass("5 seconds")
          yield* pass("5 seconds")
          yield* Fiber.interrupt(run)
          assert.sameMembers(seen, [1, 3])
          assert.strictEqual(yield* pool.queueLength(`${queue}.dead`), 1)
          yield* pool.getJobs(`${queue}.dead`, { timeout: 0 })
        }
      })
    )
  )

  it.effect("gives handlers the services and fiber refs of the caller, and ends what they fork", () =>
    inVirtualTime(
      Effect.gen(function* () {
        class Greeting extends Context.Tag("Greeting")<Greeting, string>() {}
        const ref = yield* FiberRef.make("from the caller")
        yield* add(...names(6))
        const funnel = yield* Funnel.make({ queues: queue })
        const seen: Array<string> = []
        let ended = 0
        const handler = Effect.gen(function* () {
          seen.push(`${yield* Greeting} ${yield* FiberRef.get(ref)}`)
          yield* FiberRef.set(ref, "from another handler")
          yield* Effect.fork(Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended++)))
          yield* Effect.yieldNow()
        })
        const run = yield* Effect.fork(
          Effect.locally(
            ref,
            "set"
          )(
            Effect.provideService(
              funnel.forEach(() => handler),
              Greeting,
              "hello"
            )
          )
        )
        yield* settle
        yield* settle
        assert.deepStrictEqual(
          seen,
          names(6).map(() => "hello set")
        )
        assert.strictEqual(ended, 6)
        yield* Fiber.interrupt(run)
      })
    )
  )

  it.effect("loses no job when a node dies while handlers run", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const { kill, nodes } = yield* EmbeddedDisque
      const bodies = names(60)
      yield* Effect.forEach(bodies, (body) => pool.addJob(queue, body, { retry: "10 seconds", replicate: 3 }))
      const funnel = yield* Funnel.make({ queues: queue })
      const seen: Array<string> = []
      yield* Effect.fork(
        funnel.forEach((job) => Effect.tap(Effect.sleep("2 seconds"), () => seen.push(Job.text(job))), {
          concurrency: 4
        })
      )
      yield* pass("3 seconds")
      const [first] = nodes
      if (first !== undefined) yield* kill(first)
      for (let i = 0; i < 60; i++) yield* pass("2 seconds")
      assert.sameMembers([...new Set(seen)], bodies)
    }).pipe(VirtualTime.scoped, Effect.provide(clusterOf(3)))
  )

  it.effect("fails as incoming does, once the handlers under way have ended", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const error = new NotAuthenticated({ command: "GETJOB", node: "a:1", reply: "NOAUTH" })
        const begun = yield* Deferred.make<void>()
        const locked: DisquePool.Service & Consuming = {
          ...pool,
          [Consume]: (queues, options) =>
            Effect.raceFirst(consume(pool, queues, options), Effect.zipRight(Deferred.await(begun), Effect.fail(error)))
        }
        const [id = ""] = yield* add("1")
        const funnel = yield* Effect.provideService(Funnel.make({ queues: queue }), DisquePool, locked)
        const handler = Effect.zipRight(Deferred.succeed(begun, undefined), Effect.sleep("3 seconds"))
        const run = yield* Effect.fork(funnel.forEach(() => handler, { concurrency: 2 }))
        yield* Deferred.await(begun)
        yield* pass("2 seconds")
        assert.isNull(run.unsafePoll())
        yield* pass("2 seconds")
        assert.deepStrictEqual(yield* Effect.flip(Fiber.join(run)), error)
        yield* settle
        assert.strictEqual((yield* pool.show(id))._tag, "None")
      })
    )
  )
})
