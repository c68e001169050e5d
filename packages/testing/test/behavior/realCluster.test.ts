import { NodeDisque } from "@disco/node"
import { describe, it } from "@effect/vitest"
import { Layer } from "effect"
import { behavior } from "../../src/behavior.js"

const nodes = process.env.DISQUE_NODES

if (nodes === undefined) {
  describe("on a Disque cluster", () => {
    it.skip("needs the addresses of its nodes in DISQUE_NODES", () => {})
  })
} else {
  behavior({
    name: `on ${nodes}`,
    time: "real",
    layer: Layer.merge(
      NodeDisque.layerConnection({ nodes, slice: "500 millis" }),
      NodeDisque.layerPool({ nodes, slice: "500 millis", maxActive: 2, acquireTimeout: "500 millis" })
    )
  })
}
