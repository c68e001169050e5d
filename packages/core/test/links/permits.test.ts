import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber } from "effect"
import { Permits } from "../../src/links/permits.js"

const permitsOf = (limits: { maxActive: number; maxWaiting?: number; acquireMillis?: number }) => {
  let now = 0
  const expected: Array<number> = []
  const permits = new Permits({
    limits: { maxWaiting: 10, acquireMillis: 100, ...limits },
    now: () => now,
    expect: (at) => expected.push(at)
  })
  return {
    expected,
    permits,
    /** Time passes, and the callers that have waited for too long fail. */
    pass: (millis: number) => {
      now += millis
      permits.expire(now)
    }
  }
}

const begun = <A, E>(effect: Effect.Effect<A, E>) => Effect.tap(Effect.fork(effect), () => Effect.yieldNow())

describe.concurrent("permits", () => {
  it.effect("are given while some are free, and then in the order of the callers", () =>
    Effect.gen(function* () {
      const { permits } = permitsOf({ maxActive: 1 })
      const order: Array<number> = []
      yield* permits.acquire
      for (const i of [1, 2, 3]) {
        yield* begun(
          Effect.tap(permits.acquire, () => {
            order.push(i)
          })
        )
      }
      assert.strictEqual(permits.waiting, 3)
      assert.isFalse(permits.tryAcquire())
      for (let i = 0; i < 3; i++) {
        permits.release()
        yield* Effect.yieldNow()
      }
      assert.deepStrictEqual(order, [1, 2, 3])
      assert.strictEqual(permits.active, 1)
      permits.release()
      assert.strictEqual(permits.active, 0)
    })
  )

  it.effect("go to no caller that was interrupted, not even in the moment of the release", () =>
    Effect.gen(function* () {
      const { permits } = permitsOf({ maxActive: 1 })
      yield* permits.acquire
      const [first, second] = [yield* begun(permits.acquire), yield* begun(permits.acquire)]
      permits.release()
      yield* Fiber.interrupt(first)
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(second)))
      assert.deepStrictEqual([permits.active, permits.waiting], [1, 0])
    })
  )

  it.effect("are waited for no longer than the limit, and by no more callers", () =>
    Effect.gen(function* () {
      const { expected, pass, permits } = permitsOf({ maxActive: 1, maxWaiting: 2 })
      yield* permits.acquire
      const first = yield* begun(permits.acquire)
      pass(60)
      const second = yield* begun(permits.acquire)
      assert.deepStrictEqual(expected, [100, 160])
      assert.deepInclude(yield* Effect.flip(permits.acquire), { maxActive: 1, waiting: 2, waited: Duration.zero })
      assert.strictEqual(permits.deadline, 100)
      pass(40)
      assert.deepInclude(yield* Effect.flip(Fiber.join(first)), { waiting: 1, waited: Duration.millis(100) })
      assert.strictEqual(permits.deadline, 160)
      permits.release()
      yield* Fiber.join(second)
      assert.strictEqual(permits.deadline, Number.POSITIVE_INFINITY)
    })
  )

  it.effect("come back from a run however it ends, and from a scope when it closes", () =>
    Effect.gen(function* () {
      const { permits } = permitsOf({ maxActive: 2 })
      yield* permits.run(Effect.void)
      yield* Effect.exit(permits.run(Effect.fail("no")))
      yield* Effect.exit(permits.run(Effect.die("no")))
      yield* Fiber.interrupt(yield* begun(permits.run(Effect.never)))
      assert.strictEqual(permits.active, 0)
      yield* Effect.scoped(Effect.map(permits.scoped, () => assert.strictEqual(permits.active, 1)))
      assert.strictEqual(permits.active, 0)
    })
  )
})
