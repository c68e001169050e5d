import { DisqueConnection, DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel } from "@disco/funnel"
import { assert, describe, it, vi } from "@effect/vitest"
import {
  Cause,
  Clock,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  LogLevel,
  Option,
  Schedule,
  TestClock
} from "effect"
import { NodeDisque } from "../src/index.js"
import { scriptedPeer } from "./utils/scriptedPeer.js"

// Nodes that fail are warnings, and no news here.
const quiet = Logger.withMinimumLogLevel(LogLevel.None)

/** A clock with a time of day that a test sets while time passes as before. */
const settable = (clock: Clock.Clock) => {
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
}

const minute = 60_000
const hour = 60 * minute
const jumps = { "set back by a minute": -minute, "set forward by an hour": hour }

/** Looks in real time until something is so. */
const until = (isSo: () => boolean) =>
  Effect.promise(async () => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
  })

describe("the connectTimeout of a node that says nothing", () => {
  for (const days of [24, 25, 400]) {
    it.scoped(`of ${days} days is over after them, not before`, () =>
      Effect.gen(function* () {
        const warnings: Array<Error> = []
        const warn = (warning: Error) => warnings.push(warning)
        process.on("warning", warn)
        yield* Effect.addFinalizer(() => Effect.sync(() => process.off("warning", warn)))
        const peer = yield* scriptedPeer({ PING: () => {} })
        const connecting = yield* Effect.fork(
          Effect.exit(
            Layer.build(NodeDisque.layerConnection({ nodes: peer.address, connectTimeout: Duration.days(days) }))
          )
        )
        yield* until(() => peer.commands.length > 0)
        yield* TestClock.adjust(days * 24 * hour - 1)
        assert.isTrue(Option.isNone(yield* Fiber.poll(connecting)), "it was over before")
        yield* TestClock.adjust(1)
        const exit = yield* Fiber.join(connecting)
        const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
        assert.deepInclude(error, { _tag: "ConnectionError", reason: "timed-out" })
        assert.deepStrictEqual(warnings, [])
      })
    )
  }
})

describe("where the time of day is", () => {
  for (const [jump, by] of Object.entries(jumps)) {
    it.scopedLive(`${jump}, a peer that falls silent is waited for as long as told`, () =>
      Effect.gen(function* () {
        const peer = yield* scriptedPeer({})
        const { clock, setBy } = settable(yield* Effect.clock)
        yield* Effect.gen(function* () {
          const disque = yield* DisqueConnection
          const asking = yield* Effect.fork(Effect.timed(Effect.flip(disque.queueLength("q"))))
          yield* until(() => peer.commands.some(([name]) => name === "QLEN"))
          setBy(by)
          const [took, error] = yield* Fiber.join(asking)
          assert.deepInclude(error, { _tag: "ConnectionError", reason: "silent" })
          assert.isAtLeast(Duration.toMillis(took), 300)
          assert.isBelow(Duration.toMillis(took), 3000)
        }).pipe(
          Effect.provide(NodeDisque.layerConnection({ nodes: peer.address, commandTimeout: "300 millis" })),
          quiet,
          Effect.withClock(clock)
        )
      })
    )

    it.scoped(`${jump}, a funnel tries for a minute to add a job`, () =>
      Effect.gen(function* () {
        const { clock, setBy } = settable(yield* Effect.clock)
        const sending = yield* Effect.gen(function* () {
          const { kill, nodes } = yield* EmbeddedDisque
          const funnel = yield* Funnel.make({ queues: "q" })
          yield* kill(nodes[0])
          return yield* Effect.exit(funnel.send({ queue: "q", body: "x" }))
        }).pipe(Effect.scoped, Effect.provide(embedded), quiet, Effect.withClock(clock), Effect.fork)
        yield* TestClock.adjust(1000)
        setBy(by)
        yield* TestClock.adjust(58_000)
        assert.isTrue(Option.isNone(yield* Fiber.poll(sending)), "it gave up early")
        yield* TestClock.adjust(7000)
        assert.isTrue(Option.isSome(yield* Fiber.poll(sending)), "it did not give up")
      })
    )
  }
})

const embedded = DisquePool.layer().pipe(
  Layer.provide(EmbeddedDisque.layerDialer),
  Layer.provideMerge(EmbeddedDisque.layer())
)

describe("30 days, with timers that hold 25", () => {
  const month = 30 * 24 * hour

  it("pass before a funnel tries again to add a job, where its schedule says so", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "hrtime"] })
    try {
      const sending = Effect.runFork(
        Effect.gen(function* () {
          const { kill, nodes, restart } = yield* EmbeddedDisque
          const funnel = yield* Funnel.make({ queues: "q", addSchedule: Schedule.spaced("30 days") })
          yield* kill(nodes[0])
          const sending = yield* Effect.fork(funnel.send({ queue: "q", body: "x" }))
          yield* Effect.sleep(1000)
          yield* restart(nodes[0])
          return yield* Fiber.join(sending)
        }).pipe(Effect.scoped, Effect.provide(embedded), quiet)
      )
      await vi.advanceTimersByTimeAsync(month - 1000)
      assert.isNull(sending.unsafePoll(), "it was tried early")
      await vi.advanceTimersByTimeAsync(3000)
      const exit = sending.unsafePoll()
      assert.isTrue(exit !== null && Exit.isSuccess(exit), "it was not tried again")
    } finally {
      vi.useRealTimers()
    }
  })
})
