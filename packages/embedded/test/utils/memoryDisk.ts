/** A disk in memory, for one machine: it fails as a test says, loses its power, and tells which files are open. */
import { posix } from "node:path"
import { type PlatformError, SystemError, type SystemErrorReason } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface Call {
  readonly does: "open" | "read" | "write" | "sync" | "stat" | "truncate" | "rename" | "link" | "remove" | "make"
  /** The file, or the folder. */
  readonly path: string
  /** What is written. */
  readonly bytes?: Uint8Array
}

/**
 * What becomes of a call: an error of the system, also one that comes behind a part of a write; or something that is waited for
 * before the call is made.
 */
export type Fate = string | { readonly written: number; readonly code: string } | Effect.Effect<unknown> | undefined

const reasons: Readonly<Record<string, SystemErrorReason>> = {
  EACCES: "PermissionDenied",
  EEXIST: "AlreadyExists",
  ENOENT: "NotFound"
}

const failure = (call: Call, code: string): SystemError =>
  new SystemError({
    reason: reasons[code] ?? "Unknown",
    module: "FileSystem",
    method: call.does,
    pathOrDescriptor: call.path,
    description: `${code}: made by a test`,
    cause: Object.assign(new Error(code), { code })
  })

const none = new Uint8Array(0)

/** What the name of a file leads to. */
class Content {
  readonly number: number
  private bytes: Uint8Array = new Uint8Array(256)
  size = 0
  /** What a power cut leaves. */
  private synced: Uint8Array = none

  constructor(number: number, bytes: Uint8Array = none) {
    this.number = number
    this.write(0, bytes)
    this.sync()
  }

  get data(): Uint8Array {
    return this.bytes.subarray(0, this.size)
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.bytes.length * 2))
      grown.set(this.data)
      this.bytes = grown
    }
    this.bytes.set(bytes, at)
    this.size = Math.max(this.size, end)
  }

  truncate(size: number): void {
    this.bytes.fill(0, Math.min(size, this.size))
    if (size > this.size) this.write(this.size, new Uint8Array(size - this.size))
    this.size = size
  }

  sync(): void {
    this.synced = this.data.slice()
  }

  /** What is left after a power cut: all that was synced, and of the rest so much as chance wills, from its start. */
  survivor(random: () => number): Uint8Array {
    const { data, synced } = this
    const isLonger = data.length > synced.length && synced.every((byte, i) => data[i] === byte)
    if (!isLonger) return random() < 0.5 ? data : synced
    return data.subarray(0, synced.length + Math.floor(random() * (data.length - synced.length + 1)))
  }
}

type Names = Map<string, Content>

export class MemoryDisk {
  private names: Names = new Map()
  /** The names that a power cut leaves. */
  private syncedNames: Names = new Map()
  private readonly folders = new Set<string>(["/"])
  private readonly handles = new Map<number, { readonly path: string; readonly content: Content | undefined }>()
  private lastNumber = 0
  private lastHandle = 2
  /** Whether the power is gone. */
  isOff = false
  /** How many calls there have been. */
  calls = 0
  /** The power goes before the call of this number. */
  endsBefore = Number.POSITIVE_INFINITY
  /** What becomes of a call; by default it is carried out. */
  fate: (call: Call) => Fate = () => undefined

  /** The files that are open, by the names that they have now. */
  get open(): ReadonlyArray<string> {
    const names = new Map([...this.names].map(([path, content]) => [content, path]))
    return [...this.handles.values()]
      .map(({ content, path }) => (content === undefined ? path : (names.get(content) ?? `${path}, which is gone`)))
      .sort()
  }

  /** The names of the files in a folder. */
  list(folder: string): ReadonlyArray<string> {
    return [...this.names.keys()]
      .flatMap((path) => (posix.dirname(path) === folder ? [posix.basename(path)] : []))
      .sort()
  }

  /** The bytes of a file. */
  bytes(path: string): Uint8Array | undefined {
    return this.names.get(path)?.data.slice()
  }

  /** Writes a file, as somebody else does. */
  put(path: string, bytes: Uint8Array | string): void {
    this.names.set(path, new Content(++this.lastNumber, Buffer.from(bytes)))
  }

  /** Removes a folder with all that is in it, as somebody else does. */
  removeFolder(path: string): void {
    this.folders.delete(path)
    for (const name of [...this.names.keys()]) if (name.startsWith(`${path}/`)) this.names.delete(name)
  }

  makeFolder(path: string): void {
    this.folders.add(path)
  }

  /** The disk as the next process finds it after this one was killed. */
  afterKill(): MemoryDisk {
    return this.with([...this.names].map(([path, content]) => [path, content.data]))
  }

  /** The disk as a machine finds it that lost its power. `random` says what is left of what was not synced. */
  afterPowerCut(random: () => number): MemoryDisk {
    const names = random() < 0.5 ? this.syncedNames : this.names
    return this.with([...names].map(([path, content]) => [path, content.survivor(random)]))
  }

  private with(files: ReadonlyArray<readonly [string, Uint8Array]>): MemoryDisk {
    const disk = new MemoryDisk()
    for (const folder of this.folders) disk.folders.add(folder)
    for (const [path, bytes] of files) disk.put(path, bytes)
    disk.syncedNames = new Map(disk.names)
    return disk
  }

  /** `onPart` does a part of the work, in bytes. */
  private call<A>(
    call: Call,
    work: () => A,
    onPart: (size: number) => void = () => {}
  ): Effect.Effect<A, PlatformError> {
    const made = Effect.try({ try: work, catch: (code) => failure(call, String(code)) })
    return Effect.zipRight(
      Effect.yieldNow(),
      Effect.suspend((): Effect.Effect<A, PlatformError> => {
        if (++this.calls >= this.endsBefore) this.isOff = true
        if (this.isOff) return Effect.fail(failure(call, "EIO"))
        const fate = this.fate(call)
        if (fate === undefined) return made
        if (typeof fate === "string") return Effect.fail(failure(call, fate))
        if (Effect.isEffect(fate)) return Effect.zipRight(fate, made)
        if (fate.written > 0) onPart(fate.written)
        return Effect.fail(failure(call, fate.code))
      })
    )
  }

  private content(path: string): Content {
    const content = this.names.get(path)
    if (content === undefined) throw this.folders.has(path) ? "EISDIR" : "ENOENT"
    return content
  }

  private make(path: string): Content {
    if (!this.folders.has(posix.dirname(path))) throw "ENOENT"
    const content = new Content(++this.lastNumber)
    this.names.set(path, content)
    return content
  }

  private find(path: string, flag: string): Content | undefined {
    if (this.folders.has(path)) return undefined
    const found = this.names.get(path)
    if (flag === "wx" && found !== undefined) throw "EEXIST"
    if (found === undefined) {
      if (flag.startsWith("r")) throw "ENOENT"
      return this.make(path)
    }
    if (flag === "w") found.truncate(0)
    return found
  }

  private info(content: Content | undefined): FileSystem.File.Info {
    return {
      type: content === undefined ? "Directory" : "File",
      mtime: Option.none(),
      atime: Option.none(),
      birthtime: Option.none(),
      dev: 1,
      ino: Option.some(content?.number ?? 0),
      mode: 0o644,
      nlink: Option.none(),
      uid: Option.none(),
      gid: Option.none(),
      rdev: Option.none(),
      size: FileSystem.Size(content?.size ?? 0),
      blksize: Option.none(),
      blocks: Option.none()
    }
  }

  private syncFolder(path: string): void {
    const isInside = (name: string) => posix.dirname(name) === path
    for (const name of [...this.syncedNames.keys()]) if (isInside(name)) this.syncedNames.delete(name)
    for (const [name, content] of this.names) if (isInside(name)) this.syncedNames.set(name, content)
  }

  private file(path: string, content: Content | undefined): FileSystem.File {
    const handle = ++this.lastHandle
    this.handles.set(handle, { path, content })
    let position = 0
    const opened = (): Content => {
      if (!this.handles.has(handle)) throw "EBADF"
      if (content === undefined) throw "EISDIR"
      return content
    }
    const read = (size: number): Uint8Array => {
      const bytes = opened().data.slice(position, position + size)
      position += bytes.length
      return bytes
    }
    const write = (bytes: Uint8Array): void => {
      opened().write(position, bytes)
      position += bytes.length
    }
    const writeAll = (bytes: Uint8Array): Effect.Effect<void, PlatformError> =>
      this.call(
        { does: "write", path, bytes },
        () => write(bytes),
        (size) => write(bytes.subarray(0, size))
      )
    return {
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      fd: FileSystem.FileDescriptor(handle),
      stat: Effect.suspend(() => this.call({ does: "stat", path }, () => this.info(content))),
      seek: (offset) =>
        Effect.sync(() => {
          position = Number(offset)
        }),
      sync: Effect.suspend(() =>
        this.call({ does: "sync", path }, () => (content === undefined ? this.syncFolder(path) : content.sync()))
      ),
      read: (buffer) =>
        this.call({ does: "read", path }, () => {
          const bytes = read(buffer.length)
          buffer.set(bytes)
          return FileSystem.Size(bytes.length)
        }),
      readAlloc: (size) =>
        this.call({ does: "read", path }, () => {
          const bytes = read(Number(size))
          return bytes.length === 0 ? Option.none() : Option.some(bytes)
        }),
      truncate: (length = 0) => this.call({ does: "truncate", path }, () => opened().truncate(Number(length))),
      write: (bytes) => Effect.as(writeAll(bytes), FileSystem.Size(bytes.length)),
      writeAll
    }
  }

  /** The file system of the disk. */
  readonly files: FileSystem.FileSystem = FileSystem.makeNoop({
    makeDirectory: (path) =>
      this.call({ does: "make", path }, () => {
        for (let folder = path; !this.folders.has(folder); folder = posix.dirname(folder)) this.folders.add(folder)
      }),
    realPath: (path) =>
      this.call({ does: "stat", path }, () => {
        if (!this.folders.has(path) && !this.names.has(path)) throw "ENOENT"
        return path
      }),
    stat: (path) =>
      this.call({ does: "stat", path }, () => this.info(this.folders.has(path) ? undefined : this.content(path))),
    readFileString: (path) =>
      this.call({ does: "read", path }, () => Buffer.from(this.content(path).data).toString("utf8")),
    open: (path, options) =>
      Effect.acquireRelease(
        this.call({ does: "open", path }, () => this.file(path, this.find(path, options?.flag ?? "r"))),
        (file) => Effect.sync(() => this.handles.delete(file.fd))
      ),
    rename: (from, to) =>
      this.call({ does: "rename", path: from }, () => {
        const content = this.content(from)
        this.names.delete(from)
        this.names.set(to, content)
      }),
    link: (from, to) =>
      this.call({ does: "link", path: to }, () => {
        if (this.names.has(to)) throw "EEXIST"
        this.names.set(to, this.content(from))
      }),
    remove: (path) =>
      this.call({ does: "remove", path }, () => {
        if (!this.names.delete(path)) throw "ENOENT"
      }),
    truncate: (path, length = 0) =>
      this.call({ does: "truncate", path }, () => this.content(path).truncate(Number(length)))
  })
}
