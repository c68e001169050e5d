import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel } from "@disco/funnel"
import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"

it.effect("a consumer that fails leaves its job for the next one", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* pool.addJob("emails", "to ada")
    const funnel = Funnel.make({ queues: "emails" })
    const failing = Effect.flatMap(funnel, ({ incoming }) => Stream.runForEach(incoming, () => Effect.fail("no route")))
    assert.strictEqual(yield* Effect.flip(Effect.scoped(failing)), "no route")
    const job = yield* pool.getJob("emails", { timeout: "1 second" })
    assert.strictEqual(job.nacks, 1)
  }).pipe(Effect.provide(EmbeddedDisque.layerPool))
)
