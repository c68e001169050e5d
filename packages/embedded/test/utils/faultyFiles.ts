import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** What a file system does that fails: each function may fail, instead of what it is named after or behind a part of it. */
export interface Faults {
  /** How many bytes of a write are written before it fails; undefined for all of them. */
  write: ((bytes: Uint8Array) => { readonly written: number; readonly code: string } | undefined) | undefined
  /** `hang` stands for a sync that never ends. */
  sync: (() => string | undefined) | undefined
  /** A number stands for a rename that takes so many ms. */
  rename: (() => string | number | undefined) | undefined
  open: ((path: string) => string | undefined) | undefined
  truncate: (() => string | undefined) | undefined
}

export const noFaults = (): Faults => ({
  write: undefined,
  sync: undefined,
  rename: undefined,
  open: undefined,
  truncate: undefined
})

const failure = (method: string, code: string) =>
  new SystemError({
    reason: "Unknown",
    module: "FileSystem",
    method,
    description: `${code}: made by a test`,
    cause: Object.assign(new Error(code), { code })
  })

const failing = <A, R>(method: string, code: string | undefined, otherwise: Effect.Effect<A, SystemError, R>) =>
  code === undefined ? otherwise : Effect.fail(failure(method, code))

const faultyFile = (file: FileSystem.File, faults: Faults): FileSystem.File => ({
  [FileSystem.FileTypeId]: FileSystem.FileTypeId,
  fd: file.fd,
  get stat() {
    return file.stat
  },
  seek: (offset, from) => file.seek(offset, from),
  read: (buffer) => file.read(buffer),
  readAlloc: (size) => file.readAlloc(size),
  write: (buffer) => file.write(buffer),
  get sync() {
    return Effect.suspend(() => {
      const fault = faults.sync?.()
      return fault === "hang" ? Effect.never : failing("sync", fault, file.sync as Effect.Effect<void, SystemError>)
    })
  },
  truncate: (length) =>
    Effect.suspend(() =>
      failing("truncate", faults.truncate?.(), file.truncate(length) as Effect.Effect<void, SystemError>)
    ),
  writeAll: (bytes) =>
    Effect.suspend(() => {
      const fault = faults.write?.(bytes)
      if (fault === undefined) return file.writeAll(bytes)
      const part = fault.written === 0 ? Effect.void : file.writeAll(bytes.subarray(0, fault.written))
      return Effect.zipRight(part, Effect.fail(failure("writeAll", fault.code)))
    })
})

/** The file system, with faults that a test sets. */
export const faultyFiles = (faults: Faults): Layer.Layer<FileSystem.FileSystem, never, FileSystem.FileSystem> =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => ({
      ...fs,
      open: (path, options) =>
        Effect.suspend(() =>
          failing(
            "open",
            faults.open?.(path),
            Effect.map(fs.open(path, options), (file) => faultyFile(file, faults)) as Effect.Effect<
              FileSystem.File,
              SystemError,
              never
            >
          )
        ) as ReturnType<typeof fs.open>,
      rename: (from, to) =>
        Effect.suspend(() => {
          const fault = faults.rename?.()
          const rename = fs.rename(from, to) as Effect.Effect<void, SystemError>
          return typeof fault === "number" ? Effect.delay(rename, fault) : failing("rename", fault, rename)
        })
    }))
  )
