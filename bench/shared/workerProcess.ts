/** A worker in a process of its own, which does nothing with each job; it ends when its parent lets go of it. */
import { JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { NodeDisque } from "@disco/node"
import { NodeRuntime } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const [, , nodes = "", queue = ""] = process.argv

process.on("disconnect", () => process.exit())

const main = Effect.gen(function* () {
  yield* Worker.make(JobQueue.make(queue, { format: "text", payload: Schema.String }), () => Effect.void, {
    concurrency: 64
  })
  process.send?.("works")
  return yield* Effect.never
})

NodeRuntime.runMain(Effect.scoped(main).pipe(Effect.provide(NodeDisque.layerPool({ nodes }))))
