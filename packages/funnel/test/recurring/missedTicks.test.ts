import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Recurring } from "../../src/index.js"
import { pass, settle } from "../utils/time.js"
import { reports, setTime, settable, timed, ways } from "./utils.js"

describe.concurrent("a tick that is missed", () => {
  for (const [way, when] of ways) {
    it.effect(`of a ${way}, because an earlier job was still being added, is left out`, () =>
      Effect.gen(function* () {
        yield* setTime("2026-01-01T00:00:00")
        const { payload, times } = timed((n) => (n === 1 ? "210 seconds" : 0))
        yield* Effect.fork(Recurring.run(reports, { ...when("* * * * *"), payload }))
        yield* pass("350 seconds")
        assert.deepStrictEqual(times, ["2026-01-01T00:01:00", "2026-01-01T00:05:00"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )

    it.effect(`of a ${way} is made up for once and at once with \`catchUp: "last"\``, () =>
      Effect.gen(function* () {
        yield* setTime("2026-01-01T00:00:00")
        const { payload, times } = timed((n) => (n === 1 ? "210 seconds" : 0))
        yield* Effect.fork(Recurring.run(reports, { ...when("* * * * *"), payload, catchUp: "last" }))
        yield* pass("350 seconds")
        assert.deepStrictEqual(times, ["2026-01-01T00:01:00", "2026-01-01T00:04:30", "2026-01-01T00:05:00"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )

    for (const catchUp of ["none", "last"] as const) {
      it.effect(
        `of a ${way}, because the clock was set forward past it, is ${catchUp === "none" ? "left out" : "made up for"}`,
        () =>
          Effect.gen(function* () {
            yield* setTime("2026-01-01T00:10:00")
            const { clock, set } = yield* settable
            const { payload, times } = timed()
            yield* Effect.fork(
              Effect.withClock(Recurring.run(reports, { ...when("0 * * * *"), payload, catchUp }), clock)
            )
            yield* pass("1 minute")
            set("2026-01-01T05:11:00")
            yield* pass("49 minutes")
            const regular = ["2026-01-01T06:00:00"]
            assert.deepStrictEqual(times, catchUp === "none" ? regular : ["2026-01-01T05:35:00", ...regular])
          }).pipe(Effect.provide(EmbeddedDisque.layerPool))
      )

      it.effect(
        `of a ${way}, because the program was blocked, is ${catchUp === "none" ? "left out" : "made up for"}`,
        () =>
          Effect.gen(function* () {
            yield* setTime("2026-01-01T00:59:30")
            const { clock, delay } = yield* settable
            const { payload, times } = timed()
            delay("10 minutes")
            yield* Effect.fork(
              Effect.withClock(Recurring.run(reports, { ...when("0 * * * *"), payload, catchUp }), clock)
            )
            yield* settle
            delay(0)
            yield* pass("2 hours")
            const regular = ["2026-01-01T02:00:00"]
            assert.deepStrictEqual(times, catchUp === "none" ? regular : ["2026-01-01T01:10:00", ...regular])
          }).pipe(Effect.provide(EmbeddedDisque.layerPool))
      )
    }

    it.effect(`is none of a ${way} where the program is blocked for less than a minute`, () =>
      Effect.gen(function* () {
        yield* setTime("2026-01-01T05:59:40")
        const { clock, delay } = yield* settable
        const { payload, times } = timed()
        delay("59 seconds")
        yield* Effect.fork(Effect.withClock(Recurring.run(reports, { ...when("0 6 * * *"), payload }), clock))
        yield* settle
        delay(0)
        yield* pass("5 minutes")
        assert.deepStrictEqual(times, ["2026-01-01T06:00:59"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )

    it.effect(`is none of a ${way} where timers are late`, () =>
      Effect.gen(function* () {
        yield* setTime("2026-01-01T00:00:00")
        const { clock, delay } = yield* settable
        const { payload, times } = timed()
        delay("15 millis")
        yield* Effect.fork(Effect.withClock(Recurring.run(reports, { ...when("*/10 * * * *"), payload }), clock))
        yield* pass("31 minutes")
        assert.deepStrictEqual(times, ["2026-01-01T00:10:00", "2026-01-01T00:20:00", "2026-01-01T00:30:00"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )
  }
})
