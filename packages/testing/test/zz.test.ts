import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { DiscoTest } from "../src/index.js"

const numbers = JobQueue.make("numbers", { payload: Schema.Number })
const W = Worker.layer(numbers, () => Effect.sleep("1 hour"))
const body = Effect.gen(function* () {
  yield* numbers.add(yield* DisquePool, 1)
  yield* DiscoTest.advance("1 minute")
})
it.effect("composed", () => body.pipe(Effect.provide(W.pipe(Layer.provideMerge(DiscoTest.layer())))))
it.effect("inside", () => body.pipe(Effect.provide(W), Effect.provide(DiscoTest.layer())))
it.effect("inside with run at the end", () => Effect.gen(function*(){
   yield* DiscoTest.run(Effect.provide(Effect.gen(function* () {
  yield* numbers.add(yield* DisquePool, 1)
  }), W))
}).pipe(Effect.provide(DiscoTest.layer())))
