import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { Fifo } from "../src/internal/fifo.js"

describe.concurrent("what is first in, first out", () => {
  it("is taken in the order in which it came, however much there is meanwhile", () => {
    // So many come, then so many are taken, or all.
    const steps = FastCheck.array(
      FastCheck.tuple(
        FastCheck.nat({ max: 1500 }),
        FastCheck.oneof(FastCheck.nat({ max: 1500 }), FastCheck.constant("all"))
      )
    )
    FastCheck.assert(
      FastCheck.property(steps, (steps) => {
        const fifo = new Fifo<number>()
        const expected: Array<number> = []
        let next = 0
        for (const [come, taken] of steps) {
          for (let i = 0; i < come; i++) {
            expected.push(next)
            fifo.push(next++)
          }
          if (typeof taken === "string") assert.deepStrictEqual(fifo.drain(), expected.splice(0))
          else for (let i = 0; i < taken; i++) if (fifo.shift() !== expected.shift()) assert.fail("out of order")
          assert.deepStrictEqual([fifo.size, fifo.peek()], [expected.length, expected[0]])
        }
      })
    )
  })
})
