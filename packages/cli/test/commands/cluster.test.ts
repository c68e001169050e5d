import { DisquePool } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Answer } from "../../src/commands/cluster.js"
import { Drained } from "../../src/commands/node.js"
import { answer, cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"

const killThird = Effect.flatMap(EmbeddedDisque, ({ kill, nodes: [first, , third] }) => kill(third ?? first))

describe("disco cluster", () => {
  looks("disco cluster", ["cluster"])
  looks("disco cluster", ["cluster"], killThird)

  it.effect("shows each node with what it measures of itself", () =>
    Effect.gen(function* () {
      const { nodes } = yield* answer(Answer, ["cluster"])
      const embedded = yield* EmbeddedDisque
      assert.deepStrictEqual(
        nodes.map(({ error, id, node, state }) => [node, id, state, error]),
        embedded.nodes.map(({ address, id }) => [address, id, "up", null])
      )
      for (const { figures } of nodes) assert.isAbove(figures?.memory ?? 0, 1000)
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco node leave", () => {
  const jobs = Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(["a", "b", "c"], (body) => pool.on("127.0.0.1:7712").addJob("emails", body, { replicate: 1 }))
  )

  it.effect("moves the jobs that only this node has, says when it is safe to stop it, and the jobs are elsewhere", () =>
    Effect.gen(function* () {
      yield* jobs
      const { status, stderr, stdout } = yield* disco(["node", "leave", "127.0.0.1:7712", "--move", "--yes"])
      assert.deepStrictEqual([status, stderr], [0, ""])
      assert.strictEqual(stdout, "it is safe to stop 127.0.0.1:7712; 3 jobs moved\n")
      const { kill, nodes } = yield* EmbeddedDisque
      assert.strictEqual((yield* answer(Answer, ["cluster"])).nodes[1]?.state, "leaving")
      yield* kill(nodes[1] ?? nodes[0])
      const pool = yield* DisquePool
      const left = yield* VirtualTime.run(pool.getJobs("emails", { count: 10, timeout: "1 second" }))
      assert.isAbove(left.length, 0)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("tells in lines of JSON how far it is, and disco node join lets the node stay", () =>
    Effect.gen(function* () {
      const { stdout } = yield* disco(["node", "leave", "127.0.0.1:7712", "--yes", "--json"])
      const items = yield* Effect.forEach(stdout.trim().split("\n"), (line) =>
        Schema.decode(Schema.parseJson(Drained))(line)
      )
      assert.deepStrictEqual(items.at(-1)?.isSafe, true)
      assert.strictEqual((yield* disco(["node", "join", "127.0.0.1:7712"])).stdout, "127.0.0.1:7712 stays\n")
      assert.strictEqual((yield* answer(Answer, ["cluster"])).nodes[1]?.state, "up")
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco node join", () => {
  it.effect("wants an IP address and a port", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["node", "join", "localhost:7719"])
      assert.strictEqual(status, 2)
      assert.match(stderr, /^disco: node join: NODE is "localhost:7719", expected the ip:port of a new node/)
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco node forget", () => {
  it.effect("asks before, wants --yes without a terminal, and does nothing else", () =>
    Effect.gen(function* () {
      yield* killThird
      assert.deepStrictEqual(yield* disco(["node", "forget", "127.0.0.1:7713"]), {
        status: 2,
        stdout: "",
        stderr: "disco: all nodes forget 127.0.0.1:7713: give --yes, since there is no terminal to ask on\n"
      })
      const no = yield* disco(["node", "forget", "127.0.0.1:7713"], { columns: 80, isTyped: true, input: ["n"] })
      assert.deepStrictEqual(
        [no.status, no.stderr],
        [1, "all nodes forget 127.0.0.1:7713. Go on? [y/N] disco: nothing was changed\n"]
      )
      const yes = yield* disco(["node", "forget", "127.0.0.1:7713"], { columns: 80, isTyped: true, input: ["y"] })
      assert.deepStrictEqual([yes.status, yes.stdout], [0, "127.0.0.1:7713 is forgotten by 2 nodes\n"])
      assert.strictEqual((yield* answer(Answer, ["cluster"])).nodes.length, 2)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says which nodes there are if it does not know the one that is meant", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["node", "forget", "127.0.0.1:9999", "--yes"])
      assert.deepStrictEqual(
        [status, stderr],
        [1, 'disco: the cluster has no node "127.0.0.1:9999": disco cluster lists its nodes\n']
      )
    }).pipe(Effect.provide(cluster))
  )
})
