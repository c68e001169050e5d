import { DisquePool } from "@disco/core"
import { Consume, type Consuming, consume } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Schedule, Scope } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, numbers } from "../utils/jobs.js"
import { makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, passIn, settle } from "../utils/time.js"
import { reasons } from "./utils.js"

/** What is left of jobs, wherever they wait: those of letters too. */
const leftAnywhere = Effect.flatMap(DisquePool, (pool) =>
  pool.getJobs(["numbers", "numbers.retry"], { count: 1000, timeout: 0 })
)

const busy = () => Effect.never

describe.concurrent("jobs that are given back untried", () => {
  it.effect("spend nothing of the crash budget: by pausing, however often", () =>
    Effect.gen(function* () {
      yield* addAll(4)
      const tried: Array<number> = []
      const worker = yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.zipRight(
            Effect.sync(() => tried.push(n)),
            Effect.sleep("3 seconds")
          ),
        { grace: 0 }
      )
      yield* settle
      for (let i = 0; i < 30; i++) {
        yield* Effect.fork(worker.pause)
        yield* pass("50 millis")
        yield* worker.resume
        yield* pass("50 millis")
      }
      yield* passIn(12, "1 second")
      assert.deepStrictEqual(tried.sort(), [0, 1, 2, 3])
      assert.deepStrictEqual(yield* reasons, [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  for (const crashes of [0, 1, 3, 10]) {
    it.effect(`spend nothing of a crash budget of ${crashes}: by workers that come and go`, () =>
      Effect.gen(function* () {
        yield* addAll(6)
        const begun = new Map<number, number>()
        const handler = ({ n }: { readonly n: number }) =>
          Effect.zipRight(
            Effect.sync(() => begun.set(n, (begun.get(n) ?? 0) + 1)),
            Effect.never
          )
        // One is begun each time, and interrupted: that is no crash either, as the worker knows of it.
        for (let restarts = 0; restarts < 25; restarts++) {
          yield* Effect.scoped(Effect.zipRight(Worker.make(numbers, handler, { crashes, grace: 0 }), settle))
        }
        assert.deepStrictEqual(yield* reasons, [])
        const jobs = yield* leftAnywhere
        assert.lengthOf(jobs, 6)
      }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
    )
  }

  it.effect("spend nothing of it if they waited too long behind a handler", () =>
    Effect.gen(function* () {
      yield* addAll(3)
      yield* Worker.make(numbers, busy, { prefetchTimeToLive: "1 second", crashes: 0, grace: 0 })
      const other = yield* Effect.scope
      yield* pass("2 seconds")
      const second: Array<number> = []
      yield* Scope.extend(
        Worker.make(numbers, ({ n }) => Effect.sync(() => second.push(n)), { crashes: 0 }),
        other
      )
      yield* passIn(5, "1 second")
      assert.deepStrictEqual(second.sort(), [1, 2])
      assert.deepStrictEqual(yield* reasons, [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("are not lost if they are delivered only once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let n = 0; n < 5; n++) yield* numbers.add(pool, { n }, { retry: 0 })
      const begun: Array<number> = []
      const handler = ({ n }: { readonly n: number }) => Effect.sync(() => begun.push(n))
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, (payload) => Effect.zipRight(handler(payload), Effect.never), { grace: 0 }),
          settle
        )
      )
      assert.deepStrictEqual(begun, [0])
      yield* Effect.scoped(Effect.zipRight(Worker.make(numbers, handler), passIn(3, "1 second")))
      assert.deepStrictEqual(begun.sort(), [0, 1, 2, 3, 4])
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("are each there once after a close that moved them", () =>
    Effect.gen(function* () {
      yield* addAll(3)
      const scope = yield* Scope.make()
      yield* Scope.extend(
        Worker.makeBatch(numbers, () => Effect.succeed([]), { size: 5, within: "1 hour", crashes: 0 }),
        scope
      )
      yield* pass("1 second")
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* passIn(5, "1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      yield* passIn(3, "1 minute")
      assert.lengthOf(yield* leftAnywhere, 3)
    }).pipe(Effect.provide(layer))
  )

  it.effect("keep the attempts that only this worker knows of", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const attempts: Array<number> = []
      // The second attempt is interrupted by the close: it may be made again, but the first is not forgotten.
      const handler = (_: unknown, { attempt }: Worker.JobInHand) =>
        Effect.zipRight(
          Effect.sync(() => attempts.push(attempt)),
          attempt === 1 ? Effect.fail("no") : Effect.never
        )
      const once = Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, handler, { retry: Schedule.spaced("1 second"), grace: 0 }),
          passIn(3, "1 second")
        )
      )
      yield* once
      yield* once
      assert.deepStrictEqual(attempts, [1, 2, 2])
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})

it.effect("deliveries whose handler began, and whose worker was killed, are counted", () =>
  Effect.gen(function* () {
    yield* addAll(1)
    let begun = 0
    for (let i = 0; i < 8; i++) {
      // Killed: nothing of it is closed, and nothing it says arrives any more.
      const scope = yield* Scope.make()
      const pool = yield* DisquePool
      let isDead = false
      const mortal: DisquePool.Service & Consuming = {
        ...pool,
        working: (job) => (isDead ? Effect.never : pool.working(job)),
        [Consume]: (queues, options) =>
          consume(pool, queues, {
            ...options,
            demand: (most) => Effect.suspend(() => (isDead ? Effect.never : options.demand(most)))
          })
      }
      yield* Worker.make(
        numbers,
        () =>
          Effect.zipRight(
            Effect.sync(() => begun++),
            Effect.never
          ),
        { crashes: 4 }
      ).pipe(Scope.extend(scope), Effect.provideService(DisquePool, mortal))
      yield* settle
      isDead = true
      yield* passIn(3, "1 minute")
    }
    assert.strictEqual(begun, 5)
    const [entry] = yield* DeadLetter.list(numbers)
    assert.deepStrictEqual([entry?.letter.reason, entry?.letter.attempts, entry?.letter.crashes], ["crashed", 0, 5])
  }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
)
