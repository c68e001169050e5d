import { DisqueConnection, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { NodeDisque } from "@disco/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"

const greet = Effect.gen(function* () {
  const disque = yield* DisqueConnection
  const id = yield* disque.addJob("greetings", "hello", { retry: "1 minute" })
  yield* Console.log(`added ${id.slice(0, 2)}…`)
  const job = yield* disque.getJob("greetings", { timeout: "2 seconds" })
  yield* Console.log(`got ${Job.text(job)}`)
  yield* disque.ackJob(job)
})

const wait = Effect.gen(function* () {
  const disque = yield* DisqueConnection
  yield* disque.getJob("greetings", { timeout: "100 millis" })
}).pipe(Effect.catchTag("GetJobTimeout", (timeout) => Console.log(timeout.message)))

// A node in the process; on a cluster, only the layer is another one.
const Disque = process.env.DISQUE_NODES ? NodeDisque.layerConnectionConfig() : EmbeddedDisque.layerConnection

NodeRuntime.runMain(Effect.provide(Effect.zipRight(greet, wait), Disque))
