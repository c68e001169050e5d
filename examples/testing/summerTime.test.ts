import { JobQueue } from "@disco/core"
import { Recurring } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { DateTime, Effect, Schema } from "effect"

const reports = JobQueue.make("reports", { payload: Schema.String })

// At half past two there is no such time on 29 March, and there are two on 25 October.
const nightly = Recurring.run(reports, {
  cron: "30 2 * * *",
  timeZone: "Europe/Berlin",
  payload: Effect.succeed("night")
})

const timesOfThreeNights = (startAt: string) =>
  Effect.gen(function* () {
    yield* Effect.fork(nightly)
    yield* DiscoTest.advance("72 hours")
    const added = yield* DiscoTest.enqueued(reports)
    return added.map(({ at }) => DateTime.formatIso(at).slice(5, 16))
  }).pipe(Effect.provide(DiscoTest.layer({ startAt })))

it.effect("in the night that has no half past two, the report comes right after the gap", () =>
  Effect.gen(function* () {
    const times = yield* timesOfThreeNights("2026-03-28T00:00:00Z")
    assert.deepStrictEqual(times, ["03-28T01:30", "03-29T01:00", "03-30T00:30"])
  })
)

it.effect("in the night that has two of them, the report comes once", () =>
  Effect.gen(function* () {
    const times = yield* timesOfThreeNights("2026-10-24T00:00:00Z")
    assert.deepStrictEqual(times, ["10-24T00:30", "10-25T00:30", "10-26T01:30"])
  })
)
