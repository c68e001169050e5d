import { InvalidArgument } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Cron, DateTime, Effect, Fiber, Layer, Schedule } from "effect"
import { Recurring } from "../../src/index.js"
import { pass } from "../utils/time.js"
import { hour, reports, setTime, timed } from "./utils.js"

const refusal = <A, R>(effect: Effect.Effect<A, InvalidArgument, R>): Effect.Effect<string, A, R> =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, InvalidArgument)
    return error.message
  })

/** A layer alone, built and closed again. */
const built = <R>(layer: Layer.Layer<never, InvalidArgument, R>) => Effect.scoped(Layer.build(layer))

describe.concurrent("what can never add a job is refused when it is built", () => {
  const payload = Effect.succeed("x")

  it.effect("a cron that cannot be read, with the expression and the reason", () =>
    Effect.gen(function* () {
      for (const [cron, reason] of [
        ["61 * * * *", 'Expected a value between 0 and 59: "61"'],
        ["0 0 * *", 'Invalid number of segments in cron expression: "0 0 * *"'],
        ["", "Invalid number of segments"],
        ["0 0 * * FOO", '"FOO"'],
        ["*/0 * * * *", "step value"]
      ] as const) {
        for (const refused of [
          built(Recurring.layer(reports, { cron, payload })),
          Recurring.run(reports, { cron, payload })
        ]) {
          const message = yield* refusal(refused)
          assert.include(message, `cron is ${JSON.stringify(cron)}, expected a cron expression (`)
          assert.include(message, reason)
        }
      }
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("a cron that never comes", () =>
    Effect.gen(function* () {
      yield* setTime("2026-01-01T00:00:00")
      const noHour = Cron.make({ minutes: [0], hours: [25], days: [], months: [], weekdays: [] })
      for (const cron of ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30 2 */2", noHour]) {
        const message = yield* refusal(built(Recurring.layer(reports, { cron, timeZone: "Europe/London", payload })))
        if (typeof cron === "string") assert.include(message, cron)
        assert.include(message, "expected a time that comes")
      }
      // One that comes seldom is none.
      yield* built(Recurring.layer(reports, { cron: "0 0 29 2 *", payload }))
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("a time zone that is unknown, and one beside a schedule", () =>
    Effect.gen(function* () {
      const cron = "0 6 * * *"
      for (const timeZone of ["Mars/Olympus", ""]) {
        const message = yield* refusal(built(Recurring.layer(reports, { cron, timeZone, payload })))
        assert.include(message, `timeZone is ${JSON.stringify(timeZone)}, expected a time zone`)
      }
      for (const timeZone of ["Europe/London", "GMT", "+01:00", DateTime.zoneMakeOffset(hour)]) {
        yield* built(Recurring.layer(reports, { cron, timeZone, payload }))
      }
      const both = { schedule: Schedule.spaced("1 hour"), timeZone: "UTC", payload }
      assert.include(
        yield* refusal(
          built(Recurring.layer(reports, both as unknown as Recurring.RecurringOptions<string, never, never>))
        ),
        "timeZone is UTC"
      )
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("a schedule that dies of naming its first time, with the reason", () =>
    Effect.gen(function* () {
      yield* setTime("2026-01-01T00:00:00")
      for (const [schedule, reason] of [
        [Schedule.cron("0 0 30 2 *", "UTC"), "Unable to find next cron date"],
        [Schedule.cron("61 * * * *"), 'Expected a value between 0 and 59: "61"'],
        [Schedule.cron("0 0 * *"), '"0 0 * *"'],
        [Schedule.cron("0 0 * * *", "Mars/Olympus"), '"Mars/Olympus"'],
        [Schedule.dayOfMonth(40), "dayOfMonth(40)"]
      ] as const) {
        for (const refused of [
          built(Recurring.layer(reports, { schedule, payload })),
          Recurring.run(reports, { schedule, payload })
        ]) {
          const message = yield* refusal(refused)
          assert.include(message, "schedule is one that dies")
          assert.include(message, reason)
        }
      }
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("neither a cron nor a schedule, both of them, and what is none", () =>
    Effect.gen(function* () {
      // @ts-expect-error One of the two is to be given.
      Recurring.run(reports, { payload })
      // @ts-expect-error And one alone.
      Recurring.run(reports, { payload, cron: "0 6 * * *", schedule: Schedule.spaced("1 hour") })
      const refused = (options: object) =>
        refusal(
          built(Recurring.layer(reports, { payload, ...options } as Recurring.RecurringOptions<string, never, never>))
        )
      assert.include(yield* refused({}), "expected a cron or a schedule")
      const schedule = Schedule.spaced("1 hour")
      assert.include(yield* refused({ cron: "0 6 * * *", schedule }), "expected none beside a schedule")
      assert.include(yield* refused({ cron: 6 }), "expected an expression or a Cron")
      assert.include(yield* refused({ schedule: "1 hour" }), "expected a Schedule")
      assert.include(yield* refused({ schedule, catchUp: "all" }), "expected one of none, last")
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("but a schedule that takes its time to name the first is not waited for", () =>
    Effect.gen(function* () {
      const { payload, times } = timed()
      const slow = Schedule.spaced("1 hour").pipe(Schedule.addDelayEffect(() => Effect.as(Effect.sleep("1 minute"), 0)))
      const fiber = yield* Effect.fork(Layer.launch(Recurring.layer(reports, { schedule: slow, payload })))
      yield* pass("2 seconds")
      yield* pass("59 minutes")
      assert.strictEqual(times.length, 0)
      yield* pass("5 minutes")
      assert.strictEqual(times.length, 1)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )
})
