import { NodeDisque } from "@disco/node"
import { Effect, Layer } from "effect"
import { start } from "../utils/serve.js"
import { commands } from "./commands.js"

const ports = ["--port", "0", "--port", "0", "--port", "0"]

let nodes = ""

commands({
  name: "on three embedded nodes over TCP",
  nodes: () => nodes,
  layer: Layer.unwrapScoped(
    Effect.map(start(ports), ({ places }) => {
      nodes = places.join()
      return Layer.mergeAll(NodeDisque.layerPool({ nodes }), NodeDisque.layerDialer({ nodes }))
    })
  ),
  isShared: false
})
