import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Cron, DateTime, type Duration, Effect, Fiber } from "effect"
import { Recurring } from "../../src/index.js"
import * as calendar from "../../src/recurring/calendar.js"
import { pass } from "../utils/time.js"
import { at, hour, iso, minute, reports, setTime, timed } from "./utils.js"

describe.concurrent("where clocks change, a cron", () => {
  const timesOf = (cron: string, timeZone: string, from: string, duration: Duration.DurationInput) =>
    Effect.gen(function* () {
      yield* setTime(from)
      const { payload, times } = timed()
      const fiber = yield* Effect.fork(Recurring.run(reports, { cron, timeZone, payload }))
      yield* pass(duration)
      yield* Fiber.interrupt(fiber)
      return times.map((time) => time.slice(5, 16))
    })

  it.effect("of every hour comes twice in the hour that comes twice", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* timesOf("*/15 * * * *", "Europe/London", "2025-10-26T00:20:00", "95 minutes"), [
        "10-26T00:30",
        "10-26T00:45",
        "10-26T01:00",
        "10-26T01:15",
        "10-26T01:30",
        "10-26T01:45"
      ])
      assert.deepStrictEqual(yield* timesOf("0 * * * *", "Europe/London", "2025-10-26T22:30:00", "1 hour"), [
        "10-26T23:00"
      ])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("of every hour comes in every hour that there is, and in no hour that is left out", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* timesOf("0 * * * *", "Europe/London", "2025-10-25T22:30:00", "5 hours"), [
        "10-25T23:00",
        "10-26T00:00",
        "10-26T01:00",
        "10-26T02:00",
        "10-26T03:00"
      ])
      assert.deepStrictEqual(yield* timesOf("30 * * * *", "Europe/London", "2026-03-28T23:45:00", "3 hours"), [
        "03-29T00:30",
        "03-29T01:30",
        "03-29T02:30"
      ])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("of some hours comes once, the first time, if its time comes twice", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* timesOf("30 1 * * *", "Europe/London", "2025-10-25T12:00:00", "2 days"), [
        "10-26T00:30",
        "10-27T01:30"
      ])
      // Begun when the time has come once, it waits for the next day.
      assert.deepStrictEqual(yield* timesOf("30 1 * * *", "Europe/London", "2026-10-25T01:10:00", "1 hour"), [])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("of some hours comes at the first moment after the gap if its time is left out", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* timesOf("0 0 * * SUN", "America/Santiago", "2022-09-05T12:00:00", "14 days"), [
        "09-11T04:00",
        "09-18T03:00"
      ])
      assert.deepStrictEqual(yield* timesOf("*/20 1 * * *", "Europe/London", "2026-03-29T00:00:00", "1 day"), [
        "03-29T01:00",
        "03-30T00:00"
      ])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  // What a cron means, told minute by minute.
  const minuteByMinute = (expression: string, walls: ReadonlyArray<number>, from: number): ReadonlyArray<string> => {
    const cron = Cron.unsafeParse(expression, "UTC")
    const times: Array<string> = []
    let reached = walls[0] ?? 0
    for (const [i, wall] of walls.entries()) {
      const isNamed =
        cron.hours.size === 0
          ? Cron.match(cron, wall)
          : Array.from({ length: Math.max(0, wall - reached) / minute }, (_, n) => wall - n * minute).some((wall) =>
              Cron.match(cron, wall)
            )
      reached = Math.max(reached, wall)
      if (i > 0 && isNamed) times.push(iso(from + i * minute))
    }
    return times
  }

  const changes: ReadonlyArray<readonly [zone: string, from: string]> = [
    ["Europe/London", "2025-10-25T12:00:00"],
    ["Europe/London", "2026-03-28T12:00:00"],
    ["America/New_York", "2026-11-01T00:00:00"],
    ["America/Santiago", "2022-09-10T16:00:00"],
    ["America/Santiago", "2022-04-02T16:00:00"],
    ["Australia/Lord_Howe", "2026-04-04T04:00:00"],
    ["Australia/Lord_Howe", "2025-10-04T04:00:00"],
    ["Pacific/Apia", "2011-12-29T22:00:00"],
    ["Asia/Kolkata", "2026-01-30T22:00:00"]
  ]
  for (const [zone, from] of changes) {
    it(`comes when it is to, by the minute, in ${zone} from ${from}`, { timeout: 60_000 }, () => {
      const timeZone = DateTime.zoneUnsafeMakeNamed(zone)
      const walls = Array.from({ length: 26 * 60 }, (_, i) => {
        const zoned = DateTime.unsafeMakeZoned(at(from) + i * minute, { timeZone })
        return DateTime.toDate(zoned).getTime()
      })
      for (const expression of [
        "* * * * *",
        "*/20 * * * *",
        "30 * * * SUN",
        "0 0 * * *",
        "30 1,2 * * *",
        "*/7 0-3 * * *",
        "15 */2 1 * SAT",
        "0 2 */2 * SUN",
        "59 23 30,31 * *"
      ]) {
        const { next } = calendar.make(Cron.unsafeParse(expression), timeZone)
        const times: Array<string> = []
        const last = at(from) + (walls.length - 1) * minute
        for (let time = next(at(from)); time !== undefined && time <= last; time = next(time)) times.push(iso(time))
        assert.deepStrictEqual(times, minuteByMinute(expression, walls, at(from)), expression)
      }
    })
  }

  it("is found to the second, from any moment", () => {
    const { next } = calendar.make(Cron.unsafeParse("10,50 30 6 * * *"), DateTime.zoneMakeOffset(0))
    for (const [from, to] of [
      ["2026-01-01T06:30:09.999", "2026-01-01T06:30:10"],
      ["2026-01-01T06:30:10.000", "2026-01-01T06:30:50"],
      ["2026-01-01T06:30:50.001", "2026-01-02T06:30:10"],
      ["1969-12-30T23:00:00.000", "1969-12-31T06:30:10"]
    ] as const) {
      assert.strictEqual(iso(next(at(from)) ?? 0), to)
    }
  })

  it("is where effect says that it is, away from changes", () => {
    const zone = DateTime.zoneMakeOffset(hour)
    for (const expression of [
      "0 0 13 * FRI",
      "5 4 29 2 *",
      "0 12 */10 * MON",
      "*/30 8-17 * 1,12 MON-FRI",
      "1 2 3 4 5 6"
    ]) {
      const cron = Cron.unsafeParse(expression, zone)
      const { next } = calendar.make(cron, zone)
      let time = at("2026-01-01T00:00:00")
      for (let i = 0; i < 50; i++) {
        const expected = Cron.next(cron, time).getTime()
        time = next(time) ?? 0
        assert.strictEqual(iso(time), iso(expected), expression)
      }
    }
  })

  it("of effect's leaves out the hour that comes twice: once this fails, `schedule` no longer has to say so", () => {
    const cron = Cron.unsafeParse("*/15 * * * *", "Europe/London")
    assert.strictEqual(iso(Cron.next(cron, new Date("2025-10-26T00:45:00Z")).getTime()), "2025-10-26T02:00:00")
  })
})
