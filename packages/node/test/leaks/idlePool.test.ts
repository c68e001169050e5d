import { DisqueDialer, DisquePool } from "@disco/core"
import { consume } from "@disco/core/internal"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { heap } from "./utils.js"

// As over a network, where nothing that was sent can be taken back.
const withoutWithdrawal = Layer.effect(
  DisqueDialer,
  Effect.map(DisqueDialer, (dialer) => ({
    ...dialer,
    dial: (node: string) => Effect.map(dialer.dial(node), ({ withdraw: _, ...link }) => link)
  }))
).pipe(Layer.provide(EmbeddedDisque.layerDialer), Layer.provide(EmbeddedDisque.layer()))

describe("an idle pool", () => {
  it.scoped("grows no memory in 24 hours, with a consumer that waits for jobs", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let isOpen = true
      const demand = (most: number) => Effect.suspend(() => (isOpen ? Effect.succeed(most) : Effect.never))
      yield* Effect.forkScoped(consume(pool, "q", { demand, receive: () => Effect.void }))
      yield* TestClock.adjust("2 hours")
      const before = yield* heap
      yield* TestClock.adjust("24 hours")
      assert.isBelow((yield* heap) - before, 3e6)
      assert.deepInclude(yield* pool.statistics, { created: 2, active: 0 })
      isOpen = false
      yield* TestClock.adjust("20 minutes")
    }).pipe(
      Effect.provide(
        Layer.provide(DisquePool.layer({ slice: "20 minutes", refreshInterval: "10 minutes" }), withoutWithdrawal)
      )
    )
  )
})
