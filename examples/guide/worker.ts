import { NodeDisque } from "@disco/node"
import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { PrintingMailer } from "./mailer.js"
import { SendEmails } from "./sendEmails.js"

NodeRuntime.runMain(Layer.launch(SendEmails.pipe(Layer.provide([PrintingMailer, NodeDisque.layerPoolConfig()]))))
