import { EmbeddedDisque } from "@disco/embedded"
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Clock, Effect, Fiber, Schedule } from "effect"
import { Recurring } from "../../src/index.js"
import { at, hour, minute, reports, timed, ways } from "./utils.js"

const day = 24 * hour

describe.sequential("timers of the platform, which end at 25 days", () => {
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
