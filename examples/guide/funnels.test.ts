import { DisquePool, Job } from "@disco/core"
import { Funnel } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Queue, Stream } from "effect"

it.effect("a handler for each job, several at a time", () =>
  Effect.gen(function* () {
    const handled: Array<string> = []
    const funnel = yield* Funnel.make({ queues: { urgent: 3, normal: 1 } })
    yield* Effect.forkScoped(
      funnel.forEach((job) => Effect.sync(() => handled.push(Job.text(job))), { concurrency: 8 })
    )
    yield* Queue.offer(funnel.outgoing, { queue: "urgent", body: "now" })
    yield* Queue.offer(funnel.outgoing, { queue: "normal", body: "later" })
    yield* DiscoTest.idle
    assert.sameMembers(handled, ["now", "later"])
  }).pipe(Effect.provide(DiscoTest.layer()))
)

it.effect("a Stream, in groups", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* pool.addJobs(Array.from({ length: 250 }, (_, n) => ({ queue: "rows", body: String(n) })))
    const funnel = yield* Funnel.make({ queues: "rows" })
    const sizes = yield* DiscoTest.run(
      funnel.incomingGrouped(100, "1 second").pipe(
        Stream.map((jobs) => jobs.length),
        Stream.take(3),
        Stream.runCollect
      )
    )
    assert.strictEqual(
      Array.from(sizes).reduce((sum, size) => sum + size),
      250
    )
  }).pipe(Effect.provide(DiscoTest.layer()))
)
