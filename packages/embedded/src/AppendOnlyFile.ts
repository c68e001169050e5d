/**
 * Tells what is in an append-only file of Disque, or of a node on disk, and repairs one that is damaged. The file is read piece by
 * piece: memory is taken for the longest job and the ids of the jobs.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { lock } from "./internal/disk/folder.js"
import { mend } from "./internal/disk/mending.js"
import { type Report, scan } from "./internal/disk/scanning.js"
import { StorageError } from "./internal/disk/storageError.js"
import { unavailable } from "./internal/disk/systemErrors.js"

export type { DamagedPart, FilePart, Report } from "./internal/disk/scanning.js"

const findFile = (path: string): Effect.Effect<string, StorageError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const cannotRead = unavailable(path, "read the file")
    const { type } = yield* Effect.mapError(fs.stat(path), cannotRead)
    if (type !== "File") {
      const detail = type === "Directory" ? "it is a folder: name the file in it, disque.aof" : "it is no regular file"
      return yield* new StorageError({ path, reason: "Unavailable", detail })
    }
    return yield* Effect.mapError(fs.realPath(path), cannotRead)
  })

const read = (path: string, file: string): Effect.Effect<Report, StorageError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const now = (yield* Clock.currentTimeMillis) / 1000
    return yield* Effect.mapError(scan(fs, file, now), unavailable(path, "read the file"))
  })

/**
 * Reads a file and tells what is in it. The file is not changed, and may be in use. Fails if the file cannot be read.
 *
 * The format has no checksums: a byte that changed within the body of a job is not noticed.
 *
 * @example
 * ```ts
 * import { AppendOnlyFile } from "@disco/embedded"
 * import { NodeContext } from "@effect/platform-node"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { damaged, live } = yield* AppendOnlyFile.check("data/disque.aof")
 *   if (damaged.length === 0) return `${live} jobs`
 *   const { copy, found } = yield* AppendOnlyFile.fix("data/disque.aof")
 *   return `${found.damaged.length} parts were left out; the file as it was is ${copy}`
 * }).pipe(Effect.provide(NodeContext.layer))
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const check = (path: string): Effect.Effect<Report, StorageError, FileSystem.FileSystem> =>
  Effect.flatMap(findFile(path), (file) => read(path, file))

/**
 * What was done to a file.
 *
 * @since 0.1.0
 * @category models
 */
export interface Repair {
  /** What was in the file. */
  readonly found: Report
  /** The file as it was, under another name; undefined if nothing was wrong and the file is as it was. */
  readonly copy: string | undefined
}

/**
 * Leaves out of a file what cannot be read: damaged parts, and a last record that is not whole. All records that can be read stay,
 * those after a damage too. The file as it was is kept beside it as `.bak`, or `.bak-1`, `.bak-2`, … if there is one.
 *
 * A job whose record is left out is lost, and a job whose deletion is left out comes back.
 *
 * Fails, and changes nothing, if a node has the folder in use (`Locked`), if no record can be read (`Damaged`), or if the system
 * refuses. A Disque server takes no lock: end it before.
 *
 * @see {@link check}
 * @since 0.1.0
 * @category operations
 */
export const fix = (path: string): Effect.Effect<Repair, StorageError, FileSystem.FileSystem | Path.Path> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const file = yield* findFile(path)
      yield* lock(fs, paths, paths.dirname(file))
      const found = yield* read(path, file)
      const [damage] = found.damaged
      if (damage === undefined && found.torn === undefined) return { found, copy: undefined }
      if (damage !== undefined && found.added + found.deleted === 0) {
        const detail = "no record can be read in it: it is no append-only file of Disque, and is left as it is"
        return yield* new StorageError({ path, reason: "Damaged", offset: damage.offset, detail })
      }
      const copy = yield* Effect.mapError(mend(fs, paths, file, found), unavailable(path, "write the file anew"))
      return { found, copy }
    })
  )
