/** Runs one command line: finds the command, reads what it takes, gives it what it needs, and says what went wrong. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { UsageError } from "./CliError.js"
import type { Command, Failure, Group, Services, Status, WhenFailed } from "./command/Command.js"
import { read, type Signature } from "./command/commandLine.js"
import { help, listing } from "./command/help.js"
import { signatureOf, subjectOf } from "./command/signature.js"
import { didYouMean } from "./command/suggestion.js"
import { byName, commands, type Load } from "./commands.js"
import type { Dialing } from "./connection/Dialing.js"
import type { ClusterInput } from "./connection/options.js"
import { runFork, withOnlyLogger } from "./internal/runtime.js"
import * as output from "./output/Output.js"
import type { Style } from "./output/style.js"
import { Streams } from "./Streams.js"
import { version } from "./version.js"

/** The exit statuses that all commands share. */
const failed = 1
const wrongUsage = 2

const isHelp = (word: string | undefined): boolean => word === "--help" || word === "-h"

/** Whether help is asked for: behind `--` the word is an argument. */
const wantsHelp = (words: ReadonlyArray<string>): boolean => {
  const end = words.indexOf("--")
  return words.slice(0, end < 0 ? undefined : end).some(isHelp)
}

const load = (from: Load): Effect.Effect<Command | Group> => Effect.map(Effect.promise(from), ({ command }) => command)

const say = (text: (style: Style) => string) =>
  Effect.flatMap(Streams, ({ stdout }) =>
    stdout.write(`${text({ columns: stdout.columns(), hasColor: stdout.hasColor })}\n`)
  )

const overview = Effect.gen(function* () {
  const groups: Array<readonly [string, ReadonlyArray<readonly [string, string]>]> = []
  for (const [title, loads] of Object.entries(commands)) {
    const rows = yield* Effect.forEach(Object.values(loads), load, { concurrency: "unbounded" })
    groups.push([title, rows.map(({ name, summary }) => [name, summary] as const)])
  }
  yield* say((style) =>
    listing(
      {
        path: "",
        summary: "See and steer Disque clusters, and run nodes",
        groups,
        options: [
          ["-h, --help", "Show the help of disco, or of a command."],
          ["--version", "Show the version."],
          ["--completions SHELL", "Print what makes bash, zsh or fish complete commands and options."]
        ],
        end: "disco COMMAND --help tells more about a command."
      },
      style
    )
  )
})

const groupHelp = ({ commands, name, summary }: Group) =>
  say((style) =>
    listing(
      {
        path: name,
        summary,
        groups: [["Commands", commands.map((each) => [each.name, each.summary] as const)]],
        options: [["-h, --help", "Show this help, or that of a command."]],
        end: `disco ${name} COMMAND --help tells more about a command.`
      },
      style
    )
  )

/** The shells that can complete words. */
const shells = ["bash", "zsh", "fish"] as const

const completions = (given: string | undefined) =>
  Effect.gen(function* () {
    const shell = shells.find((each) => each === given)
    if (shell === undefined) {
      const not = given === undefined ? "" : `, and not ${JSON.stringify(given)}`
      return yield* new UsageError({ message: `--completions takes one of ${shells.join(", ")}${not}` })
    }
    const all = yield* Effect.forEach([...byName.values()], load, { concurrency: "unbounded" })
    const { script } = yield* Effect.promise(() => import("./command/completions.js"))
    const text = yield* script(shell, all)
    yield* say(() => text)
  })

/** Shows warnings and errors of the log on standard error, each message once. */
const notices = Effect.map(Effect.all([Streams, runFork]), ([{ stderr }, fork]) => {
  const shown = new Set<string>()
  return Logger.make<unknown, void>(({ logLevel, message }) => {
    const text = String(Array.isArray(message) ? message[0] : message)
    if (LogLevel.lessThan(logLevel, LogLevel.Warning) || shown.has(text)) return
    shown.add(text)
    fork(stderr.write(`disco: ${text}\n`))
  })
})

/** Tells failures on standard output, with a status of their own. */
const toldOnOutput = <A, R>(run: Effect.Effect<A, Failure, R>, { line, status }: WhenFailed) =>
  Effect.catchAll(run, ({ message }) =>
    Effect.as(
      say(() => line(message)),
      status
    )
  )

/** What a command is run with: a pool too, if it talks to a cluster. */
const runCommand = (command: Command, path: string, words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const signature: Signature = signatureOf(command, path)
    if (wantsHelp(words)) return yield* say((style) => help(subjectOf(command, path), style))
    const input = yield* read(signature, words)
    const streams = yield* Streams
    const run = command.run(input as never)
    const done = command.needsCluster
      ? Effect.flatMap(
          Effect.promise(() => import("./connection/connection.js")),
          ({ layer }) => Effect.provide(run, layer(input as unknown as ClusterInput, command.lazyConnect))
        )
      : (run as Effect.Effect<number | undefined, Failure, Services>)
    const logger = yield* notices
    return yield* Effect.scoped(
      Effect.provideService(done, output.Output, output.make(streams, input.json === true))
    ).pipe(withOnlyLogger(logger))
  }).pipe((run) => (command.whenFailed === undefined ? run : toldOnOutput(run, command.whenFailed)))

const dispatch = (words: ReadonlyArray<string>): Effect.Effect<Status, Failure, Main> =>
  Effect.gen(function* () {
    const [first, ...rest] = words
    if (first === undefined || isHelp(first)) return yield* overview
    if (first === "help") return yield* dispatch([...rest, "--help"])
    if (first === "--version") return yield* say(() => version)
    if (first === "--completions" || first.startsWith("--completions=")) {
      return yield* completions(first.split("=")[1] ?? rest[0])
    }
    if (first.startsWith("-")) {
      return yield* new UsageError({
        message: `a command comes first, and ${first} is an option: disco COMMAND [options]`
      })
    }
    const found = byName.get(first)
    if (found === undefined) {
      return yield* new UsageError({
        message: `there is no command ${JSON.stringify(first)}${didYouMean(first, byName.keys()) || ": disco --help lists them"}`
      })
    }
    const command = yield* load(found)
    if (command.kind === "command") return yield* runCommand(command, command.name, rest)
    const [second, ...others] = rest
    if (second === undefined || isHelp(second)) return yield* groupHelp(command)
    const inner = command.commands.find(({ name }) => name === second)
    if (inner === undefined) {
      const names = command.commands.map(({ name }) => name)
      return yield* new UsageError({
        message: `disco ${first} has no command ${JSON.stringify(second)}${didYouMean(second, names) || `: it has ${names.join(", ")}`}`
      })
    }
    return yield* runCommand(inner, `${first} ${inner.name}`, others)
  })

/** What `main` needs of its surroundings. */
export type Main = Streams | Dialing | FileSystem.FileSystem | Path.Path

/** Runs a command line, and gives the exit status. What goes wrong is said in one sentence on standard error. */
export const main = (words: ReadonlyArray<string>): Effect.Effect<number, never, Main> =>
  dispatch(words).pipe(
    Effect.map((status) => status ?? 0),
    Effect.catchAllCause((cause) =>
      Effect.gen(function* () {
        if (Cause.isInterruptedOnly(cause)) return yield* Effect.interrupt
        const { stderr } = yield* Streams
        const failure = Cause.failureOption(cause)
        const isUsage = failure._tag === "Some" && failure.value instanceof UsageError
        const message = failure._tag === "Some" ? failure.value.message : `this is a bug: ${Cause.pretty(cause)}`
        yield* stderr.write(`disco: ${message.trim()}\n`)
        return isUsage ? wrongUsage : failed
      })
    )
  )
