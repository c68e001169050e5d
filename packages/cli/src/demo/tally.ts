/** The counts of a file: the work of the demo's jobs. */
import { createHash } from "node:crypto"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Counts as `wc` counts: lines are newline characters, words are what white space separates. */
export const Tally = Schema.Struct({
  bytes: Schema.Number,
  lines: Schema.Number,
  words: Schema.Number,
  sha256: Schema.String,
  isReadable: Schema.Boolean
})
export type Tally = typeof Tally.Type

const chunkSize = 65_536
const newline = 0x0a
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/** Reads a file once. A file that cannot be read is a result too, for the plain walk as for a worker. */
export const tally = (path: string): Effect.Effect<Tally, never, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = yield* fs.open(path)
    const buffer = new Uint8Array(chunkSize)
    const hash = createHash("sha256")
    let bytes = 0
    let lines = 0
    let words = 0
    let wasSpace = true
    for (;;) {
      const chunk = buffer.subarray(0, Number(yield* file.read(buffer)))
      if (chunk.length === 0) break
      hash.update(chunk)
      bytes += chunk.length
      for (const byte of chunk) {
        if (byte === newline) lines += 1
        const space = isSpace(byte)
        if (wasSpace && !space) words += 1
        wasSpace = space
      }
    }
    return { bytes, lines, words, sha256: hash.digest("hex"), isReadable: true }
  }).pipe(
    Effect.scoped,
    Effect.catchAll(() => Effect.succeed({ bytes: 0, lines: 0, words: 0, sha256: "", isReadable: false }))
  )

/** Whether two reads of a file have the same result. */
export const isSame = (a: Tally, b: Tally): boolean =>
  a.sha256 === b.sha256 && a.lines === b.lines && a.words === b.words

/** The sum of many tallies. */
export interface Totals {
  readonly files: number
  readonly unreadable: number
  readonly bytes: number
  readonly lines: number
  readonly words: number
  /** One digest over the paths and digests of all files, in any order. */
  readonly digest: string
}

export const total = (tallies: ReadonlyMap<string, Tally>): Totals => {
  const hash = createHash("sha256")
  const sum = { files: tallies.size, unreadable: 0, bytes: 0, lines: 0, words: 0 }
  for (const path of [...tallies.keys()].sort()) {
    const tally = tallies.get(path)
    if (tally === undefined) continue
    hash.update(`${path}\0${tally.sha256}\0`)
    sum.unreadable += tally.isReadable ? 0 : 1
    sum.bytes += tally.bytes
    sum.lines += tally.lines
    sum.words += tally.words
  }
  return { ...sum, digest: hash.digest("hex") }
}
