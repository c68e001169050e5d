/** The files of a folder. */
import type { PlatformError } from "@effect/platform/Error"
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

/** The files of a folder, as paths relative to the folder. */
export interface Listing {
  readonly files: ReadonlyArray<string>
  /** Folders that may not be read, and names that are not UTF-8. */
  readonly leftOut: ReadonlyArray<string>
}

/**
 * All files below a folder. Names in `skipped` are left out, and all that is below folders with such a name. Links are not
 * followed.
 */
export const listFiles = (
  folder: string,
  skipped: ReadonlySet<string>
): Effect.Effect<Listing, CliError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path

    const isLink = (file: string) => Effect.isSuccess(fs.readLink(file))

    const files: Array<string> = []
    const leftOut: Array<string> = []

    const look = (relative: string): Effect.Effect<void, PlatformError> =>
      Effect.gen(function* () {
        for (const name of (yield* fs.readDirectory(path.join(folder, relative))).sort()) {
          if (skipped.has(name)) continue
          const at = path.join(relative, name)
          const whole = path.join(folder, at)
          if (yield* isLink(whole)) continue
          const visit = Effect.flatMap(fs.stat(whole), (info) => {
            if (info.type === "File") files.push(at)
            return info.type === "Directory" ? look(at) : Effect.void
          })
          yield* Effect.catchAll(visit, () => Effect.sync(() => leftOut.push(at)))
        }
      })

    const info = yield* Effect.mapError(fs.stat(folder), (error) =>
      sentence(folder, error._tag === "SystemError" ? error.reason : error.message)
    )
    if (info.type !== "Directory") {
      return yield* new CliError({ message: `${JSON.stringify(folder)} is not a folder` })
    }
    yield* Effect.mapError(look(""), (error) =>
      sentence(folder, error._tag === "SystemError" ? error.reason : error.message)
    )
    if (files.length === 0) {
      return yield* new CliError({ message: `there are no files in the folder ${JSON.stringify(folder)}` })
    }
    return { files, leftOut }
  })
