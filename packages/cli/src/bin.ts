#!/usr/bin/env node
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { demo } from "./demo.js"
import { serve } from "./serve.js"

const disco = Command.make("disco").pipe(
  Command.withDescription("Disque for Effect: an embedded node to talk to, and a demo"),
  Command.withSubcommands([serve, demo])
)

const run = Command.run(disco, { name: "disco", version: "0.1.0" })

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

run(process.argv).pipe(
  // What the user has to know is said in one sentence; the command line itself has shown what is wrong with it.
  Effect.tapErrorCause((cause) => {
    if (Cause.isInterruptedOnly(cause)) return Effect.void
    const failure = Cause.failureOption(cause)
    if (failure._tag === "None") return Console.error(`disco: this is a bug: ${Cause.pretty(cause)}`)
    return ValidationError.isValidationError(failure.value)
      ? Effect.void
      : Console.error(`disco: ${failure.value.message}`)
  }),
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : Cause.isInterruptedOnly(exit.cause) ? 130 : 1)
  })
)
