/** The file anew, with the jobs that are there and nothing else. */
import type { PlatformError } from "@effect/platform/Error"
import { SystemError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { type Job, State } from "../node/job.js"
import type { AofFile } from "./aofFile.js"
import { RecordBuffer } from "./records.js"
import { isUnsupported } from "./systemErrors.js"

/** How many bytes are written at once: so few that clients do not notice. */
const slice = 128 * 1024

/** After so many bytes, what is written is synced, so that no sync takes long. */
const syncEvery = 16 * 1024 * 1024

/** What of a node the file tells of. */
interface Jobs {
  readonly jobs: ReadonlyMap<string, Job>
  /** The time that the times of the jobs are relative to, in ms since 1970. */
  readonly base: number
  /** The number of the last job. */
  readonly lastSerial: number
}

/**
 * Writes all jobs that are known now, a slice at a time. Jobs may come and go meanwhile: what is recorded from now on has to follow
 * in the file. Ends early if the file is not wanted any more.
 */
export const writeJobs = (from: Jobs, to: AofFile, isOver: () => boolean): Effect.Effect<void, PlatformError> =>
  Effect.suspend(() => {
    const { base, lastSerial } = from
    const left = from.jobs.values()
    const buffer = new RecordBuffer()
    let unsynced = 0
    let isDone = false
    const fill = (): void => {
      while (buffer.length < slice) {
        const next = left.next()
        if (next.done === true || next.value.serial > lastSerial) {
          isDone = true
          return
        }
        const job = next.value
        if (job.state === State.active || job.state === State.queued) buffer.loadJob(job, base)
      }
    }
    const writeSlice: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
      // One buffer for all slices: a new one for each would have garbage collected, for which clients wait.
      buffer.clear()
      fill()
      unsynced += buffer.length
      const isSynced = unsynced >= syncEvery || isDone
      if (isSynced) unsynced = 0
      return Effect.zipRight(to.write(buffer.written), isSynced ? to.sync : Effect.void)
    })
    return Effect.repeat(writeSlice, { until: () => isDone || isOver() }).pipe(Effect.asVoid)
  })

const tooShort = (path: string): PlatformError =>
  new SystemError({
    reason: "UnexpectedEof",
    module: "FileSystem",
    method: "readAlloc",
    pathOrDescriptor: path,
    description: "the file has become shorter"
  })

/** Appends the bytes of a file from `start` to `end`. */
export const copyBytes = (
  fs: FileSystem.FileSystem,
  path: string,
  range: { readonly start: number; readonly end: number },
  to: AofFile
): Effect.Effect<void, PlatformError> =>
  Effect.scoped(
    Effect.gen(function* () {
      if (range.start >= range.end) return
      const file = yield* fs.open(path, { flag: "r" })
      yield* file.seek(range.start, "start")
      let left = range.end - range.start
      while (left > 0) {
        const piece = yield* file.readAlloc(Math.min(left, slice))
        if (piece._tag === "None") {
          if (left === Number.POSITIVE_INFINITY) break
          return yield* tooShort(path)
        }
        yield* to.write(piece.value)
        left -= piece.value.length
      }
    })
  )

/** Makes the names in a folder safe from the end of the system, where the system can do that. */
export const syncFolder = (fs: FileSystem.FileSystem, path: string): Effect.Effect<void, PlatformError> =>
  Effect.scoped(
    Effect.flatMap(fs.open(path, { flag: "r" }), (folder) =>
      Effect.catchIf(folder.sync, isUnsupported, () => Effect.void)
    )
  )
