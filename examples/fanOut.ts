import { JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel, Worker } from "@disco/funnel"
import { FileSystem, Path } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Queue, Schema, Stream } from "effect"

// One job for each file. The workers send their counts through another queue.
const files = JobQueue.make("files", { payload: Schema.Struct({ path: Schema.String }) })
const counts = JobQueue.make("counts", { payload: Schema.Struct({ path: Schema.String, lines: Schema.Number }) })

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const work = yield* Funnel.forQueue(files)
  const results = yield* Funnel.forQueue(counts)

  yield* Worker.make(
    files,
    ({ path }) =>
      Effect.gen(function* () {
        const text = yield* fs.readFileString(path)
        yield* results.send({ payload: { path, lines: text.split("\n").length - 1 } })
      }),
    { concurrency: 4 }
  )

  const folder = path.join(import.meta.dirname, "texts")
  const names = (yield* fs.readDirectory(folder)).filter((name) => name.endsWith(".txt"))
  for (const name of names) yield* Queue.offer(work.outgoing, { payload: { path: path.join(folder, name) } })

  const total = yield* results.incoming.pipe(
    Stream.take(names.length),
    Stream.runFold(0, (sum, { payload }) => sum + payload.lines)
  )
  yield* Console.log(`${total} lines in ${names.length} files`)
}).pipe(Effect.scoped)

NodeRuntime.runMain(program.pipe(Effect.provide([NodeContext.layer, EmbeddedDisque.layerPool])))
