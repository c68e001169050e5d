import { DisquePool, JobQueue } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Queue, Schema, Stream } from "effect"
import { DeadLetter, Funnel } from "../../src/index.js"
import { addAll, known, numbers } from "../utils/jobs.js"
import { layer } from "../utils/nodes.js"

describe.concurrent("a funnel for a queue with a type", () => {
  it.effect("gives payloads, and takes them", () =>
    Effect.gen(function* () {
      const funnel = yield* Funnel.forQueue(numbers)
      yield* Queue.offer(funnel.outgoing, { payload: { n: 1 } })
      yield* funnel.send({ payload: { n: 2 } })
      const jobs = yield* Stream.runCollect(Stream.take(funnel.incoming, 2))
      assert.sameMembers(
        [...jobs].map(({ payload }) => payload.n),
        [1, 2]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("puts what does not fit into the dead-letter queue with the reason, and goes on", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* pool.addJob("numbers", '{"n":"one"}')
      yield* addAll(1)
      const funnel = yield* Funnel.forQueue(numbers)
      const job = Option.getOrThrow(yield* Stream.runHead(funnel.incoming))
      assert.deepStrictEqual(job.payload, { n: 0 })
      const [entry] = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        [entry?.letter.id, entry?.letter.reason, entry?.letter.body],
        [id, "undecodable", '{"n":"one"}']
      )
      assert.include(entry?.letter.error, "Expected number")
      assert.strictEqual(yield* known([id]), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("says which payload it could not take", () =>
    Effect.gen(function* () {
      const positive = JobQueue.make("positive", { payload: Schema.Positive })
      const funnel = yield* Funnel.forQueue(positive)
      assert.strictEqual((yield* Effect.flip(funnel.send({ payload: -1 })))._tag, "InvalidPayload")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
