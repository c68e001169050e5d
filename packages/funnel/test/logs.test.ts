import { assert, it } from "@effect/vitest"
import { Effect, Exit, Queue, Scope } from "effect"
import { Funnel } from "../src/index.js"
import { layer, makeLog, pass } from "./utils.js"

it.effect("200 jobs that cannot be added are said once, and the others counted, at the close at the latest", () =>
  Effect.gen(function* () {
    const log = makeLog()
    const scope = yield* Scope.make()
    const funnel = yield* Funnel.make({ queues: "in" }).pipe(Scope.extend(scope), Effect.provide(log.layer))
    yield* Effect.forEach(Array.from({ length: 200 }), () =>
      Queue.offer(funnel.outgoing, { queue: "out", body: "x", options: { retry: -1 } })
    )
    yield* pass("1 second")
    const said = () => log.lines.filter(({ text }) => text === "a job could not be added")
    assert.strictEqual(said().length, 1)
    assert.strictEqual(said()[0]?.annotations.queue, "out")
    yield* Scope.close(scope, Exit.void)
    assert.strictEqual(said().length, 2)
  }).pipe(Effect.provide(layer))
)
