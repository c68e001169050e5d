import { Notices } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Fiber, HashMap, Logger, Runtime, TestClock } from "effect"

interface Said {
  readonly text: string
  readonly count: unknown
}

/** Notices, what they have said, and the fibers that they started. */
const make = Effect.gen(function* () {
  const said: Array<Said> = []
  const logger = Logger.make<unknown, void>(({ annotations, message }) => {
    const text = String(Array.isArray(message) ? message[0] : message)
    said.push({ text, count: HashMap.toEntries(annotations).find(([name]) => name === "count")?.[1] })
  })
  const runtime = yield* Effect.provide(Effect.runtime<never>(), Logger.replace(Logger.defaultLogger, logger))
  const timers: Array<Fiber.RuntimeFiber<void>> = []
  const notices = new Notices(yield* Effect.clock, (effect) => {
    const fiber = Runtime.runFork(runtime, effect)
    timers.push(fiber)
    return fiber
  })
  const say = (kind: string, times: number, first = 0) =>
    Effect.forEach(
      Array.from({ length: times }, (_, i) => first + i),
      (i) => notices.say(kind, (more) => Effect.logError(`${kind} ${i}${more === "" ? " at a line" : more}`)),
      { discard: true }
    ).pipe(Effect.provide(runtime))
  const running = () => timers.filter((fiber) => fiber.unsafePoll() === null).length
  return { notices, said, say, running }
})

const texts = (said: ReadonlyArray<Said>) => said.map(({ text }) => text)

describe.concurrent("notices", () => {
  it.effect(
    "log the first of a kind, and within a minute, without another one, how many there were and which was the first",
    () =>
      Effect.gen(function* () {
        const { running, said, say } = yield* make
        yield* say("a", 10_000)
        assert.deepStrictEqual(texts(said), ["a 0 at a line"])
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual(said.length, 1)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(said[1], { text: "a 1 (and 9999 times more since this was last said)", count: 9999 })
        assert.strictEqual(running(), 0)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(said.length, 2)
      })
  )

  it.effect("say a line a minute while trouble goes on, each with its sum, and what is long once", () =>
    Effect.gen(function* () {
      const { said, say } = yield* make
      for (let second = 0; second < 300; second++) {
        yield* say("a", 10, second * 10)
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(said.length, 6)
      assert.strictEqual(said.filter(({ text }) => text.endsWith("at a line")).length, 1)
      assert.strictEqual(
        said.reduce((sum, { count }) => sum + Number(count ?? 1), 0),
        3000
      )
    })
  )

  it.effect("begin anew with the first after a quiet minute", () =>
    Effect.gen(function* () {
      const { said, say } = yield* make
      yield* say("a", 2)
      yield* TestClock.adjust("2 minutes")
      yield* say("a", 1, 2)
      assert.deepStrictEqual(texts(said), [
        "a 0 at a line",
        "a 1 (and once more since this was last said)",
        "a 2 at a line"
      ])
    })
  )

  it.effect("run nothing if nothing is counted", () =>
    Effect.gen(function* () {
      const { running, say } = yield* make
      yield* say("a", 1)
      yield* say("b", 1)
      assert.strictEqual(running(), 0)
      yield* say("b", 3)
      assert.strictEqual(running(), 1)
    })
  )

  it.effect("log at the end what was counted, end their timers, and lose nothing that comes later", () =>
    Effect.gen(function* () {
      const { notices, running, said, say } = yield* make
      yield* say("a", 3)
      yield* say("b", 1)
      yield* notices.end
      yield* Effect.yieldNow()
      assert.strictEqual(running(), 0)
      assert.deepStrictEqual(texts(said).slice(2), ["a 1 (and 2 times more since this was last said)"])
      yield* say("a", 1, 3)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(texts(said).slice(3), ["a 3 at a line"])
    })
  )

  it.effect("let thousands of kinds share a line, and lose none", () =>
    Effect.gen(function* () {
      const { said, say } = yield* make
      for (let i = 0; i < 3000; i++) yield* say(`queue ${i}`, 2)
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(said.length, 202)
      assert.strictEqual(
        said.reduce((sum, { count }) => sum + Number(count ?? 1), 0),
        6000
      )
      yield* TestClock.adjust("1 minute")
      yield* say("another", 1)
      assert.strictEqual(said.at(-1)?.text, "another 0 at a line")
    })
  )

  it.effect("fail for no logger", () =>
    Effect.gen(function* () {
      const notices = new Notices(yield* Effect.clock, (effect) => Effect.runFork(effect))
      yield* notices.say("a", () => Effect.die("no stomach"))
      yield* notices.say("a", () => Effect.die("no stomach"))
      yield* notices.end
    })
  )
})
