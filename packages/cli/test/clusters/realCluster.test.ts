import { NodeDisque } from "@disco/node"
import { describe, it } from "@effect/vitest"
import { Layer } from "effect"
import { commands } from "./commands.js"

const nodes = process.env.DISQUE_NODES

if (nodes === undefined || nodes === "") {
  describe("each command on a Disque cluster", () => {
    it.skip("needs the addresses of its nodes in DISQUE_NODES", () => {})
  })
} else {
  commands({
    name: `on ${nodes}`,
    nodes: () => nodes,
    layer: Layer.mergeAll(NodeDisque.layerPool({ nodes }), NodeDisque.layerDialer({ nodes })),
    isShared: true
  })
}
