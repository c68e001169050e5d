import { DisqueConnection, DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Layer } from "effect"
import { type Backend, virtual } from "./Backend.js"
import { behavior } from "./behavior.js"

const backend: Backend = {
  ...virtual,
  name: "on an embedded node in the process",
  layer: Layer.mergeAll(
    DisqueConnection.layer(),
    DisquePool.layer({ maxActive: 2, acquireTimeout: "500 millis" })
  ).pipe(Layer.provide(EmbeddedDisque.layerDialer), Layer.provide(EmbeddedDisque.layer()))
}

behavior(backend)
