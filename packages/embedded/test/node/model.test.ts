import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { array } from "effect/FastCheck"
import { dial, layer } from "../utils/ask.js"
import { compare, Model, runStep, step } from "../utils/model.js"

describe("a node and the model of one", () => {
  it.scoped.prop(
    "answer the same, and know the same, after each of any steps",
    [array(step, { maxLength: 40, size: "max" })],
    ([steps]) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        const model = new Model()
        const ids: Array<string> = []
        for (const each of steps) {
          yield* runStep(link, model, ids, each)
          yield* compare(link, model, ids)
        }
      }).pipe(Effect.provide(layer())),
    { fastCheck: { numRuns: 50 }, timeout: 30_000 }
  )
})
