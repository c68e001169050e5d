/** The settings of `disco serve`: from the command line first, then the environment, then a configuration file. */
import type { InvalidArgument } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { CliError } from "../CliError.js"
import * as configFile from "./configFile.js"
import { type Option as OptionOf, offered, options, type Settings, table, variable } from "./options.js"

/** Something that was written for an option, and where. */
interface Given {
  readonly subject: string
  readonly name: string
  readonly values: ReadonlyArray<string>
}

/** What a place says about the options, by their names. */
type Source = ReadonlyMap<string, ReadonlyArray<Given>>

const subject = "serve"

/** What the command line gave for each option; a flag is there or not. */
export type CommandLine = Readonly<Record<string, ReadonlyArray<string> | boolean>>

const fromCommandLine = (given: CommandLine): Source =>
  new Map(
    Object.entries(given).flatMap(([name, values]): ReadonlyArray<[string, ReadonlyArray<Given>]> => {
      const texts = typeof values === "boolean" ? (values ? ["yes"] : []) : values
      return texts.length === 0 ? [] : [[name, texts.map((text) => ({ subject, name: `--${name}`, values: [text] }))]]
    })
  )

const fromEnvironment: Effect.Effect<Source, ConfigError.ConfigError> = Effect.gen(function* () {
  const source = new Map<string, ReadonlyArray<Given>>()
  for (const [name, option] of offered) {
    const text = yield* Config.option(Config.string(variable(name)))
    if (Option.isNone(text)) continue
    const values = option.kind === "many" ? text.value.split(/[\s,]+/).filter((each) => each !== "") : [text.value]
    source.set(name, [{ subject, name: variable(name), values }])
  }
  return source
})

const fromFile = Effect.fnUntraced(function* (file: string) {
  const source = new Map<string, Array<Given>>()
  for (const { file: at, line, name, values } of yield* configFile.read(file)) {
    const option = table.get(name)
    const place = `${at}:${line}`
    if (option === undefined || name === "config") {
      return yield* new CliError({ message: `${place}: ${JSON.stringify(name)} is no option of disco serve` })
    }
    const wanted = option.kind === "parameter" ? (option.words ?? 1) : 1
    if (option.kind === "many" ? values.length === 0 : values.length !== wanted) {
      const takes = option.kind === "many" ? "one value or more" : wanted === 1 ? "one value" : `${wanted} values`
      return yield* new CliError({ message: `${place}: ${name} takes ${takes}, and this line has ${values.length}` })
    }
    const given = source.get(name) ?? []
    given.push({ subject: place, name, values: option.kind === "many" ? values : [values.join(" ")] })
    source.set(name, given)
  }
  return source
})

const readOption = (
  option: OptionOf,
  name: string,
  given: ReadonlyArray<Given>
): Either.Either<unknown, InvalidArgument> => {
  const written = given.flatMap(({ subject, name, values }) => values.map((text) => ({ subject, name, text })))
  if (option.kind === "many") {
    if (given.length > 0 && written.length === 0) {
      return OptionReader.refuse(subject, given[0]?.name ?? name, "", `${option.value}, one or more`)
    }
    return Either.all(written.map(({ name, subject, text }) => option.read(subject, name, text)))
  }
  const [first, second] = written
  if (first?.name.startsWith("--") === true && second !== undefined) {
    return OptionReader.refuseText(subject, first.name, "given twice", "one value")
  }
  // Every line of a file is checked, and the last one counts.
  return Either.flatMap(
    Either.all(written.map(({ name, subject, text }) => option.read(subject, name, text))),
    (values) => Either.right(values.at(-1) ?? (option.kind === "flag" ? false : undefined))
  )
}

/** Where the file with options is named, if it is. */
const configOf = (sources: ReadonlyArray<Source>): Either.Either<string | undefined, InvalidArgument> =>
  readOption(
    options.config,
    "config",
    sources.find((source) => source.has("config"))?.get("config") ?? []
  ) as Either.Either<string | undefined, InvalidArgument>

/** The places where an option is written, the strongest alone. */
const strongest = (sources: ReadonlyArray<Source>, ...names: ReadonlyArray<string>): Source => {
  const source = sources.find((source) => names.some((name) => source.has(name)))
  return source ?? new Map()
}

/** Reads all options. All that a file says is checked, even if the command line says something else. */
export const read = (
  commandLine: CommandLine
): Effect.Effect<Settings, CliError | InvalidArgument | ConfigError.ConfigError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const written = fromCommandLine(commandLine)
    const environment = yield* fromEnvironment
    const file = yield* configOf([written, environment])
    const sources: ReadonlyArray<Source> = [
      written,
      environment,
      file === undefined ? new Map() : yield* fromFile(file)
    ]
    const settings: Record<string, unknown> = {}
    for (const [name, option] of table) {
      // The two ways to give the password are one setting.
      const isPassword = name === "requirepass" || name === "requirepass-file"
      const source = isPassword ? strongest(sources, "requirepass", "requirepass-file") : strongest(sources, name)
      for (const other of sources) if (other !== source) yield* readOption(option, name, other.get(name) ?? [])
      settings[name] = yield* readOption(option, name, source.get(name) ?? [])
    }
    return settings as unknown as Settings
  })
