#!/usr/bin/env node
import { createRequire } from "node:module"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { aof } from "./aof.js"
import { CliError } from "./CliError.js"
import { demo } from "./demo.js"
import { serve } from "./serve.js"
import { wrap } from "./wrap.js"

const disco = Command.make("disco").pipe(
  Command.withDescription("Disque for Effect: an embedded node to talk to, and a demo"),
  Command.withSubcommands([serve, aof, demo])
)

const { version } = createRequire(import.meta.url)("../package.json")
const run = Command.run(disco, { name: "disco", version })

/** How long the end may take after a signal, in ms, even if nodes do not answer. */
const endsWithin = 1800

/** The exit status, once the end has begun. */
let ended: number | undefined

// A signal may arrive twice: from the terminal, and from npm, to which the terminal sends it too. The second one must not cut
// the end short that the first one began.
const end = (status: number) => {
  if (ended !== undefined) return
  ended = status
  setTimeout(() => {
    process.stderr.write("disco: not all was put away: something does not answer\n")
    process.exit(status)
  }, endsWithin).unref()
}

process.on("SIGINT", () => end(130))
process.on("SIGTERM", () => end(143))
process.on("SIGHUP", () => {
  end(129)
  process.emit("SIGTERM") // the one that the runtime listens for
})

// A reader that closes the pipe (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    end(error.code === "EPIPE" ? 0 : 1)
    process.emit("SIGTERM")
  })
}

const escapes = new RegExp(`${String.fromCharCode(0x1b)}\\[[0-9;]*m`, "g")

const isPlain = (stream: NodeJS.WriteStream) => !stream.isTTY || !!process.env.NO_COLOR

const said = (stream: NodeJS.WriteStream, text: unknown) => {
  const whole = isPlain(stream) ? String(text).replace(escapes, "") : String(text)
  return stream.isTTY ? wrap(whole, stream.columns) : whole
}

/** The console: colors only on a terminal, and one line for an error. */
const withConsole = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Console.consoleWith((console) =>
    Effect.withConsole(effect, {
      ...console,
      log: (text) => console.log(said(process.stdout, text).trimEnd()),
      error: (text) => console.error(said(process.stderr, `disco: ${String(text).trim()}`).trim())
    })
  )

// @effect/cli ignores an option without a value at the end of the line.
const last = process.argv.at(-1) ?? ""
const checkLast = /^--(folder|host|maxmemory|port|requirepass)$/.test(last)
  ? Effect.fail(new CliError({ message: `${last} takes a value` }))
  : Effect.void

checkLast.pipe(
  Effect.zipRight(run(process.argv)),
  // An error is one sentence. @effect/cli has shown those of the command line itself.
  Effect.tapErrorCause((cause) => {
    if (Cause.isInterruptedOnly(cause)) return Effect.void
    const failure = Cause.failureOption(cause)
    if (failure._tag === "None") return Console.error(`this is a bug: ${Cause.pretty(cause)}`)
    return ValidationError.isValidationError(failure.value) ? Effect.void : Console.error(failure.value.message)
  }),
  withConsole,
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(ended ?? (Exit.isSuccess(exit) ? 0 : 1))
  })
)
