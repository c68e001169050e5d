import { DisqueConnection, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { NodeDisque } from "@disco/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"

const program = Effect.gen(function* () {
  const disque = yield* DisqueConnection
  yield* disque.addJob("greetings", "hello", { retry: "1 minute" })

  const next = disque.getJob("greetings", { timeout: "100 millis" })
  const job = yield* next
  yield* Console.log(`got ${Job.text(job)}`)
  yield* disque.ackJob(job)

  yield* next
}).pipe(Effect.catchTag("GetJobTimeout", (timeout) => Console.log(timeout.message)))

// A node in the process. For a cluster, only the layer changes.
const Disque = process.env.DISQUE_NODES ? NodeDisque.layerConnectionConfig() : EmbeddedDisque.layerConnection

NodeRuntime.runMain(Effect.provide(program, Disque))
