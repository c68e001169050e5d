import { type AddJobOptions, DisquePool, type NotReplicated, type OutcomeUnknown } from "@disco/core"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { emails } from "./emails.js"

const email = { to: "ada@example.com", subject: "Welcome" }

it.effect("one job, several jobs, and those of a Stream", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool

    const id = yield* emails.add(pool, email, { delay: "10 minutes", replicate: 1 })
    assert.match(id, /^D-/)

    const bodies = ["one", "two", "three"]
    const added = yield* pool.addJobs(bodies.map((body) => ({ queue: "numbers", body })))
    assert.strictEqual(added.length, 3)

    const many = Stream.map(Stream.range(1, 1000), (n) => ({ queue: "numbers", body: String(n) }))
    yield* Stream.runDrain(pool.addJobsFrom(many))
    assert.strictEqual(yield* pool.queueLength("numbers"), 1003)
  }).pipe(Effect.provide(DiscoTest.layer()))
)

/** Adds an email for a request of a user: it takes two seconds at most, and a second email does no harm. */
const addForRequest = (options?: AddJobOptions) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    return yield* emails.add(pool, email, { timeout: "2 seconds", ...options })
  }).pipe(
    Effect.catchTags({
      // Fewer copies are better than none.
      NotReplicated: (_: NotReplicated) =>
        Effect.flatMap(DisquePool, (pool) => emails.add(pool, email, { replicate: 1 })),
      // The connection broke before the answer: the job may be there or not.
      OutcomeUnknown: (error: OutcomeUnknown) => Effect.flatMap(DisquePool, (pool) => pool.execute(error.again()))
    })
  )

it.effect("a node that cannot make copies is asked for one", () =>
  Effect.gen(function* () {
    yield* DiscoTest.rejectNext("NOREPL")
    yield* addForRequest()
    yield* DiscoTest.expectEnqueued(emails, { payload: email, replicate: 1 })
  }).pipe(Effect.provide(DiscoTest.layer()))
)
