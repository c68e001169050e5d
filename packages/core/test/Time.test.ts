import { assert, describe, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import {
  type Arguments,
  ConnectionError,
  DisqueDialer,
  DisquePool,
  type PoolOptions,
  type Reply
} from "../src/index.js"
import { consume, Time, Timekeeper } from "../src/internal.js"
import { asText, bulk, idOf } from "./utils/fakeNodes.js"

/** What a node does about a command: it replies, cuts the link, says nothing, or replies after some milliseconds. */
type Reaction = { readonly reply: Reply.Reply; readonly afterMillis?: number } | "cut" | "silent"

const address = "node:1"
const hello: Reply.Reply = [1, bulk(idOf(address)), [bulk(idOf(address)), bulk("node"), bulk("1"), bulk("1")]]

/** A dialer of a node over a network; `onClose` is called when this side closes a link that was used for GETJOB. */
const scripted = (
  react: (name: string, words: ReadonlyArray<string>) => Reaction | undefined,
  onClose: () => void = () => {}
) =>
  Layer.effect(
    DisqueDialer,
    Effect.map(Effect.runtime<never>(), (runtime) => ({
      seeds: [address],
      dial: (node: string) =>
        Effect.sync(() => {
          let isOpen = true
          let blocked = false
          const waiting: Array<(exit: Exit.Exit<Reply.Reply, ConnectionError>) => void> = []
          const end = (error: ConnectionError) => {
            isOpen = false
            for (const done of waiting.splice(0)) done(Exit.fail(error))
          }
          return {
            node,
            isOpen: () => isOpen,
            send: (command: Arguments, done: (exit: Exit.Exit<Reply.Reply, ConnectionError>) => void) => {
              const words = asText(command)
              const name = words[0] ?? ""
              if (name === "GETJOB") blocked = true
              waiting.push(done)
              const reaction = react(name, words) ?? { reply: name === "HELLO" ? hello : "PONG" }
              const settle = (reply: Reply.Reply) => waiting.shift()?.(Exit.succeed(reply))
              if (reaction === "cut") end(new ConnectionError({ node, reason: "lost" }))
              else if (reaction !== "silent" && reaction.afterMillis === undefined) settle(reaction.reply)
              else if (reaction !== "silent") {
                const wait = Effect.sleep(reaction.afterMillis ?? 0)
                Effect.runFork(
                  Effect.provide(
                    Effect.map(wait, () => settle(reaction.reply)),
                    runtime
                  )
                )
              }
            },
            close: (error: ConnectionError) => {
              if (blocked && isOpen) onClose()
              end(error)
            }
          }
        })
    }))
  )

/** So seldom that it comes to nothing here. */
const never = "1000 days"

const quiet = Logger.minimumLogLevel(LogLevel.None)

const pool = (dialer: ReturnType<typeof scripted>, options: PoolOptions) =>
  Layer.build(DisquePool.layer({ refreshInterval: never, ...options }).pipe(Layer.provide(dialer))).pipe(
    Effect.provide(quiet),
    Effect.map(Context.get(DisquePool))
  )

/** Waits that end after a time: all kinds that there are. */
const waits: Record<string, (millis: number) => Effect.Effect<unknown, unknown, Scope.Scope>> = {
  sleep: (millis) => Time.sleep(millis),
  timeoutOption: (millis) => Time.timeoutOption(Effect.never, millis),
  "a timekeeper": (millis) =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const done = yield* Deferred.make<void>()
      const start = Time.monotonicMillis(clock)
      let next = start
      const keeper = new Timekeeper(
        () => next,
        (now) => {
          next = now < start + millis ? Math.min(start + millis, now + millis / 20) : Number.POSITIVE_INFINITY
          if (next === Number.POSITIVE_INFINITY) Deferred.unsafeDone(done, Effect.void)
        }
      )
      yield* Effect.forkScoped(keeper.run)
      yield* Deferred.await(done)
    }),
  "an attempt after a long wait": (millis) =>
    Effect.flatMap(Effect.clock, (clock) =>
      Effect.withClock(
        Effect.retry(Effect.fail("no"), Schedule.intersect(Schedule.spaced(millis), Schedule.recurs(1))),
        Time.clockOfAttempts(clock)
      )
    ),
  "a series of attempts (upTo)": (millis) =>
    Effect.flatMap(Effect.clock, (clock) =>
      Effect.withClock(
        Effect.retry(Effect.fail("no"), Schedule.upTo(Schedule.spaced(millis / 10), Duration.millis(millis))),
        Time.clockOfAttempts(clock)
      )
    ),
  "a command that is not answered (commandTimeout)": (millis) =>
    Effect.flatMap(
      pool(
        scripted((name) => (name === "QLEN" ? "silent" : undefined)),
        { commandTimeout: millis }
      ),
      (pool) => pool.on(address).queueLength("q")
    ),
  "a command that is sent again (retry)": (millis) =>
    Effect.flatMap(
      pool(
        scripted((name) => (name === "PING" ? "cut" : undefined)),
        { retry: Schedule.upTo(Schedule.spaced(millis), Duration.millis(millis)) }
      ),
      (pool) => pool.ping
    ),
  "a call that stands in line (acquireTimeout)": (millis) =>
    Effect.gen(function* () {
      const disque = yield* pool(
        scripted(() => undefined),
        { maxActive: 1, acquireTimeout: millis }
      )
      yield* disque.connection
      yield* disque.getJob("q")
    }),
  "a link that is not used (idleTimeToLive)": (millis) =>
    Effect.gen(function* () {
      const closed = yield* Deferred.make<void>()
      const dialer = scripted(
        (name) => (name === "GETJOB" ? { reply: null } : undefined),
        () => Deferred.unsafeDone(closed, Effect.void)
      )
      const disque = yield* pool(dialer, { idleTimeToLive: millis })
      yield* disque.getJobs("q", { timeout: 0 })
      yield* Deferred.await(closed)
    }),
  "a link that is tried (refreshInterval)": (millis) =>
    Effect.gen(function* () {
      const tried = yield* Deferred.make<void>()
      const dialer = scripted((name) => {
        if (name === "PING") Deferred.unsafeDone(tried, Effect.void)
        return undefined
      })
      yield* pool(dialer, { refreshInterval: millis })
      yield* Deferred.await(tried)
    }),
  "a job that does not come (the timeout of getJob)": (millis) =>
    Effect.gen(function* () {
      const dialer = scripted((name, words) => {
        if (name !== "GETJOB") return undefined
        assert.match(words[2] ?? "", /^\d+$/)
        return { reply: null, afterMillis: Number(words[2]) }
      })
      const { getJob } = yield* pool(dialer, { slice: Math.ceil(millis / 4), commandTimeout: never })
      yield* getJob("q", { timeout: millis })
    })
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

describe.concurrent("if the time of day is", () => {
  for (const [jump, by] of Object.entries(jumps)) {
    for (const [name, wait] of Object.entries(waits)) {
      it.effect(`${jump}, a wait ends when its time has passed: ${name}`, () =>
        Effect.gen(function* () {
          const { clock, setBy } = yield* settable
          const fiber = yield* Effect.fork(Effect.withClock(Effect.scoped(wait(20_000)), clock))
          yield* TestClock.adjust(1000)
          setBy(by)
          yield* TestClock.adjust(18_999)
          assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)), "it ended early")
          yield* TestClock.adjust(1)
          assert.isTrue(Option.isSome(yield* Fiber.poll(fiber)), "it did not end")
        })
      )
    }

    it.effect(`${jump}, what a person is told of a round is its time of day`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(1_795_494_781_594)
        const own = yield* Effect.clock
        const { clock, setBy } = yield* settable
        const dialer = scripted((name) => (name === "GETJOB" ? { reply: null, afterMillis: 2000 } : undefined))
        yield* Effect.gen(function* () {
          const disque = yield* pool(dialer, {})
          let room = 1
          const demand = () => (room-- > 0 ? Effect.succeed(1) : Effect.never)
          yield* Effect.forkScoped(consume(disque, "q", { demand, receive: () => Effect.void }))
          yield* Effect.withClock(TestClock.adjust(2500), own)
          setBy(by)
          const [fetcher] = (yield* disque.health).fetchers
          assert.strictEqual(fetcher?.lastRound, clock.unsafeCurrentTimeMillis() - 500)
        }).pipe(Effect.scoped, Effect.withClock(clock))
      })
    )
  }

  it.effect("set, a series of attempts and what measures by the time of day have their own", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_795_494_781_594)
      const { clock, setBy } = yield* settable
      const timeOfDay = Time.steadyTimeOfDay(clock)
      const attempts = Time.clockOfAttempts(clock)
      yield* TestClock.adjust(1500)
      setBy(-hour)
      assert.strictEqual(timeOfDay(), 1_795_494_783_094)
      assert.strictEqual(attempts.unsafeCurrentTimeMillis(), 1_795_494_783_094)
      assert.strictEqual(yield* attempts.currentTimeMillis, 1_795_494_783_094)
    })
  )
})

describe.concurrent("milliseconds that only grow", () => {
  it("are whole, and so are their sums, if those of the clock are whole, as those of TestClock are", () => {
    const at = (millis: number) =>
      Time.monotonicMillis({
        ...Clock.make(),
        unsafeCurrentTimeNanos: () => BigInt(Math.floor(millis * 1_000_000))
      } as Clock.Clock)
    const times = FastCheck.integer({ min: 0, max: 2 ** 43 })
    FastCheck.assert(
      FastCheck.property(times, times, (one, other) => {
        assert.strictEqual(at(one), one)
        assert.strictEqual(at(one) + other - at(one), other)
      }),
      { numRuns: 10_000 }
    )
  })
})

describe.sequential("a wait of 30 days, with timers that hold 25", () => {
  const month = 30 * 24 * hour

  for (const [name, wait] of Object.entries(waits)) {
    it(`ends after them and not before: ${name}`, async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "hrtime"] })
      try {
        const fiber = Effect.runFork(Effect.scoped(wait(month)))
        await vi.advanceTimersByTimeAsync(month - 1000)
        assert.isNull(fiber.unsafePoll(), "it ended early")
        await vi.advanceTimersByTimeAsync(2000)
        assert.isNotNull(fiber.unsafePoll(), "it did not end")
      } finally {
        vi.useRealTimers()
      }
    })
  }

  it("does not end with the sleep of Effect itself", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "hrtime"] })
    try {
      const fiber = Effect.runFork(Effect.sleep("30 days"))
      await vi.advanceTimersByTimeAsync(2 * month)
      assert.isNull(fiber.unsafePoll())
    } finally {
      vi.useRealTimers()
    }
  })

  it.effect("ends with the effect that it waits for, also in a finalizer, where nothing can be interrupted", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.uninterruptible(Time.timeoutOption(Effect.sleep(1000), month)))
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(Option.getOrThrow(yield* Fiber.poll(fiber)), Exit.succeed(Option.some(undefined)))
    })
  )
})
