import { Effect, Layer } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedOverTcp } from "../utils/embeddedOverTcp.js"
import { addJobs } from "./addJobs.js"
import { admin } from "./administration.js"
import { type Backend, real } from "./Backend.js"
import { commands } from "./commands.js"
import { funnel } from "./funnel.js"
import { interruptions } from "./interruptions.js"
import { pool } from "./pool.js"
import { worker } from "./worker.js"

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

addJobs(backend)
commands(backend)
admin(backend)
interruptions(backend)
pool(backend)
funnel(backend)
worker(backend)
