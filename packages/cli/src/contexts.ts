/** Named clusters, in a file in the user's configuration folder that only the user can read: it may hold passwords. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CliError } from "./CliError.js"
import { reasonOf } from "./files.js"

/** A cluster that was given a name. Paths are whole. */
const Saved = Schema.Struct({
  nodes: Schema.String,
  password: Schema.optional(Schema.Redacted(Schema.String)),
  tls: Schema.optional(Schema.Boolean),
  tlsCa: Schema.optional(Schema.String),
  tlsCert: Schema.optional(Schema.String),
  tlsKey: Schema.optional(Schema.String),
  tlsName: Schema.optional(Schema.String),
  tlsInsecure: Schema.optional(Schema.Boolean)
})

export type Saved = typeof Saved.Type

const Contexts = Schema.Struct({
  /** The name of the context in use. */
  current: Schema.optional(Schema.String),
  contexts: Schema.Record({ key: Schema.String, value: Saved })
})

export type Contexts = typeof Contexts.Type

const none: Contexts = { contexts: {} }

const variable = (name: string) => Effect.map(Config.option(Config.nonEmptyString(name)), Option.getOrUndefined)

/** The path of the file. */
export const filePath: Effect.Effect<string, CliError | ConfigError.ConfigError, Path.Path> = Effect.gen(function* () {
  const path = yield* Path.Path
  const xdg = yield* variable("XDG_CONFIG_HOME")
  if (xdg !== undefined) return path.join(xdg, "disco", "contexts.json")
  const roaming = yield* variable("APPDATA")
  if (roaming !== undefined) return path.join(roaming, "disco", "contexts.json")
  const home = yield* variable("HOME")
  if (home === undefined) {
    return yield* new CliError({ message: "there is no folder for contexts: set XDG_CONFIG_HOME or HOME" })
  }
  return path.join(home, ".config", "disco", "contexts.json")
})

const parse = Schema.decodeEither(Schema.parseJson(Contexts))

/** All contexts. No error shows anything of the file, which may hold passwords. */
export const load: Effect.Effect<Contexts, CliError | ConfigError.ConfigError, FileSystem.FileSystem | Path.Path> =
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const file = yield* filePath
    const text = yield* files
      .readFileString(file)
      .pipe(
        Effect.catchAll((error) =>
          error._tag === "SystemError" && error.reason === "NotFound"
            ? Effect.succeed(undefined)
            : new CliError({ message: `the contexts in ${JSON.stringify(file)} cannot be read: ${reasonOf(error)}` })
        )
      )
    if (text === undefined) return none
    const read = parse(text)
    if (Either.isRight(read)) return read.right
    return yield* new CliError({
      message: `${JSON.stringify(file)} does not hold contexts as disco context writes them: repair the file, or remove it`
    })
  })

/** Writes all contexts. After a failure the file is as it was. */
export const save = (
  contexts: Contexts
): Effect.Effect<void, CliError | ConfigError.ConfigError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const file = yield* filePath
    const text = yield* Effect.orDie(Schema.encode(Contexts)(contexts))
    const write = Effect.gen(function* () {
      yield* files.makeDirectory(path.dirname(file), { recursive: true, mode: 0o700 })
      // In one step, so that no reader sees half of it.
      const draft = yield* files.makeTempDirectoryScoped({ directory: path.dirname(file), prefix: ".contexts-" })
      const next = path.join(draft, "contexts.json")
      yield* files.writeFileString(next, `${JSON.stringify(text, undefined, 2)}\n`, { flag: "wx", mode: 0o600 })
      yield* files.rename(next, file)
    })
    yield* Effect.scoped(write).pipe(
      Effect.uninterruptible,
      Effect.mapError(
        (error) =>
          new CliError({ message: `the contexts cannot be written to ${JSON.stringify(file)}: ${reasonOf(error)}` })
      )
    )
  })

/** The context with a name. */
export const find = (contexts: Contexts, name: string): Either.Either<Saved, CliError> => {
  const found = Object.hasOwn(contexts.contexts, name) ? contexts.contexts[name] : undefined
  if (found !== undefined) return Either.right(found)
  const names = Object.keys(contexts.contexts)
  const known = names.length === 0 ? "there are none: disco context add makes one" : `there are ${names.join(", ")}`
  return Either.left(new CliError({ message: `there is no context ${JSON.stringify(name)}: ${known}` }))
}
