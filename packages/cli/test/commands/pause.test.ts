import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"
import { node } from "../utils/node.js"

const addresses = ["127.0.0.1:7711", "127.0.0.1:7712", "127.0.0.1:7713"]

const states = (queue: string) =>
  Effect.flatMap(DisquePool, (pool) => Effect.forEach(addresses, (address) => pool.on(address).pause(queue, "state")))

describe("disco pause and disco resume", () => {
  looks("disco pause", ["pause", "q", "out"])
  looks(
    "disco resume",
    ["resume", "q"],
    Effect.flatMap(DisquePool, (pool) => pool.on("127.0.0.1:7712").pause("q", "all"))
  )
  looks(
    "disco pause",
    ["pause", "q"],
    Effect.flatMap(EmbeddedDisque, (disque) => disque.kill(node(disque, 2)))
  )

  it.effect("pause a queue on every node, and let it go on", () =>
    Effect.gen(function* () {
      const paused = yield* disco(["pause", "q"])
      assert.deepStrictEqual({ status: paused.status, stderr: paused.stderr }, { status: 0, stderr: "" })
      assert.deepStrictEqual(yield* states("q"), ["all", "all", "all"])
      for (const address of addresses)
        assert.match(paused.stdout, new RegExp(`${address} +takes and delivers no jobs +not paused`))
      const resumed = yield* disco(["resume", "q"])
      assert.strictEqual(resumed.status, 0)
      assert.deepStrictEqual(yield* states("q"), ["none", "none", "none"])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("leave on each node what is not named as it is", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.on(addresses[1] ?? "").pause("q", "out")
      yield* disco(["pause", "q", "in"])
      assert.deepStrictEqual(yield* states("q"), ["in", "all", "in"])
      yield* disco(["resume", "q", "in"])
      assert.deepStrictEqual(yield* states("q"), ["none", "out", "none"])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("tell which node did not do it, and end with status 1", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* pool.ping
      yield* disque.kill(node(disque, 2))
      const { status, stderr, stdout } = yield* disco(["pause", "q", "--json"])
      assert.strictEqual(status, 1)
      assert.include(stderr, "127.0.0.1:7713")
      const { nodes } = JSON.parse(stdout)
      assert.deepStrictEqual(
        nodes.map(({ error, node }: { error: string | null; node: string }) => [node, error !== null]),
        [
          ["127.0.0.1:7711", false],
          ["127.0.0.1:7712", false],
          ["127.0.0.1:7713", true]
        ]
      )
      assert.strictEqual(yield* pool.on("127.0.0.1:7712").pause("q", "state"), "all")
    }).pipe(Effect.provide(cluster))
  )

  it.effect("say what the word can be", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["pause", "q", "both"])
      assert.deepStrictEqual(
        { status, stderr },
        { status: 2, stderr: 'disco: pause: in|out|all is "both", expected one of in, out, all\n' }
      )
    }).pipe(Effect.provide(cluster))
  )
})
