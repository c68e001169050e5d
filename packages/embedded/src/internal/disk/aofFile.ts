import type { PlatformError } from "@effect/platform/Error"
import { SystemError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { Turns } from "./turns.js"

/** With so many bytes of records that share a sync, a check of the place of the file is due only so often, in µs. */
const manyBytes = 4096
const checkEvery = 10_000

/** The bytes of all pieces. */
const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (pieces.length === 1) return pieces[0] as Uint8Array
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/**
 * An open file that grows at its end. It keeps what it could not write, and what a failed sync may have lost, and writes both
 * again with the next call: the system forgets the pages whose write failed. One call at a time, `sync` excepted.
 */
export class AofFile {
  /** Where the file is now. */
  path: string
  private readonly file: FileSystem.File
  private readonly fs: FileSystem.FileSystem
  private readonly scope: Scope.CloseableScope
  /** What the file was when it was opened: it stays the same file, whatever its path leads to. */
  private readonly info: FileSystem.File.Info
  private readonly syncs = new Turns()
  /** How many bytes are written. */
  size: number
  /** Where the next write goes, if that is known. */
  private position = -1
  /** Whether the pieces that are not synced are kept. */
  keepsUnsynced: boolean
  private synced: number
  private unsynced: Array<Uint8Array> = []
  private unwritten: Array<Uint8Array> = []
  /** Whether there may be a part of a record behind `size`. */
  private isTorn = false
  /** Whether a sync has failed, so that the bytes from `synced` on may be lost. */
  private isDoubtful = false
  private checkedAt = Number.NEGATIVE_INFINITY

  private constructor(
    fs: FileSystem.FileSystem,
    path: string,
    file: FileSystem.File,
    scope: Scope.CloseableScope,
    info: FileSystem.File.Info,
    keepsUnsynced: boolean
  ) {
    this.fs = fs
    this.path = path
    this.file = file
    this.scope = scope
    this.info = info
    this.size = this.synced = Number(info.size)
    this.keepsUnsynced = keepsUnsynced
  }

  /** Opens a file to write at its end. `flag` says whether the file is there (`r+`), or is made anew (`w`). */
  static open(
    fs: FileSystem.FileSystem,
    path: string,
    flag: "r+" | "w",
    keepsUnsynced: boolean
  ): Effect.Effect<AofFile, PlatformError> {
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const opened = Effect.gen(function* () {
        const file = yield* Scope.extend(fs.open(path, { flag }), scope)
        return new AofFile(fs, path, file, scope, yield* file.stat, keepsUnsynced)
      })
      return yield* Effect.onError(opened, () => Scope.close(scope, Exit.void))
    })
  }

  /** Writes all that is not written yet, and `bytes` after it. */
  write(bytes: Uint8Array): Effect.Effect<void, PlatformError> {
    return Effect.suspend(() => {
      if (bytes.length > 0) this.unwritten.push(bytes)
      if (this.isDoubtful || this.isTorn) return Effect.zipRight(this.mend, this.writeUnwritten)
      return this.writeUnwritten
    })
  }

  private readonly writeUnwritten: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    if (this.unwritten.length === 0) return Effect.void
    const bytes = join(this.unwritten)
    this.unwritten = [bytes]
    const note = Effect.sync(() => {
      this.unwritten = []
      this.size += bytes.length
      if (this.keepsUnsynced) this.unsynced.push(bytes)
    })
    return Effect.zipRight(this.writeAt(this.size, bytes), note)
  })

  private writeAt(offset: number, bytes: Uint8Array): Effect.Effect<void, PlatformError> {
    const isThere = this.position === offset
    this.position = -1
    const written = Effect.map(this.file.writeAll(bytes), () => {
      this.position = offset + bytes.length
    })
    return (isThere ? written : Effect.zipRight(this.file.seek(offset, "start"), written)).pipe(
      Effect.onError(() =>
        Effect.suspend(() => {
          this.isTorn = true
          // At once if it can be done: who starts on the file need not read what was refused.
          return Effect.ignore(this.cut)
        })
      )
    )
  }

  /** Cuts off what is written of records that count as not written. */
  private readonly cut: Effect.Effect<void, PlatformError> = Effect.suspend(() =>
    Effect.map(this.file.truncate(this.size), () => {
      this.isTorn = false
    })
  )

  /** Writes again what may be lost, and cuts off a part of a record. */
  private readonly mend: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    const again = this.isDoubtful && this.unsynced.length > 0
    return Effect.gen(this, function* () {
      if (again) yield* this.writeAt(this.synced, join(this.unsynced))
      yield* this.cut
      if (!this.isDoubtful) return
      yield* this.sync
      this.isDoubtful = false
    })
  })

  private noteSynced(size: number, pieces: number): void {
    this.synced = size
    this.unsynced.splice(0, pieces)
  }

  /** Whether there is something to sync. */
  get isDirty(): boolean {
    return this.size > this.synced
  }

  /** Makes what is written safe from the end of the system. */
  readonly sync: Effect.Effect<void, PlatformError> = this.syncs.alone(
    Effect.suspend(() => {
      const { size } = this
      const pieces = this.unsynced.length
      return this.file.sync.pipe(
        Effect.map(() => this.noteSynced(size, pieces)),
        Effect.tapError(() =>
          Effect.sync(() => {
            this.isDoubtful = true
          })
        )
      )
    })
  )

  /**
   * Whether the place of the file is to be checked beside the sync of so many bytes. A check occupies a second thread of the system,
   * which costs as much as the sync.
   */
  isCheckDue(bytes: number, now: number): boolean {
    if (bytes >= manyBytes && now - this.checkedAt < checkEvery) return false
    this.checkedAt = now
    return true
  }

  /** Fails if the file is no longer what its path leads to, so that what is written would be lost. */
  readonly checkPlace: Effect.Effect<void, PlatformError> = Effect.suspend(() =>
    Effect.flatMap(this.fs.stat(this.path), ({ dev, ino }) => {
      const isSame = Option.getOrUndefined(ino) === Option.getOrUndefined(this.info.ino) && dev === this.info.dev
      return isSame ? Effect.void : Effect.fail(this.replaced)
    })
  )

  private get replaced(): PlatformError {
    return new SystemError({
      reason: "NotFound",
      module: "FileSystem",
      method: "stat",
      pathOrDescriptor: this.path,
      description: "the file was removed or replaced"
    })
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => Scope.close(this.scope, Exit.void))
}
