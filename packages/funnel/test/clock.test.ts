import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Option, Schedule, type Scope, Stream } from "effect"
import { Funnel, Worker } from "../src/index.js"
import { addAll, numbers } from "./utils/jobs.js"
import { makeLog } from "./utils/logs.js"
import { layer } from "./utils/nodes.js"
import { passIn, settle } from "./utils/time.js"

type Consumer = Effect.Effect<unknown, unknown, DisquePool | Scope.Scope>

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

describe.concurrent("where the time of day is set", () => {
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

describe.concurrent("after the process was held up for longer than a lease", () => {
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
          const watched: DisquePool.Service = {
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

  const text = new TextDecoder()

  /** What funnels give for jobs, in the ways that there are. */
  const consumers: Record<string, (seen: Array<number>, gate: Deferred.Deferred<void>) => Consumer> = {
    incoming: (seen, gate) =>
      Effect.flatMap(Funnel.make({ queues: "numbers" }), ({ incoming }) =>
        Stream.runForEach(incoming, (job) => handle(seen, gate)(JSON.parse(text.decode(job.body))))
      ),
    "incoming, settled by hand": (seen, gate) =>
      Effect.flatMap(Funnel.make({ queues: "numbers", acknowledge: "manual" }), ({ incoming }) =>
        Stream.runForEach(incoming, (job) =>
          Effect.zipRight(handle(seen, gate)(JSON.parse(text.decode(job.body))), Effect.orDie(job.ack))
        )
      ),
    "incoming of payloads": (seen, gate) =>
      Effect.flatMap(Funnel.forQueue(numbers), ({ incoming }) =>
        Stream.runForEach(incoming, (job) => handle(seen, gate)(job.payload))
      ),
    "incoming, with a concurrency": (seen, gate) =>
      Effect.flatMap(Funnel.forQueue(numbers), ({ incoming }) =>
        Stream.runDrain(
          Stream.mapEffect(incoming, (job) => handle(seen, gate)(job.payload), { concurrency: 1, unordered: true })
        )
      ),
    incomingGrouped: (seen, gate) =>
      Effect.flatMap(Funnel.forQueue(numbers), ({ incomingGrouped }) =>
        Stream.runForEach(incomingGrouped(1, 0), (group) =>
          Effect.forEach(group, (job) => handle(seen, gate)(job.payload))
        )
      )
  }
  const handle =
    (seen: Array<number>, gate: Deferred.Deferred<void>) =>
    ({ n }: { readonly n: number }) =>
      Effect.zipRight(
        Effect.sync(() => seen.push(n)),
        n === 0 ? Deferred.await(gate) : Effect.void
      )

  for (const [name, consume] of Object.entries(consumers)) {
    for (const [when, settled] of [
      ["just after they came", "0 seconds"],
      ["later", "1 second"]
    ] as const) {
      it.effect(`${when}, ${name} gives those jobs alone that are still ours`, () =>
        Effect.gen(function* () {
          const pool = yield* DisquePool
          const ids = yield* addAll(4)
          const { clock, jump } = yield* jumping
          const gate = yield* Deferred.make<void>()
          const seen: Array<number> = []
          const others: DisquePool.Service = {
            ...pool,
            show: (job) =>
              Effect.map(
                pool.show(job),
                Option.map((info) => (info.id === ids[2] ? { ...info, additionalDeliveries: 1 } : info))
              )
          }
          yield* Effect.withClock(consume(seen, gate), clock).pipe(
            Effect.provideService(DisquePool, others),
            Effect.forkScoped
          )
          yield* passIn(1, settled)
          assert.deepStrictEqual(seen, [0])
          // While nothing went on here, somebody else has done one, and has got another.
          yield* pool.ackJob(ids[1] as string)
          jump(10 * 60_000)
          yield* Deferred.succeed(gate, undefined)
          yield* settle
          assert.deepStrictEqual(seen, [0, 3])
        }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
      )
    }
  }

  it.effect("jobs whose node does not answer are not begun", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(2)
      const { clock, jump } = yield* jumping
      const gate = yield* Deferred.make<void>()
      const seen: Array<number> = []
      let isSilent = false
      const silent: DisquePool.Service = {
        ...pool,
        show: (job) => (isSilent ? Effect.never : pool.show(job)),
        working: (job) => (isSilent ? Effect.never : pool.working(job))
      }
      const consume = consumers["incoming of payloads"] as (typeof consumers)[string]
      yield* Effect.withClock(consume(seen, gate), clock).pipe(
        Effect.provideService(DisquePool, silent),
        Effect.forkScoped
      )
      yield* passIn(1, "1 second")
      isSilent = true
      jump(10 * 60_000)
      yield* Deferred.succeed(gate, undefined)
      yield* passIn(4, "1 second")
      assert.deepStrictEqual(seen, [0])
      isSilent = false
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})
