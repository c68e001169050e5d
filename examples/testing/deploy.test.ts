import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const videos = JobQueue.make("videos", { payload: Schema.Struct({ minutes: Schema.Number }) })

it.effect("a deploy in the middle loses no video, and counts as no failure", () =>
  Effect.gen(function* () {
    const done: Array<string> = []
    const program = (version: string) =>
      Worker.run(
        videos,
        ({ minutes }, { attempt }) =>
          Effect.zipRight(
            Effect.sleep(`${minutes} minutes`),
            Effect.sync(() => done.push(`${minutes} by ${version}, attempt ${attempt}`))
          ),
        { concurrency: 2, grace: "90 seconds" }
      )
    const pool = yield* DisquePool
    for (const minutes of [1, 5, 2]) yield* videos.add(pool, { minutes })

    const old = yield* DiscoTest.process(program("old"))
    yield* DiscoTest.advance("30 seconds")
    // The first video ends within the grace. The second one does not, and the third has not begun.
    yield* DiscoTest.stop(old)
    yield* DiscoTest.process(program("new"))
    yield* DiscoTest.advance("10 minutes")

    assert.deepStrictEqual(done, ["1 by old, attempt 1", "2 by new, attempt 1", "5 by new, attempt 1"])
    assert.strictEqual((yield* DiscoTest.acknowledged(videos)).length, 3)
  }).pipe(Effect.provide(DiscoTest.layer()))
)
