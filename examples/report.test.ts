import { JobQueue } from "@disco/core"
import { Recurring, Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Schema } from "effect"

const reports = JobQueue.make("reports", { payload: Schema.Struct({ day: Schema.String }) })

// Run this layer in one process, because each process that runs it adds its own jobs. Any number of processes may do the work.
const everyMorning = Recurring.layer(reports, {
  cron: "0 6 * * *",
  timeZone: "UTC",
  payload: Effect.map(DateTime.now, (now) => ({ day: DateTime.formatIsoDateUtc(now) }))
})

it.effect("a report is made each morning, for a week that takes no time", () =>
  Effect.gen(function* () {
    const days: Array<string> = []
    const worker = Worker.layer(reports, ({ day }) => Effect.sync(() => days.push(day)))
    yield* Effect.provide(DiscoTest.advance("7 days"), Layer.merge(everyMorning, worker))
    assert.deepStrictEqual(
      days,
      [1, 2, 3, 4, 5, 6, 7].map((day) => `2026-01-0${day}`)
    )
  }).pipe(Effect.provide(DiscoTest.layer({ startAt: "2026-01-01" })))
)
