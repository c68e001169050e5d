import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schedule, Stream } from "effect"
import { Funnel, Worker } from "../../src/index.js"
import { addAll, numbers } from "../utils/jobs.js"
import { makeLog } from "../utils/logs.js"
import { clusterOf, layer } from "../utils/nodes.js"
import { passIn, settle } from "../utils/time.js"

describe.concurrent("a retry that is due", () => {
  for (const [prefetch, nodes] of [
    [0, 1],
    [1, 1],
    [2, 1],
    [1, 3]
  ] as const) {
    it.effect(`is not kept waiting by a backlog, with a prefetch of ${prefetch} on ${nodes} nodes`, () =>
      Effect.gen(function* () {
        yield* addAll(300)
        const tries: Array<number> = []
        yield* Worker.make(
          numbers,
          ({ n }, { attempt }) =>
            Effect.gen(function* () {
              if (n === 0) tries.push(yield* Clock.currentTimeMillis)
              if (n === 0 && attempt === 1) return yield* Effect.fail("once")
              return yield* Effect.sleep("20 millis")
            }),
          { prefetch, parkUpTo: 0, retry: Schedule.spaced("1 second"), grace: 0 }
        )
        yield* settle
        yield* passIn(150, "20 millis")
        const [first, second] = tries
        assert.isDefined(second)
        assert.isAtMost((second ?? 0) - (first ?? 0), 1500)
      }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(clusterOf(nodes)))
    )
  }
})

describe.concurrent("queues with weights", () => {
  for (const prefetch of [0, 1, 2, 3, 5, 16]) {
    it.effect(`are taken from in their ratio with a prefetch of ${prefetch}`, () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        for (let i = 0; i < 120; i++) {
          yield* pool.addJob("urgent", String(i))
          yield* pool.addJob("normal", String(i))
        }
        const funnel = yield* Funnel.make({ queues: { urgent: 3, normal: 1 }, prefetch })
        const taken: Array<string> = []
        yield* Stream.runForEach(Stream.take(funnel.incoming, 100), ({ queue }) => Effect.sync(() => taken.push(queue)))
        assert.closeTo(taken.filter((queue) => queue === "urgent").length, 75, 2 + prefetch)
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }
})
