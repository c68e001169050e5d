import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import { Recurring } from "../../src/index.js"
import { left } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { pass, settle } from "../utils/time.js"
import { reports, setTime, timed, ways } from "./utils.js"

describe.concurrent("jobs", () => {
  for (const [way, when] of ways) {
    it.effect(`are added when a ${way} says so, the first when its time has come`, () =>
      Effect.gen(function* () {
        yield* setTime("2026-01-01T00:00:00")
        const { payload } = timed()
        yield* Effect.fork(Recurring.run(reports, { ...when("0 6 * * *"), payload }))
        yield* pass("1 second")
        assert.deepStrictEqual(yield* left("reports"), [])
        for (let i = 0; i < 3; i++) yield* pass("1 day")
        const jobs = yield* left("reports")
        const bodies = yield* Effect.forEach(jobs, (job) => reports.decode(job))
        assert.deepStrictEqual(bodies, ["2026-01-01T06:00:00", "2026-01-02T06:00:00", "2026-01-03T06:00:00"])
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )
  }

  it.effect("are added when `Effect.schedule` would run an effect by the same schedule", () =>
    Effect.gen(function* () {
      const cron = Schedule.cron("15 */2 * * *", "UTC")
      for (const [name, schedule] of Object.entries<Schedule.Schedule<unknown>>({
        fixed: Schedule.fixed("40 minutes"),
        windowed: Schedule.windowed("1 hour"),
        exponential: Schedule.exponential("1 minute"),
        ended: Schedule.upTo(Schedule.spaced("20 minutes"), "3 hours"),
        minuteOfHour: Schedule.minuteOfHour(30),
        hourOfDay: Schedule.hourOfDay(2),
        cron,
        counted: Schedule.intersect(cron, Schedule.recurs(2)),
        twice: Schedule.andThen(Schedule.recurs(2), cron)
      })) {
        yield* setTime("2026-01-01T00:10:10")
        const timesOf = Effect.fnUntraced(function* <A>(
          begin: (payload: Effect.Effect<string>) => Effect.Effect<A, unknown, DisquePool>
        ) {
          const { payload, times } = timed((n) => (n === 1 ? "3 seconds" : 0))
          yield* setTime("2026-01-01T00:10:10")
          const fiber = yield* Effect.fork(begin(payload))
          yield* pass("8 hours")
          yield* Fiber.interrupt(fiber)
          return times
        })
        const expected = yield* timesOf((payload) => Effect.schedule(payload, schedule))
        assert.isNotEmpty(expected)
        assert.deepStrictEqual(
          yield* timesOf((payload) => Recurring.run(reports, { schedule, payload })),
          expected,
          name
        )
      }
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("are added with the options given", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const { payload } = timed()
      const schedule = Schedule.spaced("1 hour")
      yield* Effect.fork(Recurring.run(reports, { schedule, payload, options: { delay: "10 minutes" } }))
      yield* pass("65 minutes")
      assert.strictEqual(yield* pool.queueLength("reports"), 0)
      yield* pass("10 minutes")
      assert.strictEqual(yield* pool.queueLength("reports"), 1)
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("are added until the scope of the layer closes, which takes no time", () =>
    Effect.gen(function* () {
      yield* setTime("2026-01-01T00:00:00")
      const { payload, times } = timed((n) => (n === 2 ? "1 day" : 0))
      const layer = Recurring.layer(reports, { cron: "0 6 * * *", timeZone: "UTC", payload })
      yield* Effect.scoped(Effect.zipRight(Layer.build(layer), pass("7 hours")))
      yield* pass("1 day")
      assert.deepStrictEqual(times, ["2026-01-01T06:00:00"])
      // In the middle of a payload.
      yield* Effect.scoped(Effect.zipRight(Layer.build(layer), pass("1 day")))
      yield* pass("2 days")
      assert.deepStrictEqual(times, ["2026-01-01T06:00:00", "2026-01-03T06:00:00"])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )
})

describe.concurrent("the end", () => {
  const payload = Effect.succeed("x")

  it.effect("of a schedule is said, and ends the run", () =>
    Effect.gen(function* () {
      const schedule = Schedule.intersect(Schedule.spaced("1 hour"), Schedule.recurs(2))
      const lines = yield* logged(
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(Recurring.run(reports, { schedule, payload }))
          for (let i = 0; i < 3; i++) yield* pass("1 hour")
          assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
        })
      )
      assert.deepStrictEqual(
        lines.map(({ annotations, level, text }) => [level, text, annotations]),
        [["INFO", "the schedule has ended: no more jobs are added", { queue: "reports" }]]
      )
      assert.strictEqual((yield* left("reports")).length, 2)
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("by a schedule that dies is said as an error, and is the defect of the run", () =>
    Effect.gen(function* () {
      let n = 0
      const schedule = Schedule.tapOutput(Schedule.spaced("1 hour"), () =>
        n++ === 1 ? Effect.die(new Error("no time")) : Effect.void
      )
      const lines = yield* logged(
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(Recurring.run(reports, { schedule, payload }))
          yield* pass("1 hour")
          const exit = yield* Fiber.await(fiber)
          assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
          n = 0
          yield* Effect.scoped(
            Effect.zipRight(Layer.build(Recurring.layer(reports, { schedule, payload })), pass("1 hour"))
          )
        })
      )
      assert.strictEqual(lines.length, 2)
      for (const line of lines) {
        assert.strictEqual(line.level, "ERROR")
        assert.include(line.text, "no more recurring jobs are added: Error: no time")
        assert.deepStrictEqual(line.annotations, { queue: "reports" })
      }
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("by interruption comes at once, and says nothing", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        Effect.forEach(
          [
            { schedule: Schedule.spaced("1 hour"), payload },
            { cron: "0 6 1 1 *", payload },
            { schedule: Schedule.forever, payload: Effect.never }
          ],
          (options) =>
            Effect.gen(function* () {
              const fiber = yield* Effect.fork(Recurring.run(reports, options))
              yield* settle
              assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
            })
        )
      )
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )
})
