import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Item } from "../../src/commands/latency.js"
import { Answer } from "../../src/commands/ping.js"
import { answer, cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"

const killSecond = Effect.flatMap(EmbeddedDisque, ({ kill, nodes: [first, second] }) => kill(second ?? first))

describe("disco ping", () => {
  looks("disco ping", ["ping"])
  looks("disco ping", ["ping", "--count", "2"], killSecond)

  it.effect("asks each node as often as it is told to", () =>
    Effect.gen(function* () {
      const { nodes } = yield* answer(Answer, ["ping", "--count", "7", "--every", "0"])
      assert.deepStrictEqual(
        nodes.map(({ answered, error, node, sent }) => [node, sent, answered, error]),
        [7711, 7712, 7713].map((port) => [`127.0.0.1:${port}`, 7, 7, null])
      )
    }).pipe(Effect.provide(cluster))
  )

  it.effect("ends with status 1 if a node is silent, says so within the timeout, and shows the others", () =>
    Effect.gen(function* () {
      const { freeze, nodes } = yield* EmbeddedDisque
      yield* freeze(nodes[1] ?? nodes[0])
      const { status, stderr, stdout } = yield* disco(["ping", "--count", "1", "--timeout", "2s"])
      assert.strictEqual(status, 1)
      assert.match(stdout, /127\.0\.0\.1:7711 +1\/1/)
      assert.match(stdout, /127\.0\.0\.1:7712 +0\/1/)
      assert.match(stderr, /^disco: 127\.0\.0\.1:7712 .*\n$/)
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco latency", () => {
  looks("disco latency", ["latency", "--for", "200ms", "--every", "100ms"])

  it.effect("prints a line of JSON for each node and time", () =>
    Effect.gen(function* () {
      const { status, stdout } = yield* disco(["latency", "--for", "600ms", "--every", "200ms", "--json"])
      assert.strictEqual(status, 0)
      const items = yield* Effect.forEach(stdout.trim().split("\n"), (line) =>
        Schema.decode(Schema.parseJson(Item))(line)
      )
      assert.strictEqual(items.length, 9)
      for (const { answered, sent } of items) {
        assert.strictEqual(answered, sent)
        assert.isAbove(sent, 10)
      }
    }).pipe(Effect.provide(cluster))
  )

  it.effect("shows one table on a terminal, which it draws anew", () =>
    Effect.gen(function* () {
      const { stdout } = yield* disco(["latency", "--for", "200ms", "--every", "100ms"], { columns: 80 })
      assert.strictEqual(stdout.split("\u001b[4A\u001b[J").length, 2)
    }).pipe(Effect.provide(cluster))
  )
})
