import { DisquePool, JobQueue } from "@disco/core"
import { DeadLetter, Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const orders = JobQueue.make("orders", { payload: Schema.Struct({ number: Schema.Number }) })

it.effect("what was given up can be looked at, and tried again once its cause is mended", () =>
  Effect.gen(function* () {
    let isMended = false
    yield* Worker.make(orders, () => (isMended ? Effect.void : Worker.giveUp("no such table")))
    yield* orders.add(yield* DisquePool, { number: 1 })
    yield* DiscoTest.idle

    const [entry] = yield* DeadLetter.list(orders)
    assert.strictEqual(entry?.letter.reason, "failed")
    assert.strictEqual(entry?.letter.error, "no such table")

    isMended = true
    const count = yield* DeadLetter.redrive(orders, { where: ({ letter }) => letter.reason === "failed" })
    assert.strictEqual(count, 1)
    yield* DiscoTest.idle
    assert.deepStrictEqual(yield* DeadLetter.list(orders), [])
  }).pipe(Effect.provide(DiscoTest.layer()))
)
