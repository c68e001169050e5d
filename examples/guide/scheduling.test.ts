import { DisquePool, JobQueue } from "@disco/core"
import { Recurring, Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Schema } from "effect"

const reports = JobQueue.make("reports", { payload: Schema.Struct({ day: Schema.String }) })

const EveryMorning = Recurring.layer(reports, {
  cron: "0 6 * * *",
  timeZone: "Europe/London",
  payload: Effect.map(DateTime.now, (now) => ({ day: DateTime.formatIsoDateUtc(now) }))
})

it.effect("a report is asked for each morning", () =>
  Effect.gen(function* () {
    yield* Layer.build(EveryMorning)
    yield* DiscoTest.advance("3 days")
    assert.strictEqual((yield* DiscoTest.enqueued(reports)).length, 3)
  }).pipe(Effect.provide(DiscoTest.layer({ startAt: "2026-06-01T00:00:00Z" })))
)

const reminders = JobQueue.make("reminders", { payload: Schema.Struct({ user: Schema.String }) })

it.effect("a reminder comes a day later, and can be taken back until then", () =>
  Effect.gen(function* () {
    const reminded: Array<string> = []
    yield* Worker.make(reminders, ({ user }) => Effect.sync(() => reminded.push(user)))
    const pool = yield* DisquePool
    yield* reminders.add(pool, { user: "ada" }, { delay: "1 day" })
    const id = yield* reminders.add(pool, { user: "grace" }, { delay: "1 day" })
    yield* pool.ackJob(id)
    yield* DiscoTest.advance("2 days")
    assert.deepStrictEqual(reminded, ["ada"])
  }).pipe(Effect.provide(DiscoTest.layer()))
)
