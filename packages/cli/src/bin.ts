#!/usr/bin/env node
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
import { endingStatus, watch } from "./ending.js"
import { help } from "./serve/help.js"
import { offered } from "./serve/options.js"
import { serve } from "./serve.js"
import { version } from "./version.js"
import { wrap } from "./wrap.js"

const disco = Command.make("disco").pipe(
  Command.withDescription("Disque for Effect: an embedded node to talk to, and a demo"),
  Command.withSubcommands([serve, aof, demo])
)

const run = Command.run(disco, { name: "disco", version })

watch()

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
const takeValues = new Set(
  offered.flatMap(([name, { alias, kind }]) => (kind === "flag" ? [] : [`--${name}`, `--${alias}`])).concat("--folder")
)
const checkLast = takeValues.has(last) ? Effect.fail(new CliError({ message: `${last} takes a value` })) : Effect.void

const [name, ...args] = process.argv.slice(2)
// The help that @effect/cli makes says of each option what type it has, and that it is optional.
const isHelp = name === "serve" && args.some((arg) => arg === "--help" || arg === "-h")

checkLast.pipe(
  Effect.zipRight(isHelp ? Console.log(help) : run(process.argv)),
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
    teardown: (exit, onExit) => onExit(endingStatus() ?? (Exit.isSuccess(exit) ? 0 : 1))
  })
)
