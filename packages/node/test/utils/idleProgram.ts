/** A program with a worker and a funnel that have nothing to do; it is run by the tests. */
import { JobQueue } from "@disco/core"
import { Funnel, Worker } from "@disco/funnel"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema, Stream } from "effect"
import { NodeDisque } from "../../src/index.js"

const queue = JobQueue.make("idle", { payload: Schema.Number })

const program = Effect.gen(function* () {
  yield* Worker.make(queue, () => Effect.void)
  const funnel = yield* Funnel.make({ queues: "other" })
  yield* Console.log("begun")
  yield* Stream.runDrain(funnel.incoming)
}).pipe(Effect.scoped, Effect.provide(NodeDisque.layerPool({ nodes: process.argv[2] ?? "" })))

NodeRuntime.runMain(program)
