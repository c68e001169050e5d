import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { known, left } from "../utils/jobs.js"
import { makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"
import { addMany, bodyOf, type Handler, several } from "./streamOperators.js"

describe.concurrent("a consumer of a funnel that works on several jobs at a time", () => {
  for (const [name, operator] of several) {
    it.effect(`${name}: all are acknowledged a second after they were done, where no others come`, () =>
      Effect.gen(function* () {
        const ids = yield* addMany(20)
        const funnel = yield* Funnel.make({ queues: "work" })
        yield* Effect.fork(Stream.runDrain(operator(funnel.incoming, () => Effect.void)))
        yield* settle
        assert.isAbove(yield* known(ids), 0)
        yield* pass("1 second")
        yield* settle
        assert.strictEqual(yield* known(ids), 0)
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  it.effect("each is acknowledged a second after it was done, while others are in work", () =>
    Effect.gen(function* () {
      const [id] = yield* addMany(1)
      const funnel = yield* Funnel.make({ queues: "work" })
      const handler: Handler = (job) => (bodyOf(job) === 0 ? Effect.void : Effect.never)
      yield* Effect.fork(Stream.runDrain(Stream.mapEffect(funnel.incoming, handler, { concurrency: 2 })))
      yield* pass("600 millis")
      yield* addMany(3, 1)
      yield* pass("200 millis")
      assert.strictEqual(yield* known([id as string]), 1)
      yield* pass("250 millis")
      assert.strictEqual(yield* known([id as string]), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("none is acknowledged by time where `ahead` is given", () =>
    Effect.gen(function* () {
      const ids = yield* addMany(20)
      const funnel = yield* Funnel.make({ queues: "work", ahead: 8 })
      yield* Effect.fork(Stream.runDrain(Stream.mapEffect(funnel.incoming, () => Effect.void, { concurrency: 4 })))
      yield* pass("1 minute")
      assert.strictEqual(yield* known(ids), 8)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  for (const [name, operator] of several) {
    for (const [how, failing] of [
      ["fails", Effect.fail("no")],
      ["dies", Effect.die("no")]
    ] as const) {
      it.effect(`${name}: a job whose handler ${how} comes back, however long it takes until the stream ends`, () =>
        Effect.gen(function* () {
          yield* addMany(200)
          const gate = yield* Deferred.make<void>()
          const finished = new Set<number>()
          const funnel = yield* Funnel.make({ queues: "work" })
          const handler: Handler = (job) =>
            Effect.suspend(() => {
              if (bodyOf(job) === 2) return failing
              finished.add(bodyOf(job))
              return Effect.void
            })
          const fiber = yield* operator(funnel.incoming, handler).pipe(
            Stream.runForEach(() => Deferred.await(gate)),
            Effect.fork
          )
          yield* pass("1 minute")
          yield* Deferred.succeed(gate, undefined)
          yield* settle
          assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
          yield* settle
          const back = new Set((yield* left("work")).map(bodyOf))
          assert.isTrue(back.has(2))
          assert.strictEqual(new Set([...back, ...finished]).size, 200)
        }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
      )
    }
  }
})
