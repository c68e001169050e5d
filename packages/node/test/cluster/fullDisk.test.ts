import { DisquePool } from "@disco/core"
import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import { FileSystem, Error as PlatformError, SocketServer } from "@effect/platform"
import { NodeContext, NodeSocketServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer } from "effect"
import { quiet } from "../utils/quiet.js"
import { connect } from "./refusingNodes.js"

const full = new PlatformError.SystemError({
  reason: "Unknown",
  module: "FileSystem",
  method: "writeAll",
  description: "ENOSPC: made by a test",
  cause: Object.assign(new Error("ENOSPC"), { code: "ENOSPC" })
})

/** The file system, with disks that are full for some files. */
const filling = (isFull: (path: string) => boolean) =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(
      FileSystem.FileSystem,
      (fs): FileSystem.FileSystem => ({
        ...fs,
        open: (path, options) =>
          Effect.map(fs.open(path, options), (file) =>
            Object.assign(Object.create(file), {
              writeAll: (bytes: Uint8Array) => Effect.suspend(() => (isFull(path) ? full : file.writeAll(bytes)))
            })
          )
      })
    )
  )

/** Nodes on disk that listen, and the addresses of them. */
const nodes = (count: number, isFull: (path: string) => boolean) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const servers = yield* Effect.replicateEffect(NodeSocketServer.make({ host: "127.0.0.1", port: 0 }), count)
    const ports = servers.map(({ address }) => (address._tag === "TcpAddress" ? address.port : 0))
    const dir = yield* fs.makeTempDirectoryScoped()
    const disque = yield* EmbeddedDisque.make({ ports, dir, appendfsync: "always" })
    for (const [i, server] of servers.entries()) {
      const node = disque.nodes[i] ?? disque.nodes[0]
      yield* node.loaded
      yield* Effect.forkScoped(Effect.provideService(EmbeddedServer.serve(node), SocketServer.SocketServer, server))
    }
    return disque.nodes.map(({ address }) => address)
  }).pipe(Effect.provide(quiet(Layer.provideMerge(filling(isFull), NodeContext.layer))))

describe("a node on disk, over TCP, whose disk is full", () => {
  it.scopedLive("fails what changes jobs as NotPersisted, answers the rest, and goes on by itself", () =>
    Effect.gen(function* () {
      let isFull = false
      const [address = ""] = yield* nodes(1, () => isFull)
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        const kept = yield* pool.addJob("q", "kept")
        isFull = true
        const words = "MISCONF Errors writing to the AOF file: No space left on device"
        const refused = yield* Effect.flip(pool.addJob("q", "refused"))
        assert.deepInclude(refused, { _tag: "NotPersisted", command: "ADDJOB", node: address, reply: words })
        assert.deepInclude(refused, { isRetryable: true })
        for (const result of yield* pool.addJobs(["a", "b"].map((body) => ({ queue: "q", body })))) {
          assert.strictEqual(Either.isLeft(result) ? result.left._tag : "added", "NotPersisted")
        }
        assert.strictEqual((yield* Effect.flip(pool.ackJob(kept)))._tag, "NotPersisted")
        assert.strictEqual(yield* pool.queueLength("q"), 1)
        isFull = false
        yield* Effect.retry(pool.addJob("q", "later"), { while: ({ _tag }) => _tag === "NotPersisted" })
        assert.strictEqual(yield* pool.queueLength("q"), 2)
      }).pipe(Effect.provide(connect(address)))
    })
  )

  it.scopedLive("is passed for one whose disk is not", () =>
    Effect.gen(function* () {
      let fullPort = ""
      const [a = "", b = ""] = yield* nodes(2, (path) => fullPort !== "" && path.includes(`/${fullPort}/`))
      fullPort = a.split(":")[1] ?? ""
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        for (let i = 0; i < 5; i++) yield* pool.addJob("q", `${i}`, { replicate: 1 })
        assert.strictEqual(yield* pool.on(b).queueLength("q"), 5)
        assert.strictEqual((yield* Effect.flip(pool.on(a).addJob("q", "x", { replicate: 1 })))._tag, "NotPersisted")
      }).pipe(Effect.provide(connect(a)))
    })
  )
})
