import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Recurring } from "../../src/index.js"
import { pass } from "../utils/time.js"
import { reports, setTime, settable, timed, ways } from "./utils.js"

describe.concurrent("a clock that is set", () => {
  const begin = Effect.fnUntraced(function* (
    when: ReturnType<(typeof ways)[number][1]>,
    catchUp: "none" | "last" = "none"
  ) {
    yield* setTime("2026-01-01T00:00:00")
    const clock = yield* settable
    const { payload, times } = timed()
    yield* Effect.fork(Effect.withClock(Recurring.run(reports, { ...when, payload, catchUp }), clock.clock))
    return { ...clock, times }
  })

  for (const [way, when] of ways) {
    it.effect(`forward in the middle of a wait lets the job of a ${way} be added at the right time of day, once`, () =>
      Effect.gen(function* () {
        const { set, times } = yield* begin(when("0 6 * * *"))
        yield* pass("1 hour")
        set("2026-01-01T04:30:00")
        yield* pass("1 day")
        assert.deepStrictEqual(times, ["2026-01-01T06:00:00"])
        yield* pass("2 hours")
        assert.deepStrictEqual(times, ["2026-01-01T06:00:00", "2026-01-02T06:00:00"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )

    it.effect(`back in the middle of a wait lets the job of a ${way} be added at the right time of day, once`, () =>
      Effect.gen(function* () {
        const { set, times } = yield* begin(when("0 6 * * *"))
        yield* pass("5 hours")
        set("2026-01-01T02:00:00")
        yield* pass("3 hours")
        assert.deepStrictEqual(times, [])
        yield* pass("1 day")
        assert.deepStrictEqual(times, ["2026-01-01T06:00:00"])
        yield* pass("2 hours")
        assert.deepStrictEqual(times, ["2026-01-01T06:00:00", "2026-01-02T06:00:00"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )

    it.effect(`back past a tick of a ${way} does not let it come again`, () =>
      Effect.gen(function* () {
        const { set, times } = yield* begin(when("*/30 * * * *"))
        yield* pass("65 minutes")
        set("2026-01-01T00:15:00")
        yield* pass("80 minutes")
        assert.deepStrictEqual(times, ["2026-01-01T00:30:00", "2026-01-01T01:00:00", "2026-01-01T01:30:00"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )
  }

  it.effect("back to before the program began lets ticks come that have not come yet, and no other again", () =>
    Effect.gen(function* () {
      const { set, times } = yield* begin({ cron: "0 * * * *", timeZone: "UTC" })
      yield* pass("150 minutes")
      set("2025-12-31T21:30:00")
      yield* pass("6 hours")
      assert.deepStrictEqual(times, [
        "2026-01-01T01:00:00",
        "2026-01-01T02:00:00",
        "2025-12-31T22:00:00",
        "2025-12-31T23:00:00",
        "2026-01-01T00:00:00",
        "2026-01-01T03:00:00"
      ])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("forward past a tick, and put right again, lets the tick come at its time", () =>
    Effect.gen(function* () {
      const { set, times } = yield* begin({ cron: "0 6 * * *", timeZone: "UTC" })
      yield* pass("2 hours")
      set("2026-01-01T20:00:00")
      yield* pass("2 hours")
      set("2026-01-01T04:00:00")
      yield* pass("1 day")
      assert.deepStrictEqual(times, ["2026-01-01T06:00:00"])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("does nothing to an interval", () =>
    Effect.gen(function* () {
      for (const schedule of [Schedule.spaced("1 hour"), Schedule.fixed("1 hour")]) {
        const { set, times } = yield* begin({ schedule })
        yield* pass("90 minutes")
        set("2026-01-02T12:00:00")
        yield* pass("1 hour")
        set("2025-06-01T00:00:00")
        yield* pass("1 hour")
        assert.deepStrictEqual(times, ["2026-01-01T01:00:00", "2026-01-02T12:30:00", "2025-06-01T00:30:00"])
      }
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )
})
