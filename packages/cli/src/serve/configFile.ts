/** Configuration files in the form of Disque's: a name and its values on each line, in quotes where they hold spaces. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { CliError } from "../CliError.js"
import { reasonOf } from "../files.js"

/** A line that says something. */
export interface Entry {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly values: ReadonlyArray<string>
}

const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\u0007" }

/** The words of a line, as Disque splits it; undefined if quotes do not match. */
export const split = (line: string): ReadonlyArray<string> | undefined => {
  const words: Array<string> = []
  let rest = line.trim()
  while (rest !== "") {
    const found =
      /^"((?:\\.|[^"\\])*)"(?=\s|$)/s.exec(rest) ??
      /^'((?:\\'|[^'])*)'(?=\s|$)/s.exec(rest) ??
      /^([^\s"']+)(?=\s|$)/.exec(rest)
    if (found === null) return undefined
    const [whole, inside = ""] = found
    words.push(
      whole.startsWith('"')
        ? inside.replace(/\\(?:x([0-9a-f]{2})|(.))/gis, (_, hex: string | undefined, letter: string) =>
            hex === undefined ? (escapes[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16))
          )
        : whole.startsWith("'")
          ? inside.replaceAll("\\'", "'")
          : inside
    )
    rest = rest.slice(whole.length).trimStart()
  }
  return words
}

/** How deep files include others. */
const mostDepth = 16

const refuse = (at: string, what: string) => Effect.fail(new CliError({ message: `${at}: ${what}` }))

/** Reads a file, and the files that it includes, as Disque does. `includedAt` is the line that includes the file. */
export const read = (
  file: string,
  includedAt: ReadonlyArray<string> = []
): Effect.Effect<ReadonlyArray<Entry>, CliError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const text = yield* Effect.catchAll(files.readFileString(file), (error) =>
      refuse(includedAt.at(-1) ?? "config", `${JSON.stringify(file)} cannot be read: ${reasonOf(error)}`)
    )
    const entries: Array<Entry> = []
    for (const [i, written] of text.split("\n").entries()) {
      if (/^\s*(#|$)/.test(written)) continue
      const words = split(written)
      const at = `${file}:${i + 1}`
      if (words === undefined) return yield* refuse(at, "a quote does not end, or something follows it")
      const [name = "", ...values] = words
      if (name.toLowerCase() !== "include") {
        entries.push({ file, line: i + 1, name: name.toLowerCase(), values })
        continue
      }
      const [included] = values
      if (included === undefined || values.length > 1) return yield* refuse(at, "include takes one file")
      if (includedAt.length === mostDepth) return yield* refuse(at, "files include each other without end")
      for (const entry of yield* read(included, [...includedAt, at])) entries.push(entry)
    }
    return entries
  })
