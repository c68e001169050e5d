import * as FileSystem from "@effect/platform/FileSystem"
import { NodeContext } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { type DurableOptions, EmbeddedDisque } from "../../src/index.js"
import { dial } from "./ask.js"

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

/** What tests of nodes on disk need. What the nodes log is not shown. */
export const files = Layer.merge(NodeContext.layer, Logger.minimumLogLevel(LogLevel.None))
