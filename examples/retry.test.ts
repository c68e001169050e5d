import { DisqueConnection } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, TestClock } from "effect"

it.effect("an hour passes in no time", () =>
  Effect.gen(function* () {
    const disque = yield* DisqueConnection
    yield* disque.addJob("reports", "weekly", { delay: "1 hour" })
    const waiting = yield* Effect.fork(disque.getJob("reports"))
    yield* TestClock.adjust("1 hour")
    assert.strictEqual((yield* Fiber.join(waiting)).queue, "reports")
  }).pipe(Effect.provide(EmbeddedDisque.layerConnection))
)
