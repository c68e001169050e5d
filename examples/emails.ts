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
  const job = yield* disque.getJob(emails.name, { timeout: "2 seconds" })
  const email = yield* emails.decode(job)
  yield* Console.log(`${email.subject}, ${email.to}`)
  yield* disque.ackJob(job)
})

Effect.runPromise(Effect.provide(program, EmbeddedDisque.layerConnection))
