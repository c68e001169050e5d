import { DisquePool, JobQueue } from "@disco/core"
import { Recurring, Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule, Schema } from "effect"

const calls = JobQueue.make("calls", { payload: Schema.Number })

/** A permit for one call. It is delivered once, and is gone after a while; no more than ten wait. */
const permits = JobQueue.make("permits", {
  payload: Schema.String,
  format: "text",
  options: { retry: 0, replicate: 1, ttl: "10 seconds", maxLen: 10 }
})

/** Runs in one process. */
const IssuePermits = Recurring.layer(permits, { schedule: Schedule.spaced("100 millis"), payload: Effect.succeed("") })

/** Runs in any number of processes. */
const withPermit = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* pool.ackJob(yield* pool.getJob(permits.name))
    return yield* call
  })

it.effect("two workers that share permits make ten calls a second", () =>
  Effect.gen(function* () {
    const called: Array<number> = []
    const call = Effect.map(Clock.currentTimeMillis, (now) => called.push(now))
    yield* Layer.build(IssuePermits)
    yield* Worker.make(calls, () => withPermit(call), { concurrency: 4 })
    yield* Worker.make(calls, () => withPermit(call), { concurrency: 4 })
    const pool = yield* DisquePool
    yield* Effect.forEach(Array.from({ length: 100 }), (_, i) => calls.add(pool, i))
    yield* DiscoTest.advance("5 seconds")
    assert.isAtMost(called.length, 60)
    assert.isAtLeast(called.length, 40)
  }).pipe(Effect.provide(DiscoTest.layer()))
)
