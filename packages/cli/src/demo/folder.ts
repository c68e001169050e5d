/** The files of a folder. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { CliError } from "../CliError.js"

const sentence = (folder: string, reason: string): CliError => {
  const name = JSON.stringify(folder)
  if (reason === "NotFound") return new CliError({ message: `the folder ${name} does not exist` })
  if (reason === "PermissionDenied")
    return new CliError({ message: `the folder ${name} cannot be read: permission denied` })
  return new CliError({ message: `the folder ${name} cannot be read (${reason})` })
}

/**
 * The paths of all files below a folder, relative to it, but for those below folders with a name in `skipped`. Links are not
 * followed, and folders below that cannot be read are left out.
 */
export const listFiles = (
  folder: string,
  skipped: ReadonlySet<string>
): Effect.Effect<ReadonlyArray<string>, CliError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path

    const isLink = (file: string) => Effect.isSuccess(fs.readLink(file))

    const below = (relative: string): Effect.Effect<ReadonlyArray<string>, never> =>
      Effect.gen(function* () {
        const names = yield* Effect.orElseSucceed(fs.readDirectory(path.join(folder, relative)), () => [])
        const files: Array<string> = []
        for (const name of [...names].sort()) {
          const at = path.join(relative, name)
          const whole = path.join(folder, at)
          if (skipped.has(name) || (yield* isLink(whole))) continue
          const info = yield* Effect.option(fs.stat(whole))
          if (info._tag === "None") continue
          if (info.value.type === "File") files.push(at)
          else if (info.value.type === "Directory") for (const file of yield* below(at)) files.push(file)
        }
        return files
      })

    const info = yield* Effect.mapError(fs.stat(folder), (error) =>
      sentence(folder, error._tag === "SystemError" ? error.reason : error.message)
    )
    if (info.type !== "Directory") {
      return yield* new CliError({ message: `${JSON.stringify(folder)} is not a folder` })
    }
    yield* Effect.mapError(fs.readDirectory(folder), (error) =>
      sentence(folder, error._tag === "SystemError" ? error.reason : error.message)
    )
    const files = yield* below("")
    if (files.length === 0) {
      return yield* new CliError({ message: `there are no files in the folder ${JSON.stringify(folder)}` })
    }
    return files
  })
