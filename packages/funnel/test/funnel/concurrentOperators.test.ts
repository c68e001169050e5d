import { DisquePool, type Job } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Either, Exit, Fiber, Scope, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { known, left } from "../utils/jobs.js"
import { makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

type Handler = (job: Job.Job) => Effect.Effect<void, string>
type Operator = (
  incoming: Stream.Stream<Funnel.FunnelJob, Funnel.FunnelError>,
  handler: Handler
) => Stream.Stream<void, Funnel.FunnelError | string>

const operators: Record<string, Operator> = {
  "mapEffect, one at a time": (incoming, handler) => Stream.mapEffect(incoming, handler)
}
for (const concurrency of [4, 16, 64]) {
  operators[`mapEffect, ${concurrency} at a time`] = (incoming, handler) =>
    Stream.mapEffect(incoming, handler, { concurrency })
  operators[`mapEffect, ${concurrency} at a time, unordered`] = (incoming, handler) =>
    Stream.mapEffect(incoming, handler, { concurrency, unordered: true })
  operators[`flatMap, ${concurrency} at a time`] = (incoming, handler) =>
    Stream.flatMap(incoming, (job) => Stream.fromEffect(handler(job)), { concurrency })
}
operators["mapEffect, 16 at a time, and buffer"] = (incoming, handler) =>
  Stream.buffer(Stream.mapEffect(incoming, handler, { concurrency: 16 }), { capacity: 16 })

const several = Object.entries(operators).filter(([name]) => !name.includes("one at a time"))

const bodyOf = (job: Job.Job) => Number(new TextDecoder().decode(job.body))

const addMany = (count: number, from = 0) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const bodies = Array.from({ length: count }, (_, i) => String(from + i))
    const added = yield* pool.addJobs(bodies.map((body) => ({ queue: "work", body, options: { retry: "1 hour" } })))
    return added.map(Either.getOrThrow)
  })

/** A pool whose acknowledgements take a while. */
const slow = (ackMillis: number) =>
  Effect.map(DisquePool, (pool) => ({
    ...pool,
    ackJob: (jobs: Parameters<typeof pool.ackJob>[0]) => Effect.delay(pool.ackJob(jobs), ackMillis)
  }))

type Ending = "its scope" | "its fiber" | "a timeout"

/** Handles jobs until it is ended, and gives those whose handlers ended well, and those that are left. */
const interrupted = (operator: Operator, ending: Ending, turns: number, ahead?: number, ackMillis = 15, count = 120) =>
  Effect.gen(function* () {
    yield* addMany(count)
    const finished = new Set<number>()
    const scope = yield* Scope.make()
    const funnel = yield* Funnel.make({ queues: "work", ahead }).pipe(
      Scope.extend(scope),
      Effect.provideServiceEffect(DisquePool, slow(ackMillis))
    )
    const handler: Handler = (job) =>
      Effect.zipRight(
        bodyOf(job) % 3 === 0 ? Effect.sleep("10 millis") : Effect.yieldNow(),
        Effect.sync(() => finished.add(bodyOf(job)))
      )
    const consumer = Stream.runDrain(operator(funnel.incoming, handler))
    const bounded = ending === "a timeout" ? Effect.timeout(consumer, 10 * turns) : consumer
    const fiber = yield* ending === "its scope" ? Effect.forkIn(bounded, scope) : Effect.fork(bounded)
    for (let i = 0; i < turns; i++) yield* pass("10 millis")
    if (ending === "its fiber") yield* Fiber.interruptFork(fiber)
    const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
    yield* pass("10 seconds")
    yield* Fiber.join(closing)
    const back = new Set((yield* left("work")).map(bodyOf))
    return { count, finished, back }
  }).pipe(Effect.provide(layer))

describe("a consumer of a funnel that works on several jobs at a time", () => {
  for (const [name, operator] of Object.entries(operators)) {
    for (const ending of ["its scope", "its fiber", "a timeout"] as const) {
      it.effect(`${name}: gives back 16 finished jobs at most, and all others, when it is ended by ${ending}`, () =>
        Effect.gen(function* () {
          for (const turns of [1, 3]) {
            const { back, count, finished } = yield* interrupted(operator, ending, turns)
            const twice = [...back].filter((n) => finished.has(n))
            assert.isAtMost(twice.length, 16)
            assert.strictEqual(new Set([...back, ...finished]).size, count)
          }
        })
      )
    }
  }

  // Those that are decided while an acknowledgement is under way wait for it: they are done all the same.
  for (const [name, operator] of several) {
    for (const ackMillis of [50, 500]) {
      it.effect(`${name}: gives back 16 finished jobs at most where acknowledgements take ${ackMillis} ms`, () =>
        Effect.gen(function* () {
          for (const ending of ["its scope", "its fiber"] as const) {
            const { back, count, finished } = yield* interrupted(operator, ending, 20, undefined, ackMillis, 300)
            assert.isAtMost([...back].filter((n) => finished.has(n)).length, 16)
            assert.strictEqual(new Set([...back, ...finished]).size, count)
          }
        })
      )
    }
  }

  for (const ahead of [0, 4, 40]) {
    it.effect(`gives back ${ahead} finished jobs at most where \`ahead\` says so`, () =>
      Effect.gen(function* () {
        const operator = operators["mapEffect, 16 at a time"] as Operator
        for (const turns of [1, 3]) {
          const { back, count, finished } = yield* interrupted(operator, "its fiber", turns, ahead)
          assert.isAtMost([...back].filter((n) => finished.has(n)).length, ahead)
          assert.strictEqual(new Set([...back, ...finished]).size, count)
        }
      })
    )
  }

  for (const [name, operator] of several) {
    it.effect(`${name}: all are acknowledged a second after they were done, where no others come`, () =>
      Effect.gen(function* () {
        const ids = yield* addMany(20)
        const funnel = yield* Funnel.make({ queues: "work" })
        yield* Effect.fork(Stream.runDrain(operator(funnel.incoming, () => Effect.void)))
        yield* settle
        assert.isAbove(yield* known(ids), 0)
        yield* pass("1 second")
        yield* settle
        assert.strictEqual(yield* known(ids), 0)
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  it.effect("each is acknowledged a second after it was done, while others are in work", () =>
    Effect.gen(function* () {
      const [id] = yield* addMany(1)
      const funnel = yield* Funnel.make({ queues: "work" })
      const handler: Handler = (job) => (bodyOf(job) === 0 ? Effect.void : Effect.never)
      yield* Effect.fork(Stream.runDrain(Stream.mapEffect(funnel.incoming, handler, { concurrency: 2 })))
      yield* pass("600 millis")
      yield* addMany(3, 1)
      yield* pass("200 millis")
      assert.strictEqual(yield* known([id as string]), 1)
      yield* pass("250 millis")
      assert.strictEqual(yield* known([id as string]), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("none is acknowledged by time where `ahead` is given", () =>
    Effect.gen(function* () {
      const ids = yield* addMany(20)
      const funnel = yield* Funnel.make({ queues: "work", ahead: 8 })
      yield* Effect.fork(Stream.runDrain(Stream.mapEffect(funnel.incoming, () => Effect.void, { concurrency: 4 })))
      yield* pass("1 minute")
      assert.strictEqual(yield* known(ids), 8)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  for (const [name, operator] of several) {
    for (const [how, failing] of [
      ["fails", Effect.fail("no")],
      ["dies", Effect.die("no")]
    ] as const) {
      it.effect(`${name}: a job whose handler ${how} comes back, however long it takes until the stream ends`, () =>
        Effect.gen(function* () {
          yield* addMany(200)
          const gate = yield* Deferred.make<void>()
          const finished = new Set<number>()
          const funnel = yield* Funnel.make({ queues: "work" })
          const handler: Handler = (job) =>
            Effect.suspend(() => {
              if (bodyOf(job) === 2) return failing
              finished.add(bodyOf(job))
              return Effect.void
            })
          const fiber = yield* operator(funnel.incoming, handler).pipe(
            Stream.runForEach(() => Deferred.await(gate)),
            Effect.fork
          )
          yield* pass("1 minute")
          yield* Deferred.succeed(gate, undefined)
          yield* settle
          assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
          yield* settle
          const back = new Set((yield* left("work")).map(bodyOf))
          assert.isTrue(back.has(2))
          assert.strictEqual(new Set([...back, ...finished]).size, 200)
        }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
      )
    }
  }
})
