import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import { NodeContext } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { type DurableOptions, EmbeddedDisque } from "../../src/index.js"
import { dial } from "./ask.js"
import { MemoryDisk } from "./memoryDisk.js"

/** A folder that is removed at the end of the scope. */
export const temporaryFolder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

/** Runs a node on disk from its start to its clean end, with a link to it. */
export const onDisk = <A, E, R>(
  options: DurableOptions,
  use: (link: Effect.Effect.Success<ReturnType<typeof dial>>) => Effect.Effect<A, E, R>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const built = yield* Layer.build(Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer(options)))
      return yield* Effect.provide(Effect.flatMap(dial(1), use), built)
    })
  )

const silent = Logger.minimumLogLevel(LogLevel.None)

/** What tests of nodes on disk need. What the nodes log is not shown. */
export const files = Layer.merge(NodeContext.layer, silent)

/** The same, with a disk in memory. */
export const filesOn = (disk: MemoryDisk) =>
  Layer.mergeAll(Layer.succeed(FileSystem.FileSystem, disk.files), Path.layer, silent)

/** A disk with the files of another one in the folder `/copy`: this process has the folder of the first one in use. */
export const copyOf = (disk: MemoryDisk): MemoryDisk => {
  const copy = new MemoryDisk()
  copy.makeFolder("/copy")
  for (const name of ["disque.aof", "nodes.conf"]) copy.put(`/copy/${name}`, disk.bytes(`/data/${name}`) ?? "")
  return copy
}
