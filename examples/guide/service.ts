import * as WorkerProcess from "@disco/node/WorkerProcess"
import { Layer } from "effect"
import { PrintingMailer } from "./mailer.js"
import { SendEmails } from "./sendEmails.js"

WorkerProcess.main(Layer.provide(SendEmails, PrintingMailer))
