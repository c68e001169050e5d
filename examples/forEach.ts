import { Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel } from "@disco/funnel"
import { Console, Deferred, Effect, Queue } from "effect"

// A job whose handler fails goes back, and comes again: "nacks" counts how often.
const program = Effect.gen(function* () {
  const funnel = yield* Funnel.make({ queues: "greetings" })
  const done = yield* Deferred.make<void>()
  yield* Effect.fork(
    funnel.forEach(
      (job) =>
        job.nacks === 0
          ? Effect.fail("not yet")
          : Effect.zipRight(Console.log(`${Job.text(job)}, at last`), Deferred.succeed(done, undefined)),
      { concurrency: 8 }
    )
  )
  yield* Queue.offer(funnel.outgoing, { queue: "greetings", body: "hello" })
  yield* Deferred.await(done)
})

Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(EmbeddedDisque.layerPool)))
