/** Files that options name. */
import type * as PlatformError from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { CliError } from "./CliError.js"

/** Why a file cannot be read, in a few words. */
export const reasonOf = (error: PlatformError.PlatformError): string => {
  if (error._tag === "BadArgument") return "its path is not valid"
  if (error.reason === "NotFound") return "there is no such file"
  if (error.reason === "PermissionDenied") return "permission denied"
  return String(error.cause).includes("EISDIR") ? "it is a folder" : (error.description ?? error.reason)
}

/** The text of a file that an option names. */
export const read = (option: string, file: string): Effect.Effect<string, CliError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.mapError(
      files.readFileString(file),
      (error) => new CliError({ message: `${option}: ${JSON.stringify(file)} cannot be read: ${reasonOf(error)}` })
    )
  )

/** The one line of a file that holds a password. The end of the line does not belong to it. */
export const readPassword = (option: string, file: string): Effect.Effect<string, CliError, FileSystem.FileSystem> =>
  Effect.flatMap(read(option, file), (text) => {
    const password = text.replace(/\r?\n$/, "")
    const named = `${option}: ${JSON.stringify(file)}`
    if (password === "") return new CliError({ message: `${named} is empty, expected a password` })
    if (/[\r\n]/.test(password)) return new CliError({ message: `${named} has several lines, expected one` })
    return Effect.succeed(password)
  })
