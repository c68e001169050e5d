import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const Answer = Schema.Struct({ pages: Schema.Number })

/** The answer goes to a queue of its own, which is named in the question. */
const counts = JobQueue.make("count-pages", { payload: Schema.Struct({ file: Schema.String, replyTo: Schema.String }) })

const answersIn = (name: string) =>
  JobQueue.make(name, { payload: Answer, options: { ttl: "10 minutes", retry: "1 minute" } })

const ask = (file: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const answers = answersIn(`answers-${crypto.randomUUID()}`)
    yield* counts.add(pool, { file, replyTo: answers.name })
    const answer = yield* answers.get(pool, { timeout: "30 seconds" })
    yield* pool.ackJob(answer)
    return answer.payload
  })

const Counting = Worker.layer(counts, ({ file, replyTo }) =>
  Effect.flatMap(DisquePool, (pool) => answersIn(replyTo).add(pool, { pages: file.length }))
)

it.effect("a question has its answer", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* ask("a.pdf"), { pages: 5 })
  }).pipe(Effect.provide(Counting), Effect.provide(DiscoTest.layer()))
)

it.effect("a question that nobody answers ends after its time", () =>
  Effect.gen(function* () {
    const error = yield* DiscoTest.run(Effect.flip(ask("a.pdf")))
    assert.strictEqual(error._tag, "GetJobTimeout")
  }).pipe(Effect.provide(DiscoTest.layer()))
)
