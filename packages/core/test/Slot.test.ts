import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { Slot } from "../src/internal/slot.js"

const yields = (n: number) => Effect.forEach(Array.from({ length: n }), () => Effect.yieldNow(), { discard: true })

describe.concurrent("a slot", () => {
  it.effect("hands its value over once or reclaims it, at whatever point its fiber is interrupted", () =>
    Effect.gen(function* () {
      const outcomes = new Set<string>()
      for (let beforeFill = 0; beforeFill < 4; beforeFill++) {
        for (let afterFill = 0; afterFill < 6; afterFill++) {
          for (const order of ["fill first", "interrupt first", "filled before it is awaited"]) {
            const reclaimed: Array<number> = []
            const taken: Array<number> = []
            const slot = new Slot<number, never>((value) => reclaimed.push(value))
            if (order === "filled before it is awaited") slot.fill(Exit.succeed(1))
            const fiber = yield* Effect.fork(Effect.flatMap(slot.take, (value) => Effect.sync(() => taken.push(value))))
            yield* yields(beforeFill)
            if (order === "fill first") slot.fill(Exit.succeed(1))
            yield* yields(order === "interrupt first" ? 0 : afterFill)
            const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
            yield* yields(order === "interrupt first" ? afterFill : 0)
            if (order === "interrupt first") slot.fill(Exit.succeed(1))
            yield* Fiber.join(interrupting)
            // A fiber that was interrupted before it began has not come to abandon its slot.
            slot.abandon()
            const where = `${order}, ${beforeFill} and ${afterFill} turns`
            assert.strictEqual(taken.length + reclaimed.length, 1, where)
            outcomes.add(taken.length === 1 ? "taken" : "reclaimed")
          }
        }
      }
      assert.deepStrictEqual(outcomes, new Set(["taken", "reclaimed"]))
    })
  )

  it.effect("reclaims a value that comes after its fiber has gone, and each value after the first", () =>
    Effect.gen(function* () {
      const reclaimed: Array<number> = []
      const slot = new Slot<number, never>((value) => reclaimed.push(value))
      const fiber = yield* Effect.fork(slot.take)
      yield* yields(2)
      slot.fill(Exit.succeed(1))
      slot.fill(Exit.succeed(2))
      assert.strictEqual(yield* Fiber.join(fiber), 1)
      slot.fill(Exit.succeed(3))
      assert.deepStrictEqual(reclaimed, [2, 3])
      assert.isFalse(slot.isOpen)
    })
  )

  it.effect("fails with the failure that it was filled with, and reclaims nothing then", () =>
    Effect.gen(function* () {
      const reclaimed: Array<number> = []
      const slot = new Slot<number, string>((value) => reclaimed.push(value))
      slot.fill(Exit.fail("no"))
      assert.strictEqual(yield* Effect.flip(slot.take), "no")
      slot.abandon()
      assert.deepStrictEqual(reclaimed, [])
    })
  )

  it.effect("is open until it is filled or abandoned", () =>
    Effect.sync(() => {
      const reclaimed: Array<number> = []
      const slot = new Slot<number, never>((value) => reclaimed.push(value))
      assert.isTrue(slot.isOpen)
      slot.abandon()
      assert.isFalse(slot.isOpen)
      slot.fill(Exit.succeed(1))
      assert.deepStrictEqual(reclaimed, [1])
    })
  )
})
