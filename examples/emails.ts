import { DisqueConnection, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Console, Effect, Schema } from "effect"

const emails = JobQueue.make("emails", {
  payload: Schema.Struct({ to: Schema.String, subject: Schema.String }),
  options: { retry: "1 minute" }
})

const program = Effect.gen(function* () {
  const disque = yield* DisqueConnection
  yield* emails.add(disque, { to: "ada@example.com", subject: "Hello" })
  const job = yield* emails.get(disque, { timeout: "2 seconds" })
  yield* Console.log(`${job.payload.subject}, ${job.payload.to}`)
  yield* disque.ackJob(job)
}).pipe(
  // Another program may have added a job that does not decode. The error holds that job, which still has to be settled.
  Effect.catchTag("InvalidPayload", (invalid) => Console.error(invalid.message, invalid.body))
)

Effect.runPromise(Effect.provide(program, EmbeddedDisque.layerConnection))
