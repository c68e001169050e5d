import { DisquePool, JobQueue } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schedule, Schema } from "effect"
import { Worker } from "../../src/index.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"
import { makeTracer } from "../utils/tracer.js"

describe.concurrent("traces", () => {
  const traced = JobQueue.make("traced", { payload: Schema.Number, traced: true })

  it.effect("lead from the producer of a job to its handler; another attempt is linked", () =>
    Effect.gen(function* () {
      const tracer = makeTracer()
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* Effect.withSpan(traced.add(pool, 1), "caller")
        yield* Worker.make(traced, (_, { attempt }) => (attempt === 1 ? Effect.fail("no") : Effect.void), {
          retry: Schedule.spaced("1 second")
        })
        yield* settle
        yield* pass("1 second")
      }).pipe(Effect.scoped, Effect.provide(tracer.layer))
      const caller = tracer.spans.find(({ name }) => name === "caller")
      const works = tracer.spans.filter(({ name }) => name === "process traced")
      assert.deepStrictEqual(
        works.map(({ kind, links, traceId }) => [
          kind,
          traceId === caller?.traceId,
          links.map(({ span }) => span.spanId)
        ]),
        [
          ["consumer", true, []],
          ["consumer", false, [caller?.spanId]]
        ]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("are linked if the option says so", () =>
    Effect.gen(function* () {
      const tracer = makeTracer()
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* Effect.withSpan(traced.add(pool, 1), "caller")
        yield* Worker.make(traced, () => Effect.void, { traces: "link" })
        yield* settle
      }).pipe(Effect.scoped, Effect.provide(tracer.layer))
      const [work] = tracer.spans.filter(({ name }) => name === "process traced")
      assert.strictEqual(work?.links.length, 1)
      assert.isTrue(Option.isNone(work?.parent ?? Option.some(undefined)))
    }).pipe(Effect.provide(layer))
  )
})
