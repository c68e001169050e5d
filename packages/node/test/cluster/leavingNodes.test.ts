import { type ConnectionOptions, DisqueConnection, DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedOptions } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Fiber, Layer, TestClock } from "effect"
import { quiet } from "../utils/quiet.js"
import { bulk, type Script, scriptedPeer } from "../utils/scriptedPeer.js"
import { connect, id } from "./refusingNodes.js"

const embedded = (embedded: EmbeddedOptions, options?: ConnectionOptions) =>
  quiet(
    Layer.mergeAll(DisqueConnection.layer(options), DisquePool.layer(options)).pipe(
      Layer.provide(EmbeddedDisque.layerDialer),
      Layer.provideMerge(EmbeddedDisque.layer(embedded))
    )
  )

const nodeIds = ["a".repeat(40), "b".repeat(40), "c".repeat(40)]

/** Nodes that tell of each other. */
const peers = (scripts: ReadonlyArray<Script>) =>
  Effect.gen(function* () {
    const addresses: Array<string> = []
    const hello = (own: number): Script => ({
      HELLO: (socket) => {
        const nodes = addresses.map((address, i) => {
          const [host = "", port = ""] = address.split(":")
          return `*4\r\n${bulk(nodeIds[i] ?? "")}${bulk(host)}${bulk(port)}${bulk("1")}`
        })
        socket.write(`*${2 + nodes.length}\r\n:1\r\n${bulk(nodeIds[own] ?? "")}${nodes.join("")}`)
      }
    })
    const all = yield* Effect.forEach(scripts, (script, i) => scriptedPeer({ ...hello(i), ...script }))
    addresses.push(...all.map(({ address }) => address))
    return all
  })

const refusing = (words: string): Script => ({ ADDJOB: (socket) => socket.write(`-${words}\r\n`) })

const taking: Script = { ADDJOB: (socket) => socket.write(`+${id}\r\n`) }

const addsOf = (peer: { readonly commands: ReadonlyArray<ReadonlyArray<string>> }) =>
  peer.commands.filter(([name]) => name === "ADDJOB").length

describe("a job that is added while its node leaves", () => {
  it.scoped("is added on another node, alone and in a batch, and later commands go there too", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisqueConnection
      const first = yield* pool.node
      const node = disque.nodes.find(({ address }) => address === first) ?? disque.nodes[0]
      // Copies cannot be made, so that adds wait on the node.
      yield* disque.isolate(node)
      const adding = yield* Effect.fork(pool.addJob("q", "x", { replicate: 2, timeout: "10 seconds" }))
      const more = yield* Effect.fork(
        pool.addJobs(["y", "z"].map((body) => ({ queue: "q", body, options: { replicate: 2 } })))
      )
      yield* TestClock.adjust("10 millis")
      yield* disque.leave(node)
      yield* disque.heal
      yield* TestClock.adjust("1 second")
      const added = yield* Fiber.join(adding)
      assert.notInclude(added, node.id.slice(0, 8))
      assert.isTrue((yield* Fiber.join(more)).every(Either.isRight))
      assert.notStrictEqual(yield* pool.node, first)
      assert.notInclude(yield* pool.addJob("q", "w", { replicate: 1 }), node.id.slice(0, 8))
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scopedLive("passes every node that refuses it, and each node is asked once", () =>
    Effect.gen(function* () {
      for (const words of [
        "LEAVING This node is leaving the cluster, please connect to a different one",
        "LOADING Disque is loading the dataset in memory",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "NOREPL Not enough reachable nodes for the requested replication level, since I'm unable to hold a copy of the message for the following reason: I'm leaving the cluster"
      ]) {
        const [a, b, c] = yield* peers([refusing(words), refusing(words), taking])
        if (a === undefined || b === undefined || c === undefined) return
        yield* Effect.gen(function* () {
          const pool = yield* DisquePool
          for (let i = 0; i < 3; i++) assert.strictEqual(yield* pool.addJob("q", "x"), id, words)
          assert.strictEqual(addsOf(c), 3)
          assert.isAtMost(addsOf(a), 1)
          assert.isAtMost(addsOf(b), 1)
          // Who names a node wants that one.
          const there = yield* Effect.flip(pool.on(a.address).addJob("q", "x"))
          assert.strictEqual("reply" in there ? there.reply : undefined, words)
        }).pipe(Effect.provide(connect(a.address)))
      }
    })
  )

  it.scopedLive("fails with the refusal of the last node if all nodes refuse it", () =>
    Effect.gen(function* () {
      const [a, b] = yield* peers([refusing("LEAVING so am I"), refusing("LEAVING so am I")])
      if (a === undefined || b === undefined) return
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        assert.strictEqual((yield* Effect.flip(pool.addJob("q", "x")))._tag, "NodeLeaving")
        assert.isAtMost(addsOf(a) + addsOf(b), 4)
        const results = yield* pool.addJobs([{ queue: "q", body: "x" }])
        assert.isTrue(Either.isLeft(results[0] as Either.Either<unknown, unknown>))
      }).pipe(Effect.provide(connect(a.address)))
    })
  )

  it.scopedLive(
    "does not go to another node if the queue refuses it, or if there are too few nodes for its copies",
    () =>
      Effect.gen(function* () {
        for (const words of [
          "PAUSED Queue paused in input, try later",
          "MAXLEN Queue is already longer",
          "NOREPL Not enough"
        ]) {
          const [a, b] = yield* peers([refusing(words), taking])
          if (a === undefined || b === undefined) return
          yield* Effect.gen(function* () {
            const pool = yield* DisquePool
            const error = yield* Effect.flip(pool.addJob("q", "x"))
            assert.strictEqual("reply" in error ? error.reply : undefined, words)
            assert.deepStrictEqual([addsOf(a), addsOf(b)], [1, 0])
          }).pipe(Effect.provide(connect(a.address)))
        }
      })
  )
})
