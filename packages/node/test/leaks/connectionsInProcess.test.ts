import { DisqueConnection } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { leftBy } from "./utils.js"

describe("connections that were opened and closed leave no socket, no timer, no fiber and no memory behind", () => {
  it.scopedLive("3,000 in the process", () =>
    Effect.flatMap(EmbeddedDisque.make(), (disque) =>
      leftBy(
        3000,
        DisqueConnection.layer().pipe(
          Layer.provide(EmbeddedDisque.layerDialer),
          Layer.provide(Layer.succeed(EmbeddedDisque, disque))
        )
      )
    )
  )
})
