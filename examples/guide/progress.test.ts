import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Schema, Stream } from "effect"

const films = JobQueue.make("films", { payload: Schema.Struct({ name: Schema.String, scenes: Schema.Number }) })

/** How far a job has come. News that nobody wants are gone after a minute, and no more than a hundred wait. */
const progressOf = (id: string) =>
  JobQueue.make(`progress-${id}`, {
    payload: Schema.Struct({ done: Schema.Number, of: Schema.Number }),
    options: { retry: 0, replicate: 1, ttl: "1 minute", maxLen: 100 }
  })

const Cutting = Worker.layer(films, ({ scenes }, { job }) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const progress = progressOf(job.id)
    for (let scene = 1; scene <= scenes; scene++) {
      yield* Effect.sleep("10 seconds")
      // The work goes on if nobody can be told.
      yield* Effect.ignore(progress.add(pool, { done: scene, of: scenes }))
    }
  })
)

/** Tells how far a job has come until it is done, or until there were no news for a minute. */
const watch = (id: string) =>
  Stream.repeatEffect(
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const news = yield* progressOf(id).get(pool, { timeout: "1 minute" })
      yield* pool.ackJob(news)
      return news.payload
    })
  ).pipe(Stream.takeUntil(({ done, of }) => done === of))

it.effect("a job tells how far it has come", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const id = yield* films.add(pool, { name: "Metropolis", scenes: 3 })
    const watcher = yield* Effect.fork(Stream.runCollect(watch(id)))
    yield* DiscoTest.advance("1 minute")
    assert.deepStrictEqual(
      Chunk.toReadonlyArray(yield* Fiber.join(watcher)).map(({ done }) => done),
      [1, 2, 3]
    )
  }).pipe(Effect.provide(Cutting), Effect.provide(DiscoTest.layer()))
)

it.effect("a job whose worker is gone has no news", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const id = yield* films.add(pool, { name: "Metropolis", scenes: 3 })
    const error = yield* DiscoTest.run(Effect.flip(Stream.runDrain(watch(id))))
    assert.strictEqual(error._tag, "GetJobTimeout")
  }).pipe(Effect.provide(DiscoTest.layer()))
)
