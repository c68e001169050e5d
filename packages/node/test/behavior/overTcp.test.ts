import { Effect, Layer } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedOverTcp } from "../utils/embeddedOverTcp.js"
import { type Backend, real } from "./Backend.js"
import { behavior } from "./behavior.js"

const backend: Backend = {
  ...real,
  name: "on an embedded node over TCP",
  layer: Layer.unwrapScoped(
    Effect.map(embeddedOverTcp(), ({ address }) =>
      Layer.mergeAll(
        NodeDisque.layerConnection({ nodes: address, slice: "500 millis" }),
        NodeDisque.layerPool({ nodes: address, slice: "500 millis", maxActive: 2, acquireTimeout: "500 millis" })
      )
    )
  )
}

behavior(backend)
