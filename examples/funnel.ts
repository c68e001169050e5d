import { Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel } from "@disco/funnel"
import { Console, Effect, Queue, Stream } from "effect"

const program = Effect.gen(function* () {
  const funnel = yield* Funnel.make({ queues: ["greetings", "other"] })
  yield* Queue.offer(funnel.outgoing, { queue: "greetings", body: "hello" })
  yield* Stream.runForEach(Stream.take(funnel.incoming, 1), (job) => Console.log(Job.text(job)))
})

Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(EmbeddedDisque.layerPool)))
