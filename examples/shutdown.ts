import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema } from "effect"

const videos = JobQueue.make("videos", { payload: Schema.Struct({ name: Schema.String, seconds: Schema.Number }) })

const encode = ({ name, seconds }: { readonly name: string; readonly seconds: number }) =>
  Console.log(`${name}: begun`).pipe(
    Effect.zipRight(Effect.sleep(`${seconds} seconds`)),
    Effect.zipRight(Console.log(`${name}: done`)),
    Effect.onInterrupt(() => Console.log(`${name}: interrupted, goes back to the queue`))
  )

// SIGTERM or Ctrl-C closes the layers: the worker takes no more jobs, gives handlers the grace to end, and puts back the rest.
const Workers = Worker.layer(videos, encode, { concurrency: 2, grace: "1 second" })

const Jobs = Layer.scopedDiscard(
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* videos.add(pool, { name: "short", seconds: 1 })
    yield* videos.add(pool, { name: "long", seconds: 3600 })
    yield* videos.add(pool, { name: "next", seconds: 1 })
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(Effect.orDie(pool.queueLength(videos.name)), (left) =>
        Console.log(`${left} jobs are in the queue`)
      )
    )
  })
)

NodeRuntime.runMain(Layer.launch(Workers.pipe(Layer.provide(Jobs), Layer.provide(EmbeddedDisque.layerPool))))
