/** The folders of the nodes of a cluster, and the reading of what they hold. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { type Folder, openFolder } from "../disk/folder.js"
import { StorageError } from "../disk/storageError.js"
import type { Cluster } from "./cluster.js"
import type { DiskOptions, NodeProcess } from "./nodeProcess.js"

export interface DisksOptions {
  /** The folder of a single node; the folders of several are in it, and have their ports as names. */
  readonly dir: string
  readonly ports: ReadonlyArray<number>
  readonly appendfsync: "always" | "everysec" | "no"
  readonly enqueueOnce: boolean
}

/** Two nodes of one id would take each other's jobs for their own. */
const findCopy = (folders: ReadonlyArray<Folder>): StorageError | undefined => {
  for (const [i, folder] of folders.entries()) {
    const same = folders.slice(0, i).find(({ id }) => id !== undefined && id === folder.id)
    if (same !== undefined) {
      return new StorageError({
        path: folder.path,
        reason: "Damaged",
        detail: `the folder is a copy of ${same.path}: remove nodes.conf from one of them, to give its node a new id`
      })
    }
  }
  return undefined
}

/** Opens the folders of the nodes until the scope ends. */
export const openDisks = ({
  appendfsync,
  dir,
  enqueueOnce,
  ports
}: DisksOptions): Effect.Effect<
  ReadonlyArray<DiskOptions>,
  StorageError,
  Scope.Scope | FileSystem.FileSystem | Path.Path
> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const paths = ports.length === 1 ? [dir] : ports.map((port) => path.join(dir, String(port)))
    const folders = yield* Effect.forEach(paths, (each) => openFolder(fs, path, each))
    const copy = findCopy(folders)
    if (copy !== undefined) return yield* copy
    const fork = yield* FiberSet.makeRuntime<never>()
    return folders.map((folder) => ({
      fs,
      folder,
      fork: (effect: Effect.Effect<void>) => void fork(effect),
      appendfsync,
      enqueueOnce
    }))
  })

/** Reads what the nodes have on disk, each time that they start. */
export class Loads {
  private readonly byNode = new Map<NodeProcess, Deferred.Deferred<void, StorageError>>()
  private readonly cluster: Cluster

  constructor(cluster: Cluster) {
    this.cluster = cluster
  }

  /** Begins to read. A node whose files cannot be read ends. */
  begin(node: NodeProcess, fork: DiskOptions["fork"]): void {
    const done = Effect.runSync(Deferred.make<void, StorageError>())
    this.byNode.set(node, done)
    fork(
      node.load.pipe(
        Effect.tapError((error) =>
          Effect.sync(() => this.cluster.kill(node)).pipe(Effect.zipRight(Effect.logError(error.message)))
        ),
        Effect.intoDeferred(done),
        Effect.asVoid
      )
    )
  }

  /** Waits until the last read of the node has ended. */
  loaded(node: NodeProcess): Effect.Effect<void, StorageError> {
    return Effect.suspend(() => {
      const done = this.byNode.get(node)
      return done === undefined ? Effect.void : Deferred.await(done)
    })
  }
}
