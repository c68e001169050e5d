import { Reply } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { EmbeddedDisque, VirtualTime } from "../../src/index.js"
import { ask, dial, say, text } from "../utils/ask.js"
import { files, temporaryFolder } from "../utils/disk.js"

const count = 7
const numbers = Array.from({ length: count }, (_, i) => i + 1)

const setRecording = (value: "yes" | "no") =>
  Effect.forEach(numbers, (number) =>
    Effect.gen(function* () {
      const link = yield* dial(number)
      assert.strictEqual(yield* say(link, "CONFIG", "SET", "appendonly", value), "OK")
      assert.include(yield* text(link, "INFO", "persistence"), `aof_state:${value === "yes" ? "on" : "off"}`)
    })
  )

const killAll = Effect.gen(function* () {
  const disque = yield* EmbeddedDisque
  for (const node of disque.nodes) yield* disque.kill(node)
  for (const node of disque.nodes) yield* disque.restart(node)
})

const withNodes = <A, E>(
  use: Effect.Effect<A, E, EmbeddedDisque | Layer.Layer.Success<typeof EmbeddedDisque.layerDialer>>
) =>
  Effect.gen(function* () {
    const dir = yield* temporaryFolder
    const built = yield* Layer.build(
      Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer({ dir, nodes: count }))
    )
    return yield* Effect.provide(use, built)
  }).pipe(Effect.scoped, Effect.provide(files))

describe("all nodes of a cluster on disk are killed and restarted", () => {
  it.effect("a job with three copies is delivered afterwards, though the nodes had got other ids", () =>
    withNodes(
      Effect.gen(function* () {
        for (const number of numbers) yield* say(yield* dial(number), "CLUSTER", "RESET", "HARD")
        for (const number of numbers.slice(1)) {
          yield* say(yield* dial(number - 1), "CLUSTER", "MEET", "127.0.0.1", String(7710 + number))
        }
        yield* VirtualTime.run(Effect.sleep("5 seconds"))
        assert.include(yield* text(yield* dial(1), "CLUSTER", "INFO"), `cluster_known_nodes:${count}`)
        yield* setRecording("yes")
        const { nodes } = yield* EmbeddedDisque
        const ids = nodes.map(({ id }) => id)
        const id = yield* text(yield* dial(3), "ADDJOB", "q", "body", "5000", "REPLICATE", "3", "RETRY", "1")
        yield* killAll
        assert.deepStrictEqual(
          nodes.map((node) => node.id),
          ids
        )
        const link = yield* dial(5)
        const found = yield* VirtualTime.run(say(link, "GETJOB", "TIMEOUT", "20000", "FROM", "q"))
        assert.deepStrictEqual(found, [["q", id, "body"]])
      })
    )
  )

  it.effect("no job is left where recording was turned off before, and all where it was turned on again", () =>
    withNodes(
      Effect.gen(function* () {
        yield* setRecording("no")
        const lost = yield* text(yield* dial(1), "ADDJOB", "q", "lost", "0")
        yield* killAll
        assert.isNull(yield* say(yield* dial(1), "SHOW", lost))
        yield* setRecording("yes")
        const kept = yield* text(yield* dial(1), "ADDJOB", "q", "kept", "0")
        yield* killAll
        const shown = yield* ask(yield* dial(1), "SHOW", kept)
        assert.isTrue(Either.isRight(Reply.read(Reply.record, shown)))
      })
    )
  )
})
