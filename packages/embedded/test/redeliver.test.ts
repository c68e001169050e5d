import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { EmbeddedDisque } from "../src/index.js"
import { ask, dial, fields, layer, say, text } from "./utils/ask.js"

describe("a job that a node delivers once more", () => {
  const body = new Uint8Array([0xc3, 0xbc])
  const forgotten = (id: string, retry = 60) => ({ id, queue: "für", body, retry, ttl: 100 })

  it.effect("has its id, its queue, its body and one additional delivery, and is acknowledged as any job", () =>
    Effect.gen(function* () {
      const { nodes, redeliver } = yield* EmbeddedDisque
      const link = yield* dial(1)
      const id = yield* text(link, "ADDJOB", "für", "ü", "0")
      yield* say(link, "ACKJOB", id)
      const waiting = yield* Effect.fork(ask(link, "GETJOB", "WITHCOUNTERS", "FROM", "für"))
      yield* Effect.yieldNow()
      assert.isTrue(yield* redeliver(nodes[0], forgotten(id)))
      const [[queue, got, bytes, , nacks, , deliveries] = []] = (yield* waiting) as ReadonlyArray<
        ReadonlyArray<unknown>
      >
      assert.deepStrictEqual(
        [queue, got, bytes].map((word) => Buffer.from(word as Uint8Array).toString()),
        ["für", id, "ü"]
      )
      assert.deepStrictEqual([nacks, deliveries], [0, 1])
      assert.deepInclude(yield* fields(link, "SHOW", id), { retry: 60, state: "active" })
      assert.strictEqual(yield* say(link, "ACKJOB", id), 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is one that the node does not know, and that may come again", () =>
    Effect.gen(function* () {
      const { kill, nodes, redeliver } = yield* EmbeddedDisque
      const link = yield* dial(1)
      const id = yield* text(link, "ADDJOB", "für", "ü", "0")
      assert.isFalse(yield* redeliver(nodes[0], forgotten(id)))
      yield* say(link, "ACKJOB", id)
      assert.isFalse(yield* redeliver(nodes[0], forgotten(id, 0)))
      assert.strictEqual(yield* say(link, "QLEN", "für"), 0)
      yield* kill(nodes[0])
      assert.isFalse(yield* redeliver(nodes[0], forgotten(id)))
    }).pipe(Effect.provide(layer()))
  )
})
