import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Schedule } from "effect"
import { Worker } from "../src/index.js"
import { addAll, layer, makeLog, numbers, passIn, settle } from "./utils.js"

/** A clock whose time of day can be set, while time passes as before. */
const settable = Effect.map(Effect.clock, (clock) => {
  let offset = 0
  const timeOfDay = () => clock.unsafeCurrentTimeMillis() + offset
  const set: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: timeOfDay,
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: Effect.sync(timeOfDay),
    currentTimeNanos: clock.currentTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
  const setBy = (millis: number) =>
    Effect.sync(() => {
      offset += millis
    })
  return { clock: set, set: setBy }
})

describe("where the time of day is set", () => {
  for (const [how, millis] of [
    ["back by a minute", -60_000],
    ["back by a day", -86_400_000],
    ["forward by an hour", 3_600_000]
  ] as const) {
    it.effect(`${how}, leases are renewed, and no job runs twice`, () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* numbers.add(pool, { n: 1 }, { retry: "20 seconds" })
        const { clock, set } = yield* settable
        let begun = 0
        yield* Effect.withClock(
          Worker.make(
            numbers,
            () =>
              Effect.zipRight(
                Effect.sync(() => begun++),
                Effect.never
              ),
            {
              concurrency: 2,
              grace: 0
            }
          ),
          clock
        )
        yield* passIn(5, "1 second")
        yield* set(millis)
        yield* passIn(60, "2 seconds")
        assert.strictEqual(begun, 1)
      }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
    )

    it.effect(`${how}, a rate lets as many begin as before`, () =>
      Effect.gen(function* () {
        yield* addAll(10)
        const { clock, set } = yield* settable
        let begun = 0
        yield* Effect.withClock(
          Worker.make(numbers, () => Effect.sync(() => begun++), { rateLimit: { limit: 2, interval: "10 seconds" } }),
          clock
        )
        yield* passIn(5, "1 second")
        assert.strictEqual(begun, 2)
        yield* set(millis)
        yield* passIn(4, "1 second")
        assert.strictEqual(begun, 2)
        yield* passIn(42, "1 second")
        assert.strictEqual(begun, 10)
      }).pipe(Effect.scoped, Effect.provide(layer))
    )

    it.effect(`${how}, a job that failed is tried again when its wait is over`, () =>
      Effect.gen(function* () {
        yield* addAll(1)
        const { clock, set } = yield* settable
        let begun = 0
        yield* Effect.withClock(
          Worker.make(
            numbers,
            () =>
              Effect.zipRight(
                Effect.sync(() => begun++),
                Effect.fail("no")
              ),
            {
              retry: Schedule.spaced("8 seconds"),
              attempts: 3
            }
          ),
          clock
        )
        yield* passIn(4, "1 second")
        yield* set(millis)
        yield* passIn(3, "1 second")
        assert.strictEqual(begun, 1)
        yield* passIn(10, "1 second")
        assert.strictEqual(begun, 3)
      }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
    )
  }
})

describe("after the process was held up for longer than a lease", () => {
  /** A clock that jumps: nothing that sleeps wakes for it, as nothing does while a process is held up. */
  const jumping = Effect.map(Effect.clock, (clock) => {
    let held = 0
    const jumped: Clock.Clock = {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + held,
      unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos() + BigInt(held) * 1_000_000n,
      currentTimeMillis: Effect.sync(() => clock.unsafeCurrentTimeMillis() + held),
      currentTimeNanos: Effect.sync(() => clock.unsafeCurrentTimeNanos() + BigInt(held) * 1_000_000n),
      sleep: (duration) => clock.sleep(duration)
    }
    const jump = (millis: number) => {
      held += millis
    }
    return { clock: jumped, jump }
  })

  for (const [when, settled] of [
    ["just after they came", "0 seconds"],
    ["later", "1 second"]
  ] as const) {
    it.effect(
      `${when}, jobs that were fetched ahead are begun once their lease is renewed, and not where they are lost`,
      () =>
        Effect.gen(function* () {
          const pool = yield* DisquePool
          const ids = yield* addAll(3)
          const { clock, jump } = yield* jumping
          const gate = yield* Deferred.make<void>()
          const steps: Array<string> = []
          const watched: DisquePool["Type"] = {
            ...pool,
            working: (job) =>
              Effect.tap(pool.working(job), () =>
                Effect.sync(() =>
                  steps.push(`renewed ${ids.findIndex((id) => id === (typeof job === "string" ? job : job.id))}`)
                )
              )
          }
          yield* Effect.withClock(
            Worker.make(
              numbers,
              ({ n }) =>
                Effect.zipRight(
                  Effect.sync(() => steps.push(`begun ${n}`)),
                  n === 0 ? Deferred.await(gate) : Effect.void
                ),
              { grace: 0 }
            ),
            clock
          ).pipe(Effect.provideService(DisquePool, watched))
          yield* passIn(1, settled)
          // Somebody else had it, and has done it, while nothing went on here.
          yield* pool.ackJob(ids[1] as string)
          steps.length = 0
          jump(10 * 60_000)
          yield* Deferred.succeed(gate, undefined)
          yield* settle
          assert.deepStrictEqual(steps, ["renewed 2", "begun 2"])
        }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
    )
  }
})
