import { DisqueConnection, DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Layer } from "effect"
import { addJobs } from "./addJobs.js"
import { admin } from "./administration.js"
import { type Backend, virtual } from "./Backend.js"
import { commands } from "./commands.js"
import { funnel } from "./funnel.js"
import { interruptions } from "./interruptions.js"
import { pool } from "./pool.js"
import { worker } from "./worker.js"

const backend: Backend = {
  ...virtual,
  name: "on an embedded node in the process",
  layer: Layer.mergeAll(
    DisqueConnection.layer(),
    DisquePool.layer({ maxActive: 2, acquireTimeout: "500 millis" })
  ).pipe(Layer.provide(EmbeddedDisque.layerDialer), Layer.provide(EmbeddedDisque.layer()))
}

addJobs(backend)
commands(backend)
admin(backend)
interruptions(backend)
pool(backend)
funnel(backend)
worker(backend)
