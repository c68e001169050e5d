// What users write, and annotate nowhere: the generic functions, whose results depend on what they are given.
import { Commands, DisqueConnection, DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import { DeadLetter, Funnel, Recurring, Worker } from "@disco/funnel"
import { NodeDisque } from "@disco/node"
import { Context, Data, Effect, Either, Layer, Schedule, Schema, Stream } from "effect"

class Mailer extends Context.Tag("Mailer")<Mailer, { readonly send: (to: string) => Effect.Effect<void, Bounced> }>() {}
export class Bounced extends Data.TaggedError("Bounced")<{ readonly to: string }> {}

export const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String, at: Schema.Date }) })
export const notes = JobQueue.make("notes", { format: "text", payload: Schema.NumberFromString })
export const files = JobQueue.make("files", { format: "bytes", payload: Schema.Uint8ArrayFromSelf })
const send = ({ to }: { readonly to: string }) => Effect.flatMap(Mailer, (mailer) => mailer.send(to))

export const add = Effect.flatMap(DisquePool, (pool) => pool.addJob("emails", "hello"))
export const addTyped = Effect.flatMap(DisquePool, (pool) => emails.add(pool, { to: "ada", at: new Date(0) }))
export const get = Effect.flatMap(DisqueConnection, (disque) => emails.get(disque))
export const getMany = Effect.flatMap(DisquePool, (pool) => notes.getMany(pool))
export const peek = Effect.flatMap(DisquePool, (pool) => files.peek(pool))
export const once = Effect.catchTag(add, "OutcomeUnknown", (error) =>
  Effect.flatMap(DisquePool, (pool) => pool.execute(error.again()))
)
export const lost = Effect.flip(add)
export const ping = Either.map(Commands.ping.make(), (command) => command)
export const health = Effect.map(DisquePool, (pool) => Effect.all({ health: pool.health, statistics: pool.statistics }))
export const jobs = Stream.unwrap(Effect.map(DisquePool, (pool) => pool.jobs({ queue: "emails" })))
export const commands = Commands

export const funnel = Funnel.make({ queues: "emails" })
export const typedFunnel = Funnel.forQueue(emails)
export const incoming = Stream.unwrapScoped(Effect.map(typedFunnel, ({ incoming }) => incoming))

export const worker = Worker.make(emails, send, { retry: Schedule.spaced("1 second") })
export const workerRun = Worker.run(emails, send)
export const workerLayer = Worker.layer(emails, send, { onEnd: Effect.logError })
export const batch = Worker.makeBatch(notes, (jobs) => Effect.succeed(jobs.map(({ payload }) => Either.right(payload))))
export const batchRun = Worker.runBatch(notes, () => Effect.fail(new Bounced({ to: "ada" })))
export const batchLayer = Worker.layerBatch(notes, () => Effect.succeed([]))

export const letters = DeadLetter.list("emails")
export const typedLetters = DeadLetter.list(emails)
export const redrive = DeadLetter.redrive(emails, { where: ({ payload }) => Either.isRight(payload) })
export const purge = DeadLetter.purge("emails", { limit: 1 })

export const recurring = Recurring.run(emails, {
  cron: "0 * * * *",
  payload: Effect.succeed({ to: "ada", at: new Date(0) })
})
export const recurringLayer = Recurring.layer(notes, {
  schedule: Schedule.spaced("1 minute"),
  payload: Effect.succeed(1)
})

export const embedded = EmbeddedDisque.layer({ nodes: 3 })
export const nodes = Effect.map(EmbeddedDisque, ({ nodes }) => nodes)
export const server = Effect.flatMap(nodes, ([node]) => EmbeddedServer.serve(node))

export const pool = NodeDisque.layerPool({ nodes: "localhost" })
export const poolConfig = NodeDisque.layerPoolConfig()
export const connection = NodeDisque.layerConnection({ nodes: ["localhost"] })
export const dialer = NodeDisque.layerDialer({ nodes: ["localhost"] })
export const app = Layer.provide(Layer.mergeAll(workerLayer, batchLayer), pool)
