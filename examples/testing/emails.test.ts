import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })

it.effect("a mail that cannot be sent now is sent later", () =>
  Effect.gen(function* () {
    const sent: Array<string> = []
    yield* Worker.make(emails, ({ to }, { attempt }) =>
      attempt < 3 ? Effect.fail("busy") : Effect.sync(() => sent.push(to))
    )
    yield* emails.add(yield* DisquePool, { to: "ada@example.com" })
    yield* DiscoTest.advance("10 minutes")
    assert.deepStrictEqual(sent, ["ada@example.com"])
  }).pipe(Effect.provide(DiscoTest.layer()))
)
