import * as PersistedQueueStore from "@disco/funnel/PersistedQueueStore"
import { DiscoTest } from "@disco/testing"
import * as PersistedQueue from "@effect/experimental/PersistedQueue"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"

const sent: Array<string> = []

const welcome = Effect.gen(function* () {
  const mails = yield* PersistedQueue.make({ name: "mails", schema: Schema.Struct({ to: Schema.String }) })
  yield* mails.offer({ to: "ada@example.com" }, { id: "welcome-ada" })
  yield* mails.take(({ to }) => Effect.sync(() => sent.push(to)), { maxAttempts: 5 })
})

const Queues = Layer.provide(PersistedQueue.layer, PersistedQueueStore.layer({ options: { retry: "1 minute" } }))

it.effect("a PersistedQueue keeps its elements in Disque", () =>
  Effect.gen(function* () {
    yield* DiscoTest.run(Effect.provide(welcome, Queues))
    assert.deepStrictEqual(sent, ["ada@example.com"])
  }).pipe(Effect.provide(DiscoTest.layer()))
)
