import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Scope } from "effect"
import { NodeDisque } from "../src/index.js"
import { embeddedCluster } from "./utils/embeddedOverTcp.js"

describe("a pool that closes", () => {
  it.scopedLive("waits for nobody who has a connection of it, and tells those who wait for jobs", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const layer = NodeDisque.layerPool({ nodes: nodes[0].address, slice: "200 millis" })
      const borrowed = yield* Scope.make()
      const [took, waiting] = yield* Effect.timed(
        Effect.gen(function* () {
          const pool = yield* DisquePool
          const connection = yield* Scope.extend(pool.connection, borrowed)
          const waiting = yield* Effect.forkDaemon(Effect.flip(connection.getJob("q")))
          yield* Effect.sleep("50 millis")
          return waiting
        }).pipe(Effect.provide(layer))
      )
      assert.isBelow(Duration.toMillis(took), 1500)
      assert.include(yield* Fiber.join(waiting), { _tag: "ConnectionError", reason: "closed" })
      yield* Scope.close(borrowed, Exit.void)
    })
  )
})
