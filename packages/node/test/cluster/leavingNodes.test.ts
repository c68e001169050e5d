import { type ConnectionOptions, DisqueConnection, DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedOptions } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Fiber, Layer, Logger, LogLevel, Option, Redacted, TestClock } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedCluster } from "../utils/embeddedOverTcp.js"
import { bulk, type Script, scriptedPeer } from "../utils/scriptedPeer.js"

// Moves are warnings, and no news here.
const quiet = <A, E, R>(layer: Layer.Layer<A, E, R>) => Layer.provide(layer, Logger.minimumLogLevel(LogLevel.Error))

const embedded = (embedded: EmbeddedOptions, options?: ConnectionOptions) =>
  quiet(
    Layer.mergeAll(DisqueConnection.layer(options), DisquePool.layer(options)).pipe(
      Layer.provide(EmbeddedDisque.layerDialer),
      Layer.provideMerge(EmbeddedDisque.layer(embedded))
    )
  )

const connect = (nodes: string | ReadonlyArray<string>, password?: string) =>
  quiet(
    NodeDisque.layerPool({
      nodes,
      password: password === undefined ? undefined : Redacted.make(password),
      commandTimeout: "1 second",
      connectTimeout: "1 second",
      slice: "200 millis"
    })
  )

const id = "D-01234567-0123456789abcdefghijklmn-05a1"
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
  it.scoped("is added on another one, alone and in a batch, and what comes next goes there too", () =>
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

  it.scopedLive("goes past every node that will not have it, each asked once", () =>
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

  it.scopedLive("fails with what the last of them said where none will have it", () =>
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

  it.scopedLive("stays where it is refused for the queue's sake, or for too few nodes", () =>
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

describe("a node that wants a password from now on", () => {
  it.scopedLive("is given it once for all commands that it refused, where it is known", () =>
    Effect.gen(function* () {
      let password = ""
      const letIn = new WeakSet<object>()
      let auths = 0
      const guarded =
        (answer: string): Script[string] =>
        (socket) =>
          socket.write(password === "" || letIn.has(socket) ? answer : "-NOAUTH Authentication required.\r\n")
      const peer = yield* scriptedPeer({
        AUTH: (socket, [given]) => {
          if (password === "") return socket.write("-ERR Client sent AUTH, but no password is set\r\n")
          auths += 1
          letIn.add(socket)
          return socket.write(given === password ? "+OK\r\n" : "-ERR invalid password\r\n")
        },
        PING: guarded("+PONG\r\n"),
        ADDJOB: guarded(`+${id}\r\n`),
        QLEN: guarded(":7\r\n"),
        GETJOB: guarded("*-1\r\n")
      })
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        password = "sesame"
        const adds = yield* Effect.forEach(Array.from({ length: 1000 }), () => pool.addJob("q", "x"), {
          concurrency: "unbounded"
        })
        assert.isTrue(adds.every((added) => added === id))
        assert.strictEqual(auths, 1)
        assert.strictEqual(yield* pool.queueLength("q"), 7)
        assert.strictEqual(yield* pool.on(peer.address).queueLength("q"), 7)
        assert.deepStrictEqual(yield* pool.getJobs("q", { timeout: 0 }), [])
        assert.isAtMost(auths, 2)
        password = "another"
        assert.strictEqual(yield* pool.queueLength("q"), 7)
      }).pipe(Effect.provide(connect(peer.address, "sesame")))
    })
  )

  it.scopedLive("on a link that waits for jobs is given it there too, and by a consumer", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const [{ address }] = nodes
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        yield* pool.config.set("requirepass", "sesame")
        yield* pool.addJob("q", "x")
        const job = yield* pool.getJob("q", { timeout: "1 second" })
        yield* pool.ackJob(job)
        assert.strictEqual(yield* pool.on(address).queueLength("q"), 0)
        yield* pool.config.set("requirepass", "")
        assert.strictEqual(yield* pool.queueLength("q"), 0)
      }).pipe(Effect.provide(connect(address, "sesame")))
    })
  )

  it.scopedLive("refuses whoever does not know it, at once and without end of tries", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const [{ address }] = nodes
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        yield* pool.config.set("requirepass", "sesame")
        const before = (yield* pool.statistics).created
        for (const refused of [
          pool.addJob("q", "x"),
          pool.queueLength("q"),
          pool.on(address).queueLength("q"),
          pool.getJob("q", { timeout: "1 second" })
        ]) {
          const exit = yield* Effect.exit(refused as Effect.Effect<unknown, { readonly _tag: string }>)
          assert.isTrue(Exit.isFailure(exit))
          const error = Option.getOrThrow(Exit.causeOption(exit))
          assert.strictEqual(error._tag === "Fail" ? error.error._tag : error._tag, "NotAuthenticated")
        }
        assert.strictEqual((yield* pool.statistics).created, before)
      }).pipe(Effect.provide(connect(address)))
    })
  )
})
