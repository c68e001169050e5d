import { DisquePool, InvalidArgument, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import {
  Cause,
  Clock,
  Cron,
  DateTime,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberRef,
  Layer,
  Logger,
  LogLevel,
  Schedule,
  Schema,
  TestClock
} from "effect"
import { Recurring } from "../../src/index.js"
import * as calendar from "../../src/recurring/calendar.js"
import { left } from "../utils/jobs.js"
import { logged, makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { settle } from "../utils/time.js"

const reports = JobQueue.make("reports", { payload: Schema.String })

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const iso = (time: number) => new Date(time).toISOString().slice(0, 19)
const at = (time: string) => Date.parse(`${time}Z`)

const setTime = (time: string) => TestClock.setTime(at(time))
const pass = (duration: Duration.DurationInput) => Effect.zipRight(TestClock.adjust(duration), settle)

/** A payload that says what time it is, and the times that were said. */
const timed = (delay: (n: number) => Duration.DurationInput = () => 0) => {
  const times: Array<string> = []
  const payload = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.as(Effect.delay(Effect.void, delay(times.push(iso(now)))), iso(now))
  )
  return { times, payload }
}

/** The test clock, with a time of day that can be set, and timers that are late. */
const settable = Effect.map(Effect.clock, (clock) => {
  let shift = 0
  let late = 0
  const timeOfDay = () => clock.unsafeCurrentTimeMillis() + shift
  const settable: Clock.Clock = {
    ...clock,
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: timeOfDay,
    currentTimeMillis: Effect.sync(timeOfDay),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    sleep: (duration) => clock.sleep(Duration.sum(duration, late))
  }
  return {
    clock: settable,
    set: (time: string) => {
      shift = at(time) - clock.unsafeCurrentTimeMillis()
    },
    delay: (duration: Duration.DurationInput) => {
      late = Duration.toMillis(duration)
    }
  }
})

const refusal = <A, R>(effect: Effect.Effect<A, InvalidArgument, R>): Effect.Effect<string, A, R> =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, InvalidArgument)
    return error.message
  })

/** A layer alone, built and closed again. */
const built = <R>(layer: Layer.Layer<never, InvalidArgument, R>) => Effect.scoped(Layer.build(layer))

/** The two ways to say a cron: what is told of one holds for the other. */
const ways: ReadonlyArray<
  readonly [
    way: string,
    when: (cron: string) =>
      | { readonly cron: string; readonly timeZone: string }
      | {
          readonly schedule: Schedule.Schedule<unknown>
        }
  ]
> = [
  ["cron", (cron) => ({ cron, timeZone: "UTC" })],
  ["schedule", (cron) => ({ schedule: Schedule.cron(cron, "UTC") })]
]

describe("jobs", () => {
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

describe("timers of the platform, which end at 25 days", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: at("2026-03-01T00:00:01") })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  // What Effect's own clock is over these timers. It took hold of the real `hrtime` when it was loaded.
  const live = Clock.make()
  const platform: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => live.unsafeCurrentTimeMillis(),
    unsafeCurrentTimeNanos: () => process.hrtime.bigint(),
    currentTimeMillis: live.currentTimeMillis,
    currentTimeNanos: Effect.sync(() => process.hrtime.bigint()),
    sleep: (duration) => live.sleep(duration)
  }

  const begin = (options: Recurring.RecurringOptions<string, never, never>) =>
    Effect.runFork(
      Recurring.run(reports, options).pipe(Effect.provide(EmbeddedDisque.layerPool), Effect.withClock(platform))
    )

  const end = async (fiber: Fiber.RuntimeFiber<unknown, unknown>) => {
    const ended = Effect.runPromise(Fiber.interrupt(fiber))
    await vi.advanceTimersByTimeAsync(1000)
    await ended
  }

  for (const [way, when] of ways) {
    it(`let a monthly ${way} add its jobs`, { timeout: 60_000 }, async () => {
      const { payload, times } = timed()
      const fiber = begin({ ...when("0 0 1 * *"), payload })
      await vi.advanceTimersByTimeAsync(62 * day)
      assert.deepStrictEqual(times, ["2026-04-01T00:00:00", "2026-05-01T00:00:00"])
      await end(fiber)
    })
  }

  it("let an interval of months pass", { timeout: 60_000 }, async () => {
    const { payload, times } = timed()
    const fiber = begin({ schedule: Schedule.spaced("60 days"), payload })
    await vi.advanceTimersByTimeAsync(60 * day - minute)
    assert.deepStrictEqual(times, [])
    await vi.advanceTimersByTimeAsync(60 * day + 2 * minute)
    assert.strictEqual(times.length, 2)
    await end(fiber)
  })
})

describe("a clock that is set", () => {
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

describe("what can never add a job is refused when it is built", () => {
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
          assert.include(message, `cron is ${cron}, expected a cron expression (`)
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
        assert.include(message, `timeZone is ${timeZone}, expected a time zone`)
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

describe("where clocks change, a cron", () => {
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

  it.effect("of every hour has no hour left out, and none that there is not", () =>
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

  it.effect("of some hours comes once where its time comes twice, the first time", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* timesOf("30 1 * * *", "Europe/London", "2025-10-25T12:00:00", "2 days"), [
        "10-26T00:30",
        "10-27T01:30"
      ])
      // Begun when the time has come once, it waits for the next day.
      assert.deepStrictEqual(yield* timesOf("30 1 * * *", "Europe/London", "2026-10-25T01:10:00", "1 hour"), [])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("of some hours comes at the first moment after the gap where its time is left out", () =>
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

describe("a tick that is missed", () => {
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

describe("a payload", () => {
  /** What a logger of Effect's makes of it. */
  const lines: Array<string> = []
  const strings = Logger.replace(
    Logger.defaultLogger,
    Logger.map(Logger.stringLogger, (line) => {
      lines.push(line)
    })
  ).pipe(Layer.merge(Logger.minimumLogLevel(LogLevel.Debug)))
  beforeEach(() => {
    lines.length = 0
  })

  class Unreadable {
    readonly own = this
    readonly big = 1n
    toString(): string {
      throw new Error("no words")
    }
    toJSON(): unknown {
      throw new Error("no JSON")
    }
  }

  const circular: Record<string, unknown> = { big: 1n }
  circular.self = circular

  for (const [what, payload] of [
    ["fails", Effect.fail("no report")],
    ["fails with what has no JSON", Effect.fail(circular)],
    ["fails with what has no words", Effect.fail(new Unreadable())],
    ["dies of what has no words", Effect.die(new Unreadable())],
    ["dies of an object without a prototype", Effect.die(Object.create(null))],
    [
      "throws",
      Effect.suspend((): Effect.Effect<string> => {
        throw new Error("thrown")
      })
    ],
    ["interrupts itself", Effect.interrupt],
    [
      "interrupts its fiber",
      Effect.withFiberRuntime<string>((fiber) => Effect.zipRight(Fiber.interruptFork(fiber), Effect.never))
    ]
  ] as ReadonlyArray<readonly [string, Effect.Effect<string, unknown>]>) {
    it.effect(`that ${what} is reported, and the next job is added`, () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        let n = 0
        const schedule = Schedule.spaced("1 hour")
        const first = Effect.suspend(() => (n++ === 0 ? payload : Effect.succeed("x")))
        yield* Effect.fork(Recurring.run(reports, { schedule, payload: first }))
        yield* pass("1 hour")
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], "level=ERROR")
        assert.include(lines[0], "a recurring job could not be added: ")
        assert.include(lines[0], "queue=reports")
        yield* pass("1 hour")
        assert.strictEqual(yield* pool.queueLength("reports"), 1)
      }).pipe(Effect.provide(strings), Effect.provide(EmbeddedDisque.layerPool))
    )
  }

  it.effect("that fails does not end anything where the logger dies of it", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let n = 0
      const payload = Effect.suspend(() => (n++ === 0 ? Effect.fail("no report") : Effect.succeed("x")))
      const fatal = Logger.replace(
        Logger.defaultLogger,
        Logger.make(() => {
          throw new Error("no log")
        })
      )
      const running = Recurring.run(reports, { schedule: Schedule.spaced("1 hour"), payload })
      yield* Effect.fork(Effect.provide(running, fatal))
      yield* pass("1 hour")
      yield* pass("1 hour")
      assert.strictEqual(yield* pool.queueLength("reports"), 1)
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("leaves nothing to the next", () =>
    Effect.gen(function* () {
      const ref = FiberRef.unsafeMake(0)
      const seen: Array<number> = []
      const payload = Effect.as(
        FiberRef.updateAndGet(ref, (n) => n + 1).pipe(Effect.tap((n) => Effect.sync(() => seen.push(n)))),
        "x"
      )
      yield* Effect.fork(Recurring.run(reports, { schedule: Schedule.spaced("1 hour"), payload }))
      for (let i = 0; i < 3; i++) yield* pass("1 hour")
      assert.deepStrictEqual(seen, [1, 1, 1])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("that cannot be added for a minute is reported and left out", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const [node] = disque.nodes
      const log = makeLog()
      const { payload, times } = timed()
      const running = Recurring.run(reports, { schedule: Schedule.spaced("1 hour"), payload })
      yield* Effect.fork(Effect.provide(running, log.layer))
      yield* pass("1 minute")
      yield* disque.kill(node)
      yield* pass("1 hour")
      yield* pass("10 minutes")
      assert.isTrue(log.lines.some((line) => line.text.startsWith("a recurring job could not be added: ")))
      yield* disque.restart(node)
      yield* pass("1 hour")
      assert.strictEqual(times.length, 2)
      assert.strictEqual(yield* pool.queueLength("reports"), 1)
    }).pipe(Effect.provide(layer))
  )
})

describe("the end", () => {
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
