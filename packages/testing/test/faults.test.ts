import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Schedule, Schema } from "effect"
import { DiscoTest } from "../src/index.js"

const payments = JobQueue.make("payments", { payload: Schema.Number, options: { retry: "1 minute" } })

const add = (order: number, options = {}) => Effect.flatMap(DisquePool, (pool) => payments.add(pool, order, options))

/** An account, and handlers that charge it: one that is written well, and others with a mistake each. */
const account = () => {
  const charges: Array<number> = []
  const charged = new Set<number>()
  const charge = (order: number) => Effect.sync(() => void charges.push(order))
  return {
    charges,
    charge,
    once: (order: number) =>
      charged.has(order)
        ? Effect.void
        : Effect.zipRight(
            Effect.sync(() => charged.add(order)),
            charge(order)
          ),
    slowly: (order: number) => Effect.zipRight(Effect.sleep("10 minutes"), charge(order)),
    tooEarly: (order: number, { ack }: Worker.JobInHand) =>
      Effect.zipRight(Effect.zipRight(ack, Effect.sleep("10 minutes")), charge(order))
  }
}

describe("mistakes of handlers, found by a line each", () => {
  it.effect("a handler that does harm when it sees a job twice: redeliver", () =>
    Effect.gen(function* () {
      for (const [handler, times] of [
        ["charge", 2],
        ["once", 1]
      ] as const) {
        const mine = account()
        yield* Effect.gen(function* () {
          yield* Worker.make(payments, mine[handler])
          yield* DiscoTest.redeliver(yield* add(7))
        }).pipe(Effect.provide(DiscoTest.layer()))
        assert.strictEqual(mine.charges.length, times, handler)
      }
    })
  )

  it.effect("a handler that acknowledges before its work is done: crash", () =>
    Effect.gen(function* () {
      for (const [handler, times] of [
        ["tooEarly", 0],
        ["slowly", 1]
      ] as const) {
        const mine = account()
        yield* Effect.gen(function* () {
          const worker = yield* DiscoTest.process(Worker.run(payments, mine[handler]))
          yield* add(7)
          yield* DiscoTest.advance("5 minutes")
          yield* DiscoTest.crash(worker)
          yield* DiscoTest.process(Worker.run(payments, mine[handler]))
          yield* DiscoTest.advance("1 hour")
        }).pipe(Effect.provide(DiscoTest.layer()))
        assert.strictEqual(mine.charges.length, times, handler)
      }
    })
  )

  it.effect(
    "a handler that remembers in its process what it has done: crash after the work, before the acknowledgement",
    () =>
      Effect.gen(function* () {
        const charges: Array<number> = []
        const program = Effect.suspend(() => {
          const inMemory = new Set<number>()
          return Worker.run(payments, (order) =>
            Effect.zipRight(
              Effect.sync(() => (inMemory.has(order) ? 0 : inMemory.add(order) && charges.push(order))),
              Effect.sleep("1 minute")
            )
          )
        })
        const worker = yield* DiscoTest.process(program)
        yield* add(7)
        yield* DiscoTest.crash(worker)
        yield* DiscoTest.process(program)
        yield* DiscoTest.advance("10 minutes")
        assert.deepStrictEqual(charges, [7, 7])
      }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a handler that goes on though its job is another's: expireLease", () =>
    Effect.gen(function* () {
      for (const [onLeaseLost, times] of [
        ["ignore", 2],
        ["interrupt", 1]
      ] as const) {
        const mine = account()
        yield* Effect.gen(function* () {
          yield* Worker.make(payments, mine.slowly, { onLeaseLost, concurrency: 2 })
          yield* DiscoTest.expireLease(yield* add(7))
          yield* DiscoTest.advance("30 minutes")
        }).pipe(Effect.provide(DiscoTest.layer()))
        assert.strictEqual(mine.charges.length, times, onLeaseLost)
      }
    })
  )

  it.effect("a handler that cannot be interrupted holds up a deploy, and its job comes again: stop", () =>
    Effect.gen(function* () {
      for (const [handler, late] of [
        [Effect.uninterruptible, true],
        [Effect.interruptible, false]
      ] as const) {
        const mine = account()
        yield* Effect.gen(function* () {
          const worker = yield* DiscoTest.process(
            Worker.run(payments, (order) => handler(mine.slowly(order)), { grace: "25 seconds" })
          )
          yield* add(7)
          yield* DiscoTest.stop(worker)
          yield* DiscoTest.process(Worker.run(payments, mine.charge))
          yield* DiscoTest.advance("1 hour")
        }).pipe(Effect.provide(DiscoTest.layer()))
        assert.strictEqual(mine.charges.length, late ? 2 : 1)
      }
    })
  )

  it.effect("a producer that sends again what may have been done: loseReply", () =>
    Effect.gen(function* () {
      yield* DiscoTest.loseReply("ADDJOB")
      yield* Effect.retry(add(7), { times: 1 })
      assert.strictEqual((yield* DiscoTest.enqueued(payments)).length, 2)
      yield* DiscoTest.loseReply("ADDJOB")
      assert.strictEqual((yield* Effect.flip(add(7)))._tag, "OutcomeUnknown")
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a producer that forgets what a node refuses: rejectNext", () =>
    Effect.gen(function* () {
      yield* DiscoTest.rejectNext("NOREPL")
      assert.strictEqual((yield* Effect.flip(add(7)))._tag, "NotReplicated")
      yield* DiscoTest.refuteEnqueued(payments)
      yield* DiscoTest.rejectNext("PAUSED", { times: 2 })
      const retried = yield* Effect.fork(Effect.retry(add(7), Schedule.spaced("1 second")))
      yield* DiscoTest.advance("2 seconds")
      yield* DiscoTest.expectEnqueued(payments, { payload: 7 })
      yield* Fiber.join(retried)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )
})

describe("faults", () => {
  it.effect(
    "redeliver brings a job back that waits, that is in hand, and that is done, and counts its deliveries",
    () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const id = yield* add(7)
        const take = Effect.map(pool.getJobs("payments", { timeout: 0 }), ([job]) => job?.additionalDeliveries)
        yield* DiscoTest.redeliver(id)
        assert.deepStrictEqual([yield* take, yield* take], [0, 1])
        yield* DiscoTest.redeliver(id)
        assert.strictEqual(yield* take, 2)
        yield* pool.ackJob(id)
        assert.strictEqual(yield* take, undefined)
        yield* DiscoTest.redeliver(id)
        const again = yield* pool.getJob("payments")
        assert.deepStrictEqual([again.id, again.additionalDeliveries], [id, 1])
        assert.strictEqual((yield* DiscoTest.acknowledged(payments)).length, 0)
        yield* pool.ackJob(again)
        assert.strictEqual((yield* DiscoTest.acknowledged(payments)).length, 1)
      }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect(
    "what cannot be done is said: a job that was never added, or comes at most once, or is in nobody's hands",
    () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const once = yield* pool.addJob("payments", "7", { retry: 0 })
        const said = (effect: Effect.Effect<void, never, DiscoTest.DiscoTest>) =>
          Effect.map(Effect.flip(Effect.sandbox(effect)), String)
        assert.include(yield* said(DiscoTest.redeliver("D-1")), 'no job "D-1" was added in this test')
        assert.include(yield* said(DiscoTest.expireLease(once)), "it was not delivered yet")
        yield* pool.ackJob(yield* pool.getJob("payments"))
        assert.include(yield* said(DiscoTest.redeliver(once)), "delivered at most once")
        assert.include(yield* said(DiscoTest.expireLease(once)), "in nobody's hands any more")
      }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a process that has crashed does nothing any more, not even its finalizers", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const note = (what: string) => Effect.sync(() => void seen.push(what))
      const program = Effect.gen(function* () {
        yield* Effect.addFinalizer(() => note("closed"))
        yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep("1 minute"), note("tick"))))
        yield* Effect.ensuring(Effect.never, note("ended"))
      })
      const [crashed, stopped] = [yield* DiscoTest.process(program), yield* DiscoTest.process(program)]
      yield* DiscoTest.advance("1 minute")
      assert.deepStrictEqual(seen.splice(0), ["tick", "tick"])
      yield* DiscoTest.crash(crashed)
      yield* DiscoTest.advance("1 minute")
      assert.deepStrictEqual(seen.splice(0), ["tick"])
      yield* DiscoTest.stop(stopped)
      yield* DiscoTest.stop(crashed)
      assert.deepStrictEqual(seen, ["ended", "closed"])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("the end of a test stops the processes that run", () =>
    Effect.gen(function* () {
      let isClosed = false
      yield* DiscoTest.process(
        Effect.addFinalizer(() =>
          Effect.delay(
            Effect.sync(() => (isClosed = true)),
            "20 seconds"
          )
        )
      ).pipe(Effect.provide(DiscoTest.layer()))
      assert.isTrue(isClosed)
    })
  )

  it.effect("a process that fails as it starts fails the test", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(DiscoTest.process(Effect.fail("no configuration"))), "no configuration")
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("what a crashed worker had in its hands comes again after its retry time", () =>
    Effect.gen(function* () {
      const worker = yield* DiscoTest.process(Worker.run(payments, () => Effect.never))
      yield* add(7)
      yield* DiscoTest.advance("30 minutes")
      yield* DiscoTest.crash(worker)
      const done: Array<number> = []
      yield* Worker.make(payments, () => Effect.map(Clock.currentTimeMillis, (now) => done.push(now)))
      yield* DiscoTest.advance("2 minutes")
      assert.strictEqual(done.length, 1)
      assert.isAbove(done[0] ?? 0, 1_800_000)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("programs go on after their connections were dropped", () =>
    Effect.gen(function* () {
      const done: Array<number> = []
      yield* Worker.make(payments, (order) =>
        Effect.zipRight(
          Effect.sleep("1 minute"),
          Effect.sync(() => done.push(order))
        )
      )
      yield* add(1)
      yield* DiscoTest.dropConnections
      yield* DiscoTest.advance("30 seconds")
      yield* add(2)
      yield* DiscoTest.advance("10 minutes")
      assert.sameMembers([...new Set(done)], [1, 2])
      assert.strictEqual((yield* DiscoTest.acknowledged(payments)).length, 2)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("latency delays each command and each reply", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* DiscoTest.latency("200 millis")
      const adding = yield* Effect.fork(Effect.zipRight(pool.addJob("payments", "7"), Clock.currentTimeMillis))
      yield* DiscoTest.advance("399 millis")
      assert.strictEqual(yield* Fiber.poll(adding).pipe(Effect.map(({ _tag }) => _tag)), "None")
      yield* DiscoTest.advance("1 milli")
      assert.strictEqual(yield* Fiber.join(adding), 400)
      yield* DiscoTest.heal
      yield* pool.addJob("payments", "8")
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("connections that break take along what is still on its way", () =>
    Effect.gen(function* () {
      yield* DiscoTest.latency("200 millis")
      const adding = yield* Effect.fork(Effect.flip(add(7)))
      yield* DiscoTest.advance("300 millis")
      yield* DiscoTest.dropConnections
      assert.strictEqual((yield* Fiber.join(adding))._tag, "OutcomeUnknown")
      yield* DiscoTest.heal
      assert.strictEqual((yield* DiscoTest.enqueued(payments)).length, 1)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a paused queue takes no jobs until it goes on", () =>
    Effect.gen(function* () {
      yield* DiscoTest.pause("payments", "in")
      assert.strictEqual((yield* Effect.flip(add(7)))._tag, "QueuePaused")
      yield* DiscoTest.pause("payments", "none")
      yield* add(7)
    }).pipe(Effect.provide(DiscoTest.layer({ nodes: 2 })))
  )

  it.effect("a pool leaves a frozen node for another, and all goes on when the node is healed", () =>
    Effect.gen(function* () {
      yield* add(1, { replicate: 2 })
      yield* DiscoTest.freeze()
      const adding = yield* Effect.fork(Effect.retry(add(2, { replicate: 2 }), { times: 3 }))
      yield* DiscoTest.run(Fiber.join(adding))
      yield* DiscoTest.heal
      yield* DiscoTest.advance("1 minute")
      const done = new Set<number>()
      yield* Worker.make(payments, (order) => Effect.sync(() => done.add(order)))
      yield* DiscoTest.advance("10 minutes")
      assert.deepStrictEqual([...done].sort(), [1, 2])
    }).pipe(Effect.provide(DiscoTest.layer({ nodes: 3 })))
  )

  it.effect("a node that is cut off cannot make copies, until the partition is healed", () =>
    Effect.gen(function* () {
      yield* DiscoTest.partition()
      yield* DiscoTest.advance("1 minute")
      const { nodes } = yield* DiscoTest.DiscoTest
      const [{ address }] = nodes
      const adding = Effect.flatMap(DisquePool, (pool) => pool.on(address).addJob("payments", "7", { replicate: 2 }))
      assert.strictEqual((yield* Effect.flip(adding))._tag, "NotReplicated")
      yield* DiscoTest.heal
      yield* DiscoTest.advance("1 minute")
      yield* adding
    }).pipe(Effect.provide(DiscoTest.layer({ nodes: 3 })))
  )
})
