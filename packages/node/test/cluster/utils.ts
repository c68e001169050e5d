import { type ConnectionOptions, DisqueConnection, DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedOptions } from "@disco/embedded"
import { assert } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"

export const embedded = (embedded: EmbeddedOptions, options?: ConnectionOptions) =>
  Layer.mergeAll(DisqueConnection.layer(options), DisquePool.layer(options)).pipe(
    Layer.provide(EmbeddedDisque.layerDialer),
    Layer.provideMerge(EmbeddedDisque.layer(embedded))
  )

export const cluster = Effect.gen(function* () {
  const disque = yield* EmbeddedDisque
  const at = (address: string) => {
    const node = disque.nodes.find((node) => node.address === address)
    assert.isDefined(node)
    return node as (typeof disque.nodes)[0]
  }
  return { ...disque, at }
})

export const settle = TestClock.adjust(0)
