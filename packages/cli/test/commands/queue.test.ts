import { DisquePool } from "@disco/core"
import { VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Answer } from "../../src/queues/oneQueue.js"
import { answer, cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"

const filled = Effect.gen(function* () {
  const pool = yield* DisquePool
  yield* pool.addJob("emails", "the first", { replicate: 1 })
  yield* Effect.sleep("1 minute")
  yield* pool.addJob(
    "emails",
    '{"to":"ada","subject":"\u001b[2J a body that is rather long, and has what clears a terminal"}',
    {
      replicate: 1
    }
  )
  yield* pool.addJob("emails", new Uint8Array([0, 255, 254]), { replicate: 1 })
  yield* pool.addJob("emails", "later", { replicate: 1, delay: "1 hour" })
  yield* pool.nackJob(yield* pool.getJobs("emails", { count: 1, timeout: "1 second" }))
}).pipe(VirtualTime.run)

describe("disco queue", () => {
  looks("disco queue", ["queue", "emails"], filled)
  looks("disco queue", ["queue", "none"])

  it.effect("shows figures, jobs by state, and the head of the queue with bodies that are no text in base64", () =>
    Effect.gen(function* () {
      yield* filled
      const queue = yield* answer(Answer, ["queue", "emails"])
      assert.deepStrictEqual([queue.length, queue.states?.queued, queue.states?.active], [3, 3, 1])
      assert.deepStrictEqual(
        queue.head.map(({ body, encoding, nacks }) => [body, encoding, nacks]),
        [
          ["the first", "text", 1],
          ['{"to":"ada","subject":"\u001b[2J a body that is rather long, and has what clears a terminal"}', "text", 0],
          ["AP/+", "base64", 0]
        ]
      )
      assert.isAbove(queue.head[0]?.age ?? 0, 59)
      const { head, states } = yield* answer(Answer, ["queue", "emails", "--head", "1", "--no-states", "--sample", "0"])
      assert.deepStrictEqual([head.length, states], [1, null])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("is about the queue of exactly this name", () =>
    Effect.gen(function* () {
      yield* filled
      const { status, stderr } = yield* disco(["queue", "email*"])
      assert.deepStrictEqual([status, stderr], [1, 'disco: there is no queue "email*"\n'])
    }).pipe(Effect.provide(cluster))
  )
})
