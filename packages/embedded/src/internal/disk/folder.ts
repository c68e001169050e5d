/** The folder of a node: it belongs to one process at a time, and keeps the id of the node. */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { isAlive, ownPid, startOf } from "./processes.js"
import { syncFolder } from "./rewriting.js"
import { StorageError } from "./storageError.js"
import { isNotFound, isThere, unavailable } from "./systemErrors.js"

const lockName = "disque.lock"
const nodesName = "nodes.conf"

/** The folders that this process has in use. */
const inUse = new Set<string>()

const locked = (path: string, pid: number): StorageError =>
  new StorageError({
    path,
    reason: "Locked",
    pid,
    detail: `the folder is in use by process ${pid}: a folder is for one process at a time`
  })

/** The process that a lock names, and when it began, as far as the system tells. */
interface Owner {
  readonly pid: number
  readonly start: string
}

const parseOwner = (text: string): Owner | undefined => {
  const [, pid, start = ""] = /^(\d+) ?(\S*)\n$/.exec(text) ?? []
  return pid === undefined ? undefined : { pid: Number(pid), start }
}

/** Whether the process that made a lock still runs. Another process may have got its number since. */
const owns = (fs: FileSystem.FileSystem, { pid, start }: Owner): Effect.Effect<boolean> =>
  pid === ownPid() || !isAlive(pid)
    ? Effect.succeed(false)
    : Effect.map(startOf(fs, pid), (now) => start === "" || now === "" || now === start)

const writeText = (fs: FileSystem.FileSystem, file: string, flag: "w" | "wx", text: string) =>
  Effect.scoped(Effect.flatMap(fs.open(file, { flag }), (made) => made.writeAll(new TextEncoder().encode(text))))

/**
 * Makes a lock, which nobody sees before it names its process. Where the system has no second names for files, it is empty for a
 * moment.
 */
const createLock = (fs: FileSystem.FileSystem, file: string, text: string): Effect.Effect<void, PlatformError> => {
  const own = `${file}.${ownPid()}`
  const linked = Effect.zipRight(writeText(fs, own, "w", text), fs.link(own, file))
  return linked.pipe(
    Effect.catchIf(
      (error) => !isThere(error),
      () => writeText(fs, file, "wx", text)
    ),
    Effect.ensuring(Effect.ignore(fs.remove(own)))
  )
}

interface Lock {
  /** Keeps the folder locked beyond the scope, until this process is gone. */
  readonly leaveLocked: () => void
}

/** Locks the folder for this process until the scope ends. */
export const lock = (
  fs: FileSystem.FileSystem,
  path: Path.Path,
  folder: string
): Effect.Effect<Lock, StorageError, Scope.Scope> =>
  Effect.gen(function* () {
    const file = path.join(folder, lockName)
    const fail = unavailable(folder, "use the folder")
    const real = yield* Effect.mapError(fs.realPath(folder), fail)
    if (inUse.has(real)) return yield* locked(folder, ownPid())
    const start = yield* startOf(fs, ownPid())
    const text = `${ownPid()}${start === "" ? "" : ` ${start}`}\n`
    const create = createLock(fs, file, text)
    for (let attempt = 0; ; attempt++) {
      const made = yield* Effect.either(create)
      if (made._tag === "Right") break
      if (!isThere(made.left) || attempt > 5) return yield* fail(made.left)
      const found = yield* Effect.orElseSucceed(fs.readFileString(file), () => "")
      const owner = parseOwner(found)
      if (owner !== undefined && (yield* owns(fs, owner))) return yield* locked(folder, owner.pid)
      yield* removeStale(fs, file, found)
    }
    inUse.add(real)
    let isLeft = false
    yield* Effect.addFinalizer(() => {
      if (isLeft) return Effect.void
      inUse.delete(real)
      return Effect.ignore(fs.remove(file))
    })
    return {
      leaveLocked: () => {
        isLeft = true
      }
    }
  }).pipe(Effect.uninterruptible)

/**
 * Removes the lock of a dead process, by way of another name, to see that it is this lock: another process may have removed it, and
 * made its own.
 */
const removeStale = (fs: FileSystem.FileSystem, file: string, stale: string): Effect.Effect<void> => {
  const aside = `${file}.${ownPid()}`
  return Effect.gen(function* () {
    yield* fs.rename(file, aside)
    const moved = yield* fs.readFileString(aside)
    yield* moved === stale ? fs.remove(aside) : fs.rename(aside, file)
  }).pipe(Effect.ignore)
}

/** The id of the node, in the line about itself. */
const parseNodes = (path: string, text: string): Effect.Effect<string, StorageError> => {
  const line = text.split("\n").find((each) => / (\S+,)?myself(,\S+)? /.test(each))
  const id = line?.split(" ")[0] ?? ""
  if (/^[0-9a-f]{40}$/.test(id)) return Effect.succeed(id)
  return Effect.fail(
    new StorageError({
      path,
      reason: "Damaged",
      detail:
        line === undefined
          ? 'no line has the flag "myself": restore the file, or remove it to give the node a new id'
          : `${JSON.stringify(id)} is no node id of 40 hexadecimal digits: restore the file, or remove it to give the node a new id`
    })
  )
}

/** Writes the id of the node, so that at any time the old file is there or the new one. */
const writeNodes = (
  fs: FileSystem.FileSystem,
  path: Path.Path,
  folder: string,
  id: string
): Effect.Effect<void, PlatformError> =>
  Effect.gen(function* () {
    const temporary = path.join(folder, `${nodesName}.tmp`)
    const text = new TextEncoder().encode(`${id} :0 myself 0 0 connected\n`)
    yield* Effect.scoped(
      Effect.flatMap(fs.open(temporary, { flag: "w" }), (file) => Effect.zipRight(file.writeAll(text), file.sync))
    )
    yield* fs.rename(temporary, path.join(folder, nodesName))
    yield* syncFolder(fs, folder)
  })

/** A folder in use. */
export interface Folder extends Lock {
  readonly path: string
  /** The append-only file. */
  readonly aof: string
  /** The id of the node that the folder belongs to; undefined in a new folder. */
  readonly id: string | undefined
  /** Keeps the id of the node. */
  readonly keepId: (id: string) => Effect.Effect<void, StorageError>
}

/** Opens a folder, which is made if it is not there, for this process until the scope ends. */
export const openFolder = (
  fs: FileSystem.FileSystem,
  path: Path.Path,
  folder: string
): Effect.Effect<Folder, StorageError, Scope.Scope> =>
  Effect.gen(function* () {
    yield* Effect.mapError(fs.makeDirectory(folder, { recursive: true }), unavailable(folder, "make the folder"))
    const { leaveLocked } = yield* lock(fs, path, folder)
    // A rewrite that the end of a process cut short.
    for (const name of ["temp-rewriteaof.aof", "temp-rewriteaof-bg.aof"]) {
      yield* Effect.ignore(fs.remove(path.join(folder, name)))
    }
    const nodes = path.join(folder, nodesName)
    const text = yield* fs.readFileString(nodes).pipe(
      Effect.map(Option.some),
      Effect.catchIf(isNotFound, () => Effect.succeedNone),
      Effect.mapError(unavailable(nodes, "read the file"))
    )
    const id = yield* Effect.transposeMapOption(text, (known) => parseNodes(nodes, known))
    const oneAtATime = yield* Effect.makeSemaphore(1)
    return {
      path: folder,
      leaveLocked,
      aof: path.join(folder, "disque.aof"),
      id: Option.getOrUndefined(id),
      keepId: (id) =>
        oneAtATime.withPermits(1)(
          Effect.mapError(writeNodes(fs, path, folder, id), unavailable(nodes, "write the file"))
        )
    }
  })
