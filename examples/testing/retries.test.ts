import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Clock, Duration, Effect, Schedule, Schema } from "effect"

const hooks = JobQueue.make("hooks", { payload: Schema.Struct({ url: Schema.String }) })

it.effect("a hook is tried for a day, and then given up", () =>
  Effect.gen(function* () {
    const tried: Array<string> = []
    const call = Effect.gen(function* () {
      tried.push(Duration.format(Duration.millis(yield* Clock.currentTimeMillis)))
      return yield* Effect.fail("503")
    })
    yield* Worker.make(hooks, () => call, { retry: Schedule.exponential("1 minute", 4), attempts: 7 })
    yield* hooks.add(yield* DisquePool, { url: "https://example.com" })

    yield* DiscoTest.advance("22 hours")
    assert.deepStrictEqual(tried.slice(0, 4), ["0", "1m", "5m", "21m"])
    assert.deepStrictEqual(yield* DiscoTest.deadLettered(hooks), [])

    yield* DiscoTest.advance("2 hours")
    const [dead] = yield* DiscoTest.deadLettered(hooks)
    assert.strictEqual(tried.length, 7)
    assert.deepInclude(dead?.letter, { reason: "failed", error: "503", attempts: 7 })
    assert.strictEqual(dead?.payload.url, "https://example.com")
  }).pipe(Effect.provide(DiscoTest.layer()))
)
