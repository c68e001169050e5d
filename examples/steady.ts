import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import { NodeDisque } from "@disco/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schedule, Schema } from "effect"

const ticks = JobQueue.make("ticks", {
  payload: Schema.Struct({ number: Schema.Number }),
  options: { retry: "1 minute" }
})

const Workers = Worker.layer(ticks, ({ number }) => Console.log(`did number ${number}`), { concurrency: 2 })

// Adds a job a second. While no node can be reached, the error says so, and the next second brings another try.
const Jobs = Layer.scopedDiscard(
  Effect.gen(function* () {
    const pool = yield* DisquePool
    let number = 0
    const add = Effect.suspend(() => ticks.add(pool, { number: ++number })).pipe(
      Effect.catchAll((error) => Console.log(`number ${number} was not added: ${error.message}`))
    )
    yield* Effect.forkScoped(Effect.repeat(add, Schedule.spaced("1 second")))
  })
)

// The broker that DISQUE_NODES names, or a node in the process.
const Disque = process.env.DISQUE_NODES ? NodeDisque.layerPoolConfig() : EmbeddedDisque.layerPool

NodeRuntime.runMain(Layer.launch(Layer.merge(Workers, Jobs).pipe(Layer.provide(Disque))))
