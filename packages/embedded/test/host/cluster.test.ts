import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { dial, layer, say } from "../utils/ask.js"
import { three } from "../utils/cluster.js"

describe("chance and time", () => {
  /** What can be seen of a cluster through failures, a partition and a consumer that moves. */
  const story = Effect.gen(function* () {
    const { disque, links, nodes } = yield* three
    const seen: Array<unknown> = []
    for (let i = 0; i < 10; i++) {
      seen.push(
        yield* say(links[i % 3] as (typeof links)[0], "ADDJOB", "q", `${i}`, "0", "REPLICATE", "2", "RETRY", "5")
      )
    }
    seen.push(yield* say(links[0], "GETJOB", "COUNT", "3", "FROM", "q"))
    yield* disque.isolate(nodes[2])
    yield* TestClock.adjust("7 seconds")
    yield* disque.kill(nodes[0])
    yield* TestClock.adjust("20 seconds")
    yield* disque.heal
    yield* disque.restart(nodes[0])
    yield* TestClock.adjust("3 seconds")
    for (const link of [links[1], links[2], yield* dial(1)]) {
      seen.push(yield* say(link, "JSCAN", "BUSYLOOP", "REPLY", "all"), yield* say(link, "QSTAT", "q"))
      seen.push(yield* say(link, "HELLO"), yield* say(link, "CLUSTER", "INFO"))
    }
    return seen
  }).pipe(Effect.scoped, Effect.provide(layer({ nodes: 3 })))

  const told = (seed: string) =>
    story.pipe(Effect.withRandom(Random.make(seed)), Effect.provide(TestContext.TestContext))

  it.effect("are those of the Random and the Clock alone: the same seed tells the same story", () =>
    Effect.gen(function* () {
      const once = yield* told("seed")
      assert.deepStrictEqual(yield* told("seed"), once)
      assert.notDeepEqual(yield* told("another"), once)
    })
  )
})
