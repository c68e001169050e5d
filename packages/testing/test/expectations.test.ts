import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule, Schema } from "effect"
import { DiscoTest } from "../src/index.js"
import { complaint, emails } from "./utils/emails.js"

const add = (to: string, options = {}) =>
  Effect.flatMap(DisquePool, (pool) => emails.add(pool, { to, subject: "hi" }, options))

describe("expectEnqueued", () => {
  it.effect("sees what was added before, also if it is done", () =>
    Effect.gen(function* () {
      yield* Worker.make(emails, () => Effect.void)
      const id = yield* add("ada")
      yield* DiscoTest.advance("1 day")
      const found = yield* DiscoTest.expectEnqueued(emails, { payload: { to: "ada" } })
      assert.deepStrictEqual([found.id, found.isAcknowledged, found.deliveries], [id, true, 1])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("waits for what is under way, and for as much time as it is told", () =>
    Effect.gen(function* () {
      yield* Effect.fork(Effect.zipRight(Effect.yieldNow(), add("soon")))
      yield* DiscoTest.expectEnqueued(emails, { payload: { to: "soon" } })
      yield* Effect.fork(Effect.delay(add("later"), "5 minutes"))
      yield* complaint(DiscoTest.expectEnqueued(emails, { payload: { to: "later" }, within: "299 seconds" }))
      const { at } = yield* DiscoTest.expectEnqueued(emails, { payload: { to: "later" }, within: "1 hour" })
      assert.strictEqual(at.epochMillis, 300_000)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("compares a part of the payload, and the options", () =>
    Effect.gen(function* () {
      yield* add("ada", { delay: "10 minutes", ttl: "2 days", maxLen: 9 })
      yield* DiscoTest.expectEnqueued(emails, {
        payload: ({ to }) => to.startsWith("a"),
        delay: 600_000,
        ttl: "2 days"
      })
      yield* DiscoTest.expectEnqueued(emails, { payload: { subject: "hi" }, retry: "1 minute", maxLen: 9 })
      yield* complaint(DiscoTest.expectEnqueued(emails, { payload: { to: "ada", subject: "ho" } }))
      yield* complaint(DiscoTest.expectEnqueued(emails, { payload: () => false }))
      yield* complaint(DiscoTest.expectEnqueued(emails, { maxLen: 8 }))
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("says what was added instead, the nearest first, and where it differs", () =>
    Effect.gen(function* () {
      yield* DiscoTest.advance("90 seconds")
      const bob = yield* add("bob")
      const ada = yield* add("ada", { delay: "1 minute" })
      assert.strictEqual(
        yield* complaint(
          DiscoTest.expectEnqueued(emails, { payload: { to: "ada" }, delay: "10 minutes", within: "2 minutes" })
        ),
        [
          'no job that fits was added to "emails" within 2m; 2 jobs were added:',
          `  ${ada}, added at 1970-01-01T00:01:30.000Z:`,
          "    delay is 1m, expected 10m",
          `  ${bob}, added at 1970-01-01T00:01:30.000Z:`,
          '    payload.to is "bob", expected "ada"',
          "    delay is 0, expected 10m"
        ].join("\n")
      )
      const others = JobQueue.make("others", { payload: Schema.String })
      assert.strictEqual(yield* complaint(DiscoTest.expectEnqueued(others)), 'no job was added to "others"')
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("names the line of the test", () =>
    Effect.gen(function* () {
      const expectations: ReadonlyArray<Effect.Effect<unknown, Error, DisquePool | DiscoTest.DiscoTest>> = [
        DiscoTest.expectEnqueued(emails),
        Effect.zipRight(add("ada"), DiscoTest.refuteEnqueued(emails))
      ]
      for (const expectation of expectations) {
        const { stack = "" } = yield* Effect.flip(expectation)
        const [first = ""] = stack.split("\n").filter((line) => line.startsWith("    at "))
        assert.include(first, "expectations.test.ts")
      }
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("compares values of a schema by what they are", () =>
    Effect.gen(function* () {
      const Order = Schema.Struct({
        day: Schema.Date,
        waits: Schema.DurationFromMillis,
        lines: Schema.Array(Schema.Struct({ item: Schema.String, count: Schema.BigInt }))
      })
      const orders = JobQueue.make("orders", { payload: Order })
      const day = new Date("2026-03-29")
      yield* orders.add(yield* DisquePool, { day, waits: Duration.seconds(60), lines: [{ item: "a", count: 2n }] })
      yield* DiscoTest.expectEnqueued(orders, {
        payload: { day: new Date("2026-03-29"), waits: Duration.minutes(1), lines: [{ count: 2n }] }
      })
      const message = yield* complaint(
        DiscoTest.expectEnqueued(orders, { payload: { waits: Duration.minutes(2), lines: [{ item: "b" }, {}] } })
      )
      assert.include(message, "payload.waits is 1m, expected 2m")
      assert.include(message, "payload.lines has 1 items, expected 2")
      assert.include(message, 'payload.lines[0].item is "a", expected "b"')
    }).pipe(Effect.provide(DiscoTest.layer()))
  )
})

describe("refuteEnqueued", () => {
  it.effect("fails as soon as such a job is added, and says which", () =>
    Effect.gen(function* () {
      yield* Effect.fork(Effect.delay(add("ada"), "1 minute"))
      yield* DiscoTest.refuteEnqueued(emails, { within: "59 seconds" })
      const message = yield* complaint(DiscoTest.refuteEnqueued(emails, { payload: { to: "ada" }, within: "1 hour" }))
      assert.match(
        String(message),
        /^no such job was to be added to "emails" within 1h, and 1 job was:\n {2}D-.*"to":"ada"/
      )
      yield* DiscoTest.refuteEnqueued(emails, { payload: { to: "bob" } })
    }).pipe(Effect.provide(DiscoTest.layer()))
  )
})

describe("what became of jobs", () => {
  it.effect("a job that is tried again by way of the retry queue is acknowledged once its retry is done", () =>
    Effect.gen(function* () {
      yield* Worker.make(emails, (_, { attempt }) => (attempt === 1 ? Effect.fail("busy") : Effect.void), {
        retry: Schedule.spaced("1 hour")
      })
      yield* add("ada")
      yield* DiscoTest.advance("1 minute")
      assert.deepStrictEqual(yield* DiscoTest.acknowledged(emails), [])
      yield* DiscoTest.advance("1 hour")
      assert.deepStrictEqual(
        (yield* DiscoTest.acknowledged(emails)).map(({ payload }) => payload.to),
        ["ada"]
      )
      assert.deepStrictEqual(yield* DiscoTest.deadLettered(emails), [])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a job that is given up is dead-lettered, with its payload and its letter, and not acknowledged", () =>
    Effect.gen(function* () {
      yield* Worker.make(emails, () => Effect.fail("no"), { retry: Schedule.spaced("1 hour"), attempts: 3 })
      const id = yield* add("ada")
      yield* DiscoTest.advance("1 day")
      const [dead] = yield* DiscoTest.deadLettered(emails)
      assert.deepInclude(dead?.letter, { id, attempts: 3, error: "no", reason: "failed" })
      assert.strictEqual(dead?.payload.to, "ada")
      assert.deepStrictEqual(yield* DiscoTest.acknowledged(emails), [])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("a job that a consumer puts back is told", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* add("ada")
      yield* add("bob")
      yield* pool.nackJob(yield* pool.getJob("emails"))
      yield* pool.ackJob(yield* pool.getJob("emails"))
      assert.strictEqual((yield* DiscoTest.putBack(emails)).length, 1)
      assert.strictEqual((yield* DiscoTest.enqueued(emails)).length, 2)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("commands are told as they were sent, for snapshots", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* pool.addJob("emails", "hello you", { delay: "1 minute" })
      yield* pool.addJob("emails", new Uint8Array([0xff, 0]), { retry: "1 minute" })
      yield* pool.ackJob(id)
      assert.deepStrictEqual(yield* DiscoTest.commands(), [
        'ADDJOB emails "hello you" 5000 DELAY 60',
        'ADDJOB emails "<2 bytes>" 5000 RETRY 60',
        `ACKJOB ${id}`
      ])
      assert.deepStrictEqual(yield* DiscoTest.commands("ackjob"), [`ACKJOB ${id}`])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("tests that run at the same time know nothing of each other", () =>
    Effect.gen(function* () {
      const one = (to: string) =>
        Effect.gen(function* () {
          yield* add(to)
          yield* DiscoTest.advance("1 hour")
          return (yield* DiscoTest.enqueued(emails)).map(({ payload }) => payload.to)
        }).pipe(Effect.provide(DiscoTest.layer()))
      assert.deepStrictEqual(yield* Effect.all([one("ada"), one("bob")], { concurrency: "unbounded" }), [
        ["ada"],
        ["bob"]
      ])
    })
  )

  it.effect("three nodes are one cluster", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* emails.add(pool, { to: "ada" }, { replicate: 3 })
      assert.strictEqual((yield* pool.hello).nodes.length, 3)
      assert.strictEqual((yield* DiscoTest.enqueued(emails)).length, 1)
    }).pipe(Effect.provide(DiscoTest.layer({ nodes: 3 })))
  )
})
