import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { type Done, Waiting } from "../src/link/waiting.js"

describe("those who wait", () => {
  it("are taken in the order in which they came, however many they are meanwhile", () => {
    // So many come, then so many are taken.
    const steps = FastCheck.array(FastCheck.tuple(FastCheck.nat({ max: 40 }), FastCheck.nat({ max: 40 })))
    FastCheck.assert(
      FastCheck.property(steps, (steps) => {
        const waiting = new Waiting()
        const expected: Array<Done> = []
        for (const [come, taken] of steps) {
          for (let i = 0; i < come; i++) {
            const done = () => {}
            expected.push(done)
            waiting.add(done)
          }
          for (let i = 0; i < taken; i++) assert.strictEqual(waiting.take(), expected.shift())
        }
      })
    )
  })
})
