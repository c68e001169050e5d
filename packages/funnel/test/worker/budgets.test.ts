import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Exit, Fiber, Option, Schedule, Schema, TestClock } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, numbers } from "../utils/jobs.js"
import { logged, makeLog } from "../utils/logs.js"
import { clusterOf, layer } from "../utils/nodes.js"
import { pass, passIn, settle } from "../utils/time.js"
import { reasons } from "./utils.js"

describe.concurrent("clocks of two machines", () => {
  for (const [what, shift] of [
    ["behind by ten days", 10],
    ["ahead by ten years", -3650]
  ] as const) {
    it.effect(`do not spoil a letter if the clock of the client is ${what}`, () =>
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

describe.concurrent("a job that is delivered once only (RETRY 0), on a cluster of two", () => {
  const once = JobQueue.make("once", { payload: Schema.Number, options: { retry: 0, replicate: 1 } })

  it.effect("that fails is tried again also after a long wait, and its letter can be redriven", () =>
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

  it.effect("and that cannot be moved is logged as lost, not as coming again", () =>
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

describe.concurrent("a worker with many attempts", () => {
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

describe.concurrent("a job that is no longer ours", () => {
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
      it.effect(`because it was ${how} by others while ${when} is not tried again`, () =>
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

  it.effect("because others put it back is tried no more often in all than it may be", () =>
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

  it.effect("because it was delivered again while its failure was handled is not moved", () =>
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
