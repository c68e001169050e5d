import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Schema } from "effect"
import { DiscoTest } from "../src/index.js"
import { emails } from "./utils/emails.js"

describe("drain", () => {
  const add = (to: string, options = {}) => Effect.flatMap(DisquePool, (pool) => emails.add(pool, { to }, options))

  it.effect("does the jobs that wait, tells what failed, and puts that back", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (const to of ["ada", "", "bob"]) yield* add(to)
      yield* pool.addJob("emails", "no payload")
      const seen: Array<string> = []
      const result = yield* DiscoTest.drain(emails, ({ to }) =>
        to === "" ? Effect.fail("no address" as const) : Effect.sync(() => seen.push(to))
      )
      assert.deepStrictEqual([result.succeeded, result.failed, seen], [2, 2, ["ada", "bob"]])
      assert.deepStrictEqual(
        result.failures.map(({ payload }) => payload),
        [{ to: "" }, undefined]
      )
      assert.deepStrictEqual(result.failures[0]?.cause, Cause.fail("no address"))
      assert.strictEqual(yield* pool.queueLength("emails"), 2)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("leaves delayed jobs alone, unless it is told to wait for them", () =>
    Effect.gen(function* () {
      yield* add("later", { delay: "3 hours" })
      assert.strictEqual((yield* DiscoTest.drain(emails, () => Effect.void)).succeeded, 0)
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      assert.strictEqual((yield* DiscoTest.drain(emails, () => Effect.void, { scheduled: true })).succeeded, 1)
      assert.strictEqual(yield* Clock.currentTimeMillis, 3 * 3_600_000)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("does jobs that handlers add only if it is told to, and no more than the limit", () =>
    Effect.gen(function* () {
      const again = ({ to }: { readonly to: string }) => add(`${to}+`)
      yield* add("ada")
      assert.strictEqual((yield* DiscoTest.drain(emails, again)).succeeded, 1)
      assert.strictEqual((yield* DiscoTest.drain(emails, again, { recursive: true, limit: 5 })).succeeded, 5)
      assert.strictEqual((yield* DiscoTest.enqueued(emails)).length, 7)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("does a job that a handler acknowledges by itself", () =>
    Effect.gen(function* () {
      yield* add("ada")
      const { succeeded } = yield* DiscoTest.drain(emails, () => Effect.flatMap(Worker.CurrentJob, ({ ack }) => ack))
      assert.strictEqual(succeeded, 1)
      assert.strictEqual((yield* DiscoTest.acknowledged(emails)).length, 1)
    }).pipe(Effect.provide(DiscoTest.layer()))
  )
})

describe("perform", () => {
  const days = JobQueue.make("days", { payload: Schema.Struct({ day: Schema.Date }), traced: true })

  it.effect("gives what the handler gives, for the payload as it arrives", () =>
    Effect.gen(function* () {
      const day = new Date("2026-03-29")
      const seen = yield* Effect.withSpan(
        DiscoTest.perform(
          days,
          (payload, { job }) =>
            Effect.map(Worker.CurrentJob, ({ attempt }) => ({
              payload,
              attempt,
              body: new TextDecoder().decode(job.body)
            })),
          { day },
          { attempt: 3 }
        ),
        "producer"
      )
      assert.deepStrictEqual([seen.payload.day, seen.attempt], [day, 3])
      assert.notStrictEqual(seen.payload.day, day)
      assert.match(seen.body, /"\$disco":"traced".*"day":"2026-03-29T00:00:00.000Z"/)
    })
  )

  it.effect("fails with what the handler fails with, or because the payload cannot be sent", () =>
    Effect.gen(function* () {
      const fails = DiscoTest.perform(days, () => Effect.fail("no"), { day: new Date(0) })
      assert.strictEqual(yield* Effect.flip(fails), "no")
      const never = DiscoTest.perform(days, () => Effect.void, { day: new Date(Number.NaN) })
      assert.strictEqual((yield* Effect.flip(never))._tag, "InvalidPayload")
    })
  )
})
