import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"

const charges = JobQueue.make("charges", {
  payload: Schema.Struct({ order: Schema.String, cents: Schema.Number })
})

/** Remembers what is done. In a program, a table with a unique key does this, in the transaction of the work itself. */
class DedupStore extends Context.Tag("DedupStore")<
  DedupStore,
  { readonly has: (key: string) => Effect.Effect<boolean>; readonly add: (key: string) => Effect.Effect<void> }
>() {}

const InMemory = Layer.sync(DedupStore, () => {
  const keys = new Set<string>()
  return {
    has: (key) => Effect.sync(() => keys.has(key)),
    add: (key) => Effect.sync(() => void keys.add(key))
  }
})

/** Does the work of a key, unless it is done already. */
const once = <E, R>(key: string, work: Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    const done = yield* DedupStore
    if (yield* done.has(key)) return
    yield* work
    yield* done.add(key)
  })

it.effect("an order that is added twice, and delivered again, is charged once", () =>
  Effect.gen(function* () {
    const charged: Array<number> = []
    yield* Worker.make(charges, ({ cents, order }) =>
      once(
        order,
        Effect.sync(() => charged.push(cents))
      )
    )
    const pool = yield* DisquePool
    const id = yield* charges.add(pool, { order: "order-1", cents: 990 })
    yield* charges.add(pool, { order: "order-1", cents: 990 })
    yield* DiscoTest.redeliver(id)
    yield* DiscoTest.idle
    assert.deepStrictEqual(charged, [990])
  }).pipe(Effect.provide(InMemory), Effect.provide(DiscoTest.layer()))
)

/** Adds the charge of an order, unless there is a sign that it was added within the last day. */
const addOnce = (charge: typeof charges.payload.Type) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const marker = `charges.added.${charge.order}`
    if ((yield* pool.queueLength(marker)) > 0) return
    yield* charges.add(pool, charge)
    // Nobody fetches this job: it goes by itself.
    yield* Effect.ignore(pool.addJob(marker, "", { retry: 0, replicate: 1, ttl: "1 day", maxLen: 1 }))
  })

it.effect("an order that is added twice has one job, and a new one a day later", () =>
  Effect.gen(function* () {
    yield* addOnce({ order: "order-1", cents: 990 })
    yield* addOnce({ order: "order-1", cents: 990 })
    yield* addOnce({ order: "order-2", cents: 990 })
    assert.strictEqual((yield* DiscoTest.enqueued(charges)).length, 2)
    yield* DiscoTest.advance("25 hours")
    yield* addOnce({ order: "order-1", cents: 990 })
    assert.strictEqual((yield* DiscoTest.enqueued(charges)).length, 3)
  }).pipe(Effect.provide(DiscoTest.layer()))
)
