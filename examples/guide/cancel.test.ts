import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const videos = JobQueue.make("videos", {
  payload: Schema.Struct({ name: Schema.String }),
  options: { retry: "20 seconds" }
})

it.effect("a job that is acknowledged by its id leaves its queue, or ends where it runs", () =>
  Effect.gen(function* () {
    const events: Array<string> = []
    yield* Worker.make(videos, ({ name }) =>
      Effect.sleep("1 hour").pipe(
        Effect.zipRight(Effect.sync(() => events.push(`${name} is done`))),
        Effect.onInterrupt(() => Effect.sync(() => events.push(`${name} is canceled`)))
      )
    )
    const pool = yield* DisquePool
    const running = yield* videos.add(pool, { name: "running" })
    yield* DiscoTest.idle
    const waiting = yield* videos.add(pool, { name: "waiting" })

    yield* pool.ackJob([running, waiting])

    // A worker asks for a longer lease at half of the retry time, and is told that there is no such job any more.
    yield* DiscoTest.advance("10 seconds")
    assert.deepStrictEqual(events, ["running is canceled"])
    assert.strictEqual(yield* pool.queueLength("videos"), 0)
  }).pipe(Effect.provide(DiscoTest.layer()))
)
