import { createServer } from "node:http"
import { NodeDisque } from "@disco/node"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Layer } from "effect"
import { Health } from "./health.js"
import { PrintingMailer } from "./mailer.js"
import { SendEmails } from "./sendEmails.js"

const Server = NodeHttpServer.layerConfig(createServer, { port: Config.integer("PORT").pipe(Config.withDefault(8080)) })

const Service = Layer.mergeAll(SendEmails, Health).pipe(
  Layer.provide([PrintingMailer, Server, NodeDisque.layerPoolConfig()])
)

NodeRuntime.runMain(Layer.launch(Service))
