/** Leaves out of an append-only file what cannot be read, and keeps the file as it was. */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AofFile } from "./aofFile.js"
import { copyBytes, syncFolder } from "./rewriting.js"
import { type Report, wholeParts } from "./scanning.js"
import { isThere } from "./systemErrors.js"

/** Makes an anew written file belong to whom the old one belonged to, as far as the system lets us. */
const keepOwner = (fs: FileSystem.FileSystem, from: string, to: string): Effect.Effect<void, PlatformError> =>
  Effect.gen(function* () {
    const { gid, mode, uid } = yield* fs.stat(from)
    yield* fs.chmod(to, mode & 0o777)
    const owner = Option.all([uid, gid])
    if (Option.isSome(owner)) yield* Effect.ignore(fs.chown(to, ...owner.value))
  })

/** The file gets a second name, which must not be taken. Where the system has no such thing, its bytes are copied. */
const keepAs = (fs: FileSystem.FileSystem, file: string, name: string): Effect.Effect<void, PlatformError> =>
  Effect.catchIf(
    fs.link(file, name),
    (error) => !isThere(error),
    () =>
      Effect.gen(function* () {
        yield* Effect.scoped(fs.open(name, { flag: "wx" }))
        const copied = Effect.acquireUseRelease(
          AofFile.open(fs, name, "r+", false),
          (copy) => Effect.zipRight(copyBytes(fs, file, { start: 0, end: Number.POSITIVE_INFINITY }, copy), copy.sync),
          (copy) => copy.close
        )
        yield* Effect.onError(copied, () => Effect.ignore(fs.remove(name)))
      })
  )

/** Keeps the file under the first of the names `.bak`, `.bak-1`, `.bak-2`, … that is not taken. */
const keepCopy = (fs: FileSystem.FileSystem, file: string): Effect.Effect<string, PlatformError> =>
  Effect.gen(function* () {
    for (let number = 0; ; number++) {
      const name = `${file}.bak${number === 0 ? "" : `-${number}`}`
      const kept = yield* Effect.either(keepAs(fs, file, name))
      if (kept._tag === "Right") return name
      if (!isThere(kept.left)) return yield* kept.left
    }
  })

/** Writes the file anew with its whole records, so that at any time the old file is there or the new one. Returns the copy. */
export const mend = (
  fs: FileSystem.FileSystem,
  path: Path.Path,
  file: string,
  found: Report
): Effect.Effect<string, PlatformError> =>
  Effect.gen(function* () {
    const temporary = `${file}.tmp`
    const write = Effect.acquireUseRelease(
      AofFile.open(fs, temporary, "w", false),
      (to) =>
        Effect.forEach(wholeParts(found), (part) => copyBytes(fs, file, part, to)).pipe(
          Effect.zipRight(keepOwner(fs, file, temporary)),
          Effect.zipRight(to.sync)
        ),
      (to) => to.close
    )
    const swap = Effect.gen(function* () {
      const copy = yield* keepCopy(fs, file)
      yield* Effect.onError(fs.rename(temporary, file), () => Effect.ignore(fs.remove(copy)))
      yield* syncFolder(fs, path.dirname(file))
      return copy
    })
    return yield* Effect.zipRight(write, Effect.uninterruptible(swap)).pipe(
      Effect.onError(() => Effect.ignore(fs.remove(temporary)))
    )
  })
