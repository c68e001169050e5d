import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import { assert, it } from "@effect/vitest"
import { Effect, Schema, TestClock } from "effect"

const films = JobQueue.make("films", { payload: Schema.String })

it.effect("a worker that closes gives back what takes longer than its grace", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* films.add(pool, "Intolerance")
    yield* Effect.gen(function* () {
      yield* Worker.make(films, () => Effect.sleep("1 hour"), { grace: "25 seconds" })
      yield* TestClock.adjust("1 minute")
    }).pipe(VirtualTime.scoped)
    assert.strictEqual(yield* pool.queueLength("films"), 1)
  }).pipe(Effect.provide(EmbeddedDisque.layerPool))
)
