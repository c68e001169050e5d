import { describe, it } from "@effect/vitest"
import { Layer } from "effect"
import { NodeDisque } from "../../src/index.js"
import { type Backend, real } from "./Backend.js"
import { behavior } from "./behavior.js"

const nodes = process.env.DISQUE_NODES

if (nodes === undefined) {
  describe("on a Disque cluster", () => {
    it.skip("needs the addresses of its nodes in DISQUE_NODES", () => {})
  })
} else {
  const backend: Backend = {
    ...real,
    name: `on ${nodes}`,
    layer: Layer.mergeAll(
      NodeDisque.layerConnection({ nodes, slice: "500 millis" }),
      NodeDisque.layerPool({ nodes, slice: "500 millis", maxActive: 2, acquireTimeout: "500 millis" })
    )
  }

  behavior(backend)
}
