import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Either, Schedule, Schema } from "effect"

const films = JobQueue.make("films", { payload: Schema.Struct({ title: Schema.String }) })

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const worker = Worker.make(
  films,
  ({ title }, { attempt }) =>
    Effect.gen(function* () {
      if (title === "") return yield* Worker.giveUp(new Refused({ why: "a film has a title" }))
      if (attempt === 1) return yield* Effect.fail("busy")
    }).pipe(Effect.timeout("5 minutes")),
  {
    concurrency: 4,
    attempts: 5,
    retry: Schedule.exponential("1 second").pipe(Schedule.jittered),
    rateLimit: { limit: 100, interval: "1 minute" },
    grace: "30 seconds"
  }
)

it.effect("a film that fails is tried again, and one without a title is given up", () =>
  Effect.gen(function* () {
    yield* worker
    const pool = yield* DisquePool
    yield* films.add(pool, { title: "Metropolis" })
    yield* films.add(pool, { title: "" })
    yield* DiscoTest.advance("1 minute")
    assert.strictEqual((yield* DiscoTest.acknowledged(films)).filter(({ payload }) => payload.title !== "").length, 1)
    assert.strictEqual((yield* DiscoTest.deadLettered(films)).length, 1)
  }).pipe(Effect.provide(DiscoTest.layer()))
)

const rows = JobQueue.make("rows", { payload: Schema.Number })

it.effect("a batch takes a result for each of its jobs", () =>
  Effect.gen(function* () {
    const batches: Array<ReadonlyArray<number>> = []
    yield* Worker.makeBatch(
      rows,
      (attempts) =>
        Effect.sync(() => {
          batches.push(attempts.map(({ payload }) => payload))
          return attempts.map(() => Either.void)
        }),
      { size: 50, within: "1 second" }
    )
    const pool = yield* DisquePool
    yield* Effect.forEach(Array.from({ length: 60 }), (_, n) => rows.add(pool, n))
    yield* DiscoTest.advance("2 seconds")
    assert.strictEqual(batches.flat().length, 60)
  }).pipe(Effect.provide(DiscoTest.layer()))
)
