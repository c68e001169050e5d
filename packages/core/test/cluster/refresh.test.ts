import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { Refresh } from "../../src/cluster/refresh.js"

const setup = Effect.gen(function* () {
  let now = 0
  let asked = 0
  const expected: Array<number> = []
  const answer: Array<Deferred.Deferred<void, string>> = []
  const refresh: Refresh = new Refresh({
    now: () => now,
    expect: (at) => expected.push(at),
    fork: (effect) => Effect.runFork(effect),
    learn: Effect.suspend(() => {
      asked += 1
      const pending = Effect.runSync(Deferred.make<void, string>())
      answer.push(pending)
      return Deferred.await(pending)
    }),
    refreshMillis: 30_000
  })
  return {
    expected,
    refresh,
    asked: () => asked,
    /** Time passes. */
    pass: (millis: number) => {
      now += millis
      refresh.tick(now)
    },
    /** The node that was asked answers, or fails. */
    end: (isAnswer = true) =>
      Effect.andThen(
        Effect.suspend(() => {
          const pending = answer.shift()
          if (pending === undefined) return Effect.die("no node was asked")
          return isAnswer ? Deferred.succeed(pending, undefined) : Deferred.fail(pending, "no answer")
        }),
        Effect.yieldNow()
      ),
    use: () => refresh.ifStale(now)
  }
})

describe.concurrent("the refresh", () => {
  it.effect("asks when the answer is used and old, and once at a time", () =>
    Effect.gen(function* () {
      const { asked, end, pass, refresh, use } = yield* setup
      assert.isFalse(refresh.hasEnded)
      use()
      use()
      assert.strictEqual(asked(), 1)
      yield* end()
      assert.isTrue(refresh.hasEnded)
      pass(29_999)
      use()
      assert.strictEqual(asked(), 1)
      pass(1)
      assert.strictEqual(asked(), 1)
      use()
      assert.strictEqual(asked(), 2)
    })
  )

  it.effect("asks at once after trouble, but no more than once a second", () =>
    Effect.gen(function* () {
      const { asked, end, expected, pass, refresh, use } = yield* setup
      use()
      yield* end()
      pass(400)
      refresh.soon()
      refresh.soon()
      assert.deepStrictEqual(expected, [1000])
      pass(599)
      assert.strictEqual(asked(), 1)
      pass(1)
      assert.strictEqual(asked(), 2)
      yield* end()
      pass(5000)
      refresh.soon()
      assert.deepStrictEqual(expected, [1000, 6000])
    })
  )

  it.effect("counts an answer that never came as one, so that nodes that fail are not asked in a tight loop", () =>
    Effect.gen(function* () {
      const { asked, end, pass, refresh, use } = yield* setup
      use()
      yield* end(false)
      assert.isTrue(refresh.hasEnded)
      use()
      assert.strictEqual(asked(), 1)
      refresh.soon()
      pass(1000)
      assert.strictEqual(asked(), 2)
      // While a node is asked, nothing else is due.
      assert.strictEqual(refresh.due, Number.POSITIVE_INFINITY)
    })
  )
})
