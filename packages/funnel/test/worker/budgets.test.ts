import { DisquePool, JobQueue } from "@disco/core"
import { Consume, type Consuming, consume } from "@disco/core/internal"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Exit, Fiber, Option, Schedule, Schema, Scope, TestClock } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, left, numbers } from "../utils/jobs.js"
import { logged, makeLog } from "../utils/logs.js"
import { clusterOf, layer } from "../utils/nodes.js"
import { pass, passIn, settle } from "../utils/time.js"

const reasons = Effect.map(DeadLetter.list(numbers), (entries) => entries.map(({ letter }) => letter.reason))

/** What is left of jobs, wherever they wait: those of letters too. */
const leftAnywhere = Effect.flatMap(DisquePool, (pool) =>
  pool.getJobs(["numbers", "numbers.retry"], { count: 1000, timeout: 0 })
)

const busy = () => Effect.never

describe("jobs that are given back untried", () => {
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

  it.effect("spend nothing of it where they waited too long behind a handler", () =>
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

  it.effect("are not lost where they are delivered once only", () =>
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

  it.effect("are there once each after a close that moved them", () =>
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

describe("a restart while jobs wait here for their next attempt", () => {
  const failing =
    (attempts: Array<number>) =>
    (_: unknown, { attempt }: Worker.JobInHand) =>
      Effect.zipRight(
        Effect.sync(() => attempts.push(attempt)),
        Effect.fail("no")
      )

  it.effect("forgets no attempt, and they wait no longer for it", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const attempts: Array<number> = []
      const options = { retry: Schedule.spaced("5 seconds"), attempts: 4 }
      yield* Effect.scoped(Effect.zipRight(Worker.make(numbers, failing(attempts), options), pass("2 seconds")))
      assert.deepStrictEqual(attempts, [1])
      yield* Effect.scoped(Effect.zipRight(Worker.make(numbers, failing(attempts), options), pass("4 seconds")))
      assert.deepStrictEqual(attempts, [1, 2])
    }).pipe(Effect.provide(layer))
  )

  it.effect("is what a pause is to them too", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const pool = yield* DisquePool
      const attempts: Array<number> = []
      const worker = yield* Worker.make(numbers, failing(attempts), {
        retry: Schedule.spaced("5 seconds"),
        attempts: 3
      })
      for (let i = 0; i < 5; i++) {
        yield* pass("1 second")
        const pausing = yield* Effect.fork(worker.pause)
        yield* passIn(6, "1 second")
        assert.isTrue(Option.isSome(yield* Fiber.poll(pausing)))
        // It waits where others can have it.
        if (i === 0) assert.strictEqual(yield* pool.queueLength("numbers.retry"), 1)
        yield* worker.resume
        yield* settle
      }
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.deepStrictEqual(yield* reasons, ["failed"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("at any moment of a hundred jobs, over and over, gives each its attempts and no more", () =>
    Effect.gen(function* () {
      yield* addAll(100)
      const attempts = new Map<number, Array<number>>()
      const handler = ({ n }: { readonly n: number }, { attempt }: Worker.JobInHand) =>
        Effect.zipRight(
          Effect.sync(() => attempts.set(n, [...(attempts.get(n) ?? []), attempt])),
          Effect.fail("no")
        )
      for (let i = 0; i < 40; i++) {
        yield* Effect.scoped(
          Effect.zipRight(
            Worker.make(numbers, handler, { concurrency: 4, retry: Schedule.spaced("3 seconds"), attempts: 4 }),
            pass(1 + ((i * 731) % 2900))
          )
        )
      }
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, handler, { concurrency: 4, retry: Schedule.spaced("3 seconds"), attempts: 4 }),
          passIn(30, "1 second")
        )
      )
      assert.strictEqual(attempts.size, 100)
      for (const tries of attempts.values()) assert.deepStrictEqual(tries, [1, 2, 3, 4])
      assert.lengthOf(yield* reasons, 100)
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})

describe("clocks of two machines", () => {
  for (const [what, shift] of [
    ["behind by ten days", 10],
    ["ahead by ten years", -3650]
  ] as const) {
    it.effect(`leave a letter sound where that of the client is ${what}`, () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* TestClock.setTime(Date.UTC(2026, 0, 1))
        yield* addAll(1)
        const skewed: DisquePool.Service = {
          ...pool,
          show: (job) =>
            Effect.map(
              pool.show(job),
              Option.map((info) => ({ ...info, ctime: info.ctime + BigInt(shift * 86_400_000) * 1_000_000n }))
            )
        }
        let calls = 0
        yield* Worker.make(
          numbers,
          () =>
            Effect.zipRight(
              Effect.sync(() => calls++),
              Effect.fail("no")
            ),
          {
            attempts: 1
          }
        ).pipe(Effect.provideService(DisquePool, skewed))
        yield* passIn(10, "1 minute")
        assert.strictEqual(calls, 1)
        const [entry] = yield* DeadLetter.list(numbers)
        // The queue's 7 days, to a minute or two.
        assert.closeTo(entry?.letter.ttl ?? 0, 7 * 86_400, 200)
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  it.effect("do not make a retry of a job that failed elsewhere in the future come late", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const letter: Worker.Letter = {
        queue: "numbers",
        id: "D-00000000-000000000000000000000000-05a1",
        attempts: 1,
        nacks: 0,
        additionalDeliveries: 0,
        firstAt: "2199-01-01T00:00:00.000Z",
        lastAt: "2199-01-01T00:00:00.000Z",
        body: '{"n":1}'
      }
      yield* pool.addJob("numbers.retry", JSON.stringify(letter))
      const attempts: Array<number> = []
      yield* Worker.make(
        numbers,
        (_, { attempt }) =>
          Effect.zipRight(
            Effect.sync(() => attempts.push(attempt)),
            Effect.fail("no")
          ),
        { retry: Schedule.spaced("1 second"), attempts: 3 }
      )
      yield* passIn(3, "1 second")
      assert.deepStrictEqual(attempts, [2, 3])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("a job that is delivered once only (RETRY 0), on a cluster of two", () => {
  const once = JobQueue.make("once", { payload: Schema.Number, options: { retry: 0, replicate: 1 } })

  it.effect("that fails is tried again after a long wait too, and its letter can be redriven", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* once.add(pool, 1)
      const attempts: Array<number> = []
      const lines = yield* logged(
        Effect.scoped(
          Effect.zipRight(
            Worker.make(
              once,
              (_, { attempt }) =>
                Effect.zipRight(
                  Effect.sync(() => attempts.push(attempt)),
                  Effect.fail("no")
                ),
              { retry: Schedule.spaced("1 minute"), attempts: 3, grace: 0 }
            ),
            passIn(10, "30 seconds")
          )
        )
      )
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.deepStrictEqual(
        lines.filter(({ text }) => text.includes("could not be moved")),
        []
      )
      const [entry] = yield* DeadLetter.list(once)
      assert.deepStrictEqual([entry?.letter.reason, entry?.letter.retry], ["failed", 0])
      assert.strictEqual(yield* DeadLetter.redrive(once), 1)
      const again: Array<number> = []
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(once, (n) => Effect.sync(() => again.push(n))),
          passIn(20, "1 second")
        )
      )
      assert.deepStrictEqual(again, [1])
    }).pipe(Effect.provide(clusterOf(2)))
  )

  it.effect("and that cannot be moved is said to be lost, not to come again", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* once.add(pool, 1)
      for (const { address } of (yield* EmbeddedDisque).nodes) yield* pool.on(address).pause("once.retry", "in")
      const lines = yield* logged(
        Effect.scoped(
          Effect.zipRight(
            Worker.make(once, () => Effect.fail("no"), { retry: Schedule.spaced("1 minute"), grace: 0 }),
            passIn(40, "5 seconds")
          )
        )
      )
      const said = lines.filter(({ text }) => text.includes("could not be moved")).map(({ text }) => text)
      assert.lengthOf(said, 1)
      assert.include(said[0], "is lost, as it is delivered once only")
    }).pipe(Effect.provide(clusterOf(2)))
  )
})

it.effect("what is no letter in the queue of the retries goes where DeadLetter looks", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* pool.addJob("numbers.retry", "no letter")
    yield* pool.addJob("numbers.retry", JSON.stringify({ queue: "elsewhere" }))
    yield* Worker.make(numbers, () => Effect.void)
    yield* settle
    assert.deepStrictEqual(
      (yield* DeadLetter.list(numbers)).map(({ letter }) => [letter.queue, letter.reason]),
      [
        ["numbers.retry", "undecodable"],
        ["numbers.retry", "undecodable"]
      ]
    )
    assert.lengthOf(yield* left("numbers.retry.dead"), 0)
  }).pipe(Effect.scoped, Effect.provide(layer))
)

describe("a worker with many attempts", () => {
  it.effect("is made with one step of the schedule for each, and can be interrupted in it", () =>
    Effect.gen(function* () {
      let steps = 0
      const counting = Schedule.map(Schedule.spaced("1 millis"), (n) => {
        steps += 1
        return n
      })
      yield* Effect.scoped(Worker.make(numbers, () => Effect.void, { attempts: 1000, retry: counting }))
      assert.strictEqual(steps, 999)
      const endless = Schedule.mapEffect(Schedule.spaced("1 millis"), () => Effect.never)
      const making = yield* Effect.fork(
        Effect.scoped(Worker.make(numbers, () => Effect.void, { attempts: 1_000_000, retry: endless }))
      )
      yield* settle
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(making)))
    }).pipe(Effect.provide(layer))
  )

  it.effect("walks the schedule a step for each failure that it saw", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      let steps = 0
      const counting = Schedule.spaced("1 second").pipe(
        Schedule.map((n) => {
          steps += 1
          return n
        })
      )
      yield* Worker.make(numbers, () => Effect.fail("no"), { attempts: 50, retry: counting })
      steps = 0
      yield* passIn(49, "1 second")
      assert.deepStrictEqual(yield* reasons, ["failed"])
      assert.strictEqual(steps, 49)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("a queue of the retries that refuses jobs", () => {
  const refusing = Effect.flatMap(DisquePool, (pool) => pool.pause("numbers.retry", "in"))

  it.effect("keeps no job from its own queue, and costs it nothing", () =>
    Effect.gen(function* () {
      yield* addAll(30)
      yield* refusing
      const worker = yield* Worker.make(numbers, ({ n }) => (n === 0 ? Effect.never : Effect.sleep("100 millis")), {
        crashes: 0,
        concurrency: 2,
        grace: 0
      })
      yield* settle
      const pool = yield* DisquePool
      const pausing = yield* Effect.fork(worker.pause)
      yield* passIn(10, "1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(pausing)))
      yield* worker.resume
      yield* passIn(10, "1 second")
      assert.deepStrictEqual(yield* reasons, [])
      assert.strictEqual(yield* pool.queueLength("numbers"), 0)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("loses no job that is delivered once and was not begun, while its worker lives", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let n = 0; n < 4; n++) yield* numbers.add(pool, { n }, { retry: 0 })
      yield* refusing
      const begun: Array<number> = []
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.zipRight(
            Effect.sync(() => begun.push(n)),
            Effect.sleep(n === 0 ? "3 minutes" : 0)
          ),
        { grace: 0 }
      )
      yield* passIn(20, "10 seconds")
      assert.deepStrictEqual(begun.sort(), [0, 1, 2, 3])
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("does not make a restart forget the attempts of a job that waits here", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      yield* refusing
      const attempts: Array<number> = []
      const once = Effect.scoped(
        Effect.zipRight(
          Worker.make(
            numbers,
            (_, { attempt }) =>
              Effect.zipRight(
                Effect.sync(() => attempts.push(attempt)),
                Effect.fail("no")
              ),
            { retry: Schedule.spaced("5 seconds"), attempts: 3 }
          ),
          pass("1 second")
        )
      )
      const three = yield* Effect.fork(Effect.zipRight(once, Effect.zipRight(once, once)))
      yield* passIn(20, "1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(three)))
      assert.deepStrictEqual(attempts, [1, 2, 3])
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})

describe("a job that is no longer ours", () => {
  const failing =
    (tried: Array<number>, takes: Duration.DurationInput) =>
    (_: unknown, { attempt }: Worker.JobInHand) =>
      Effect.sync(() => tried.push(attempt)).pipe(
        Effect.zipRight(Effect.sleep(takes)),
        Effect.zipRight(Effect.fail("no"))
      )

  for (const [how, settleIt] of [
    ["acknowledged", (pool: DisquePool.Service, id: string) => pool.ackJob(id)],
    ["deleted", (pool: DisquePool.Service, id: string) => pool.deleteJob(id)]
  ] as const) {
    for (const [when, takes, retry] of [
      ["its handler ran", "10 seconds", "1 minute"],
      ["it waited here", "0 seconds", "5 seconds"]
    ] as const) {
      it.effect(`as it was ${how} by others while ${when} is not tried again`, () =>
        Effect.gen(function* () {
          const pool = yield* DisquePool
          const [id = ""] = yield* addAll(1)
          const tried: Array<number> = []
          yield* Worker.make(numbers, failing(tried, takes), {
            attempts: 3,
            retry: Schedule.spaced(retry),
            grace: 0
          })
          yield* pass("2 seconds")
          yield* settleIt(pool, id)
          yield* passIn(30, "5 seconds")
          assert.deepStrictEqual(tried, [1])
          assert.deepStrictEqual(yield* reasons, [])
        }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
      )
    }
  }

  it.effect("as others put it back is tried as often as it may be, all in all", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id = ""] = yield* addAll(1)
      const tried: Array<number> = []
      yield* Worker.make(numbers, failing(tried, "0 seconds"), {
        attempts: 3,
        retry: Schedule.spaced("1 second"),
        grace: 0
      })
      yield* pass("300 millis")
      yield* pool.nackJob(id)
      yield* passIn(20, "500 millis")
      assert.deepStrictEqual(tried, [1, 2, 3])
      assert.deepStrictEqual(yield* reasons, ["failed"])
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("as it was delivered again while its failure was seen to is not moved", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* numbers.add(pool, { n: 1 }, { ttl: "1 hour", retry: "5 seconds" })
      yield* passIn(31, "1 minute")
      const tried: Array<number> = []
      yield* Worker.make(numbers, failing(tried, "1 second"), {
        attempts: 3,
        concurrency: 2,
        retry: Schedule.spaced("1 minute"),
        onFailure: () => Effect.sleep("10 seconds"),
        grace: 0
      })
      yield* passIn(400, "1 second")
      // Each of the first is lost before it is moved, and comes again: none of them is there twice.
      assert.isAtMost((yield* reasons).length, 1)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})
