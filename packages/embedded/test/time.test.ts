import { DisquePool } from "@disco/core"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque, type EmbeddedNode } from "../src/index.js"
import { dial, layer, say, text } from "./utils/ask.js"

const seconds = (millis: number) => String(millis / 1000)

/** Looks every now and then whether something is so. */
const until = <A, E, R>(effect: Effect.Effect<A, E, R>, isSo: (value: A) => boolean, millis: number) =>
  Effect.repeat(effect, { until: isSo, schedule: Schedule.spaced(millis / 200) })

/** What is waited for, and how much later than its time it may come, in ms; it may come as much earlier where it comes by chance. */
interface Wait {
  readonly waits: (millis: number) => Effect.Effect<unknown, unknown>
  readonly late?: (millis: number) => number
  readonly isByChance?: boolean
}

const second = Effect.map(EmbeddedDisque, ({ nodes }) => nodes[1] as EmbeddedNode)

const waits: Record<string, Wait> = {
  "a job with a delay": {
    waits: (millis) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        yield* say(link, "ADDJOB", "q", "x", "0", "DELAY", seconds(millis), "TTL", seconds(2 * millis))
        yield* say(link, "GETJOB", "FROM", "q")
      }).pipe(Effect.provide(layer()))
  },
  "a job that comes again": {
    waits: (millis) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        yield* say(link, "ADDJOB", "q", "x", "0", "RETRY", seconds(millis), "TTL", seconds(3 * millis))
        yield* say(link, "GETJOB", "FROM", "q")
        yield* say(link, "GETJOB", "FROM", "q")
      }).pipe(Effect.provide(layer())),
    late: () => 500,
    isByChance: true
  },
  "the end of a job": {
    waits: (millis) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        const id = yield* text(link, "ADDJOB", "q", "x", "0", "TTL", seconds(millis))
        yield* until(say(link, "SHOW", id), (job) => job === null, millis)
      }).pipe(Effect.provide(layer())),
    late: (millis) => 1000 + millis / 200
  },
  "the timeout of GETJOB": {
    waits: (millis) =>
      Effect.flatMap(dial(1), (link) => say(link, "GETJOB", "TIMEOUT", String(millis), "FROM", "q")).pipe(
        Effect.provide(layer())
      )
  },
  "the timeout of ADDJOB": {
    waits: (millis) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        const { isolate } = yield* EmbeddedDisque
        yield* isolate(yield* second)
        yield* say(link, "ADDJOB", "q", "x", String(millis), "REPLICATE", "2")
      }).pipe(Effect.provide(layer({ nodes: 2, nodeTimeout: "1000 days" })))
  },
  "a pause of the clients": {
    waits: (millis) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        yield* say(link, "CLIENT", "PAUSE", String(millis))
        yield* say(link, "PING")
      }).pipe(Effect.provide(layer()))
  },
  "a node that is suspected": {
    waits: (millis) =>
      Effect.gen(function* () {
        const { freeze } = yield* EmbeddedDisque
        yield* freeze(yield* second)
        const hello = Effect.flatMap(dial(1), (link) => say(link, "HELLO"))
        const isSuspected = (nodes: unknown) =>
          (nodes as ReadonlyArray<ReadonlyArray<string>>).slice(2).some(([, , , priority]) => Number(priority) >= 10)
        yield* until(hello, isSuspected, millis)
      }).pipe(Effect.provide(Layer.suspend(() => layer({ nodes: 2, nodeTimeout: millis })))),
    late: (millis) => millis / 200
  },
  "a command to a node that is frozen": {
    waits: (millis) =>
      Effect.gen(function* () {
        const { freeze, nodes } = yield* EmbeddedDisque
        const pool = yield* DisquePool
        yield* freeze(nodes[0])
        yield* pool.on(nodes[0].address).queueLength("q")
      }).pipe(
        Effect.provide(
          Layer.provideMerge(DisquePool.layer({ commandTimeout: millis, refreshInterval: "1000 days" }), layer())
        ),
        Logger.withMinimumLogLevel(LogLevel.None)
      )
  }
}

/** `TestClock`, with a time of day that a test sets while time passes as before. */
const settable = Effect.map(Effect.clock, (clock) => {
  let set = 0
  const timeOfDay = () => clock.unsafeCurrentTimeMillis() + set
  const changed: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: timeOfDay,
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: Effect.sync(timeOfDay),
    currentTimeNanos: clock.currentTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
  return {
    clock: changed,
    setBy: (millis: number) => {
      set += millis
    }
  }
})

const minute = 60_000
const hour = 60 * minute
const jumps = { "set back by a minute": -minute, "set forward by an hour": hour }

describe("where the time of day is", () => {
  for (const [jump, by] of Object.entries(jumps)) {
    for (const [name, { isByChance = false, late = () => 0, waits: wait }] of Object.entries(waits)) {
      it.effect(`${jump}, it comes when its time has passed: ${name}`, () =>
        Effect.gen(function* () {
          const millis = 20_000
          const { clock, setBy } = yield* settable
          const fiber = yield* Effect.fork(Effect.withClock(wait(millis), clock))
          yield* TestClock.adjust(1000)
          setBy(by)
          const early = 1 + (isByChance ? late(millis) : 0)
          yield* TestClock.adjust(millis - 1000 - early)
          assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)), "it came early")
          yield* TestClock.adjust(early + late(millis))
          assert.isTrue(Option.isSome(yield* Fiber.poll(fiber)), "it did not come")
        })
      )
    }
  }

  it.effect("set, a node goes on with the one that it had, and the times of its jobs grow", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_795_494_781_594)
      const own = yield* Effect.clock
      const { clock, setBy } = yield* settable
      yield* Effect.gen(function* () {
        const link = yield* dial(1)
        setBy(-hour)
        assert.deepStrictEqual(yield* say(link, "TIME"), ["1795494781", "594000"])
        yield* Effect.withClock(TestClock.adjust(1500), own)
        setBy(2 * hour)
        assert.deepStrictEqual(yield* say(link, "TIME"), ["1795494783", "94000"])
      }).pipe(Effect.provide(layer()), Effect.withClock(clock))
    })
  )
})

describe("30 days, with timers that hold 25", () => {
  const month = 30 * 24 * hour

  // A node sends a job again every 5 seconds to those that have not confirmed it: too often to wait for.
  for (const [name, { late = () => 0, waits: wait }] of Object.entries(waits)) {
    if (name === "the timeout of ADDJOB") continue
    it(`pass before it comes, and no more: ${name}`, async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "hrtime"] })
      try {
        const fiber = Effect.runFork(wait(month))
        await vi.advanceTimersByTimeAsync(month - 1000)
        assert.isNull(fiber.unsafePoll(), "it came early")
        await vi.advanceTimersByTimeAsync(2000 + late(month))
        assert.isNotNull(fiber.unsafePoll(), "it did not come")
      } finally {
        vi.useRealTimers()
      }
    })
  }
})
