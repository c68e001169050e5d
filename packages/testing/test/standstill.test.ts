import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { afterEach, beforeEach, vi } from "vitest"
import { DiscoTest } from "../src/index.js"

describe("a test that waits for time which nobody moves", () => {
  const warnings: Array<string> = []
  const listen = ({ message, name }: Error) => {
    if (name === "DiscoTestWarning") warnings.push(message)
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
    warnings.length = 0
    process.on("warning", listen)
  })
  afterEach(() => {
    vi.useRealTimers()
    process.off("warning", listen)
  })

  /** Lets real time pass, by the clock of the machine. */
  const seconds = (count: number) =>
    Effect.promise(async () => {
      for (let i = 0; i < count * 10; i++) {
        vi.advanceTimersByTime(100)
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      }
    })

  it.effect("is told so once, and what it waits for", () =>
    Effect.gen(function* () {
      const closing = yield* Effect.fork(Effect.sleep("25 seconds"))
      yield* DiscoTest.idle
      yield* seconds(3)
      assert.deepStrictEqual(warnings, [])
      yield* seconds(60)
      assert.strictEqual(warnings.length, 1)
      assert.include(warnings[0], "the next timer goes off in 25s")
      yield* DiscoTest.run(Fiber.join(closing))
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("is not told so while something happens, or where no timer is set, or after its end", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        yield* seconds(10)
        yield* Effect.fork(Effect.sleep("25 seconds"))
        for (let i = 0; i < 10; i++) yield* Effect.zipRight(seconds(1), DiscoTest.advance(1))
      }).pipe(Effect.provide(DiscoTest.layer()))
      yield* seconds(10)
      assert.deepStrictEqual(warnings, [])
    })
  )
})
