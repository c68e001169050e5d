import { existsSync, readFileSync, realpathSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { DisquePool } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { start } from "../utils/process.js"
import { folder } from "../utils/serve.js"

/** Starts `disco dev`, which ends with the scope, and waits until it is ready. */
const dev = (...words: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const started = start(["dev", "--port", "0", ...words])
      await started.shows("DISQUE_NODES=")
      const address = /DISQUE_NODES=(\S+)/.exec(started.out.stdout)?.[1] ?? ""
      return { ...started, address }
    }),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill()
        return ended
      })
  )

const onPool = <A, E>(address: string, use: (pool: DisquePool.Service) => Effect.Effect<A, E>) =>
  Effect.provide(Effect.flatMap(DisquePool, use), NodeDisque.layerPool({ nodes: [address] }))

describe("disco dev", { timeout: 120_000 }, () => {
  it.scopedLive("runs a node that keeps its jobs, and says what to do with it", () =>
    Effect.gen(function* () {
      const dir = join(yield* folder, "jobs")
      const first = yield* dev("--dir", dir)
      assert.match(first.out.stdout, /^ready: an embedded Disque node listens on 127\.0\.0\.1:\d+ \(Ctrl-C ends it\)\n/)
      assert.include(first.out.stdout, `Its jobs are kept in ${dir}.`)
      const [page = ""] = /http:\/\/127\.0\.0\.1:\d+\//.exec(first.out.stdout) ?? []
      assert.strictEqual((yield* Effect.promise(() => fetch(`${page}health`))).status, 200)
      assert.include(first.out.stdout, `  export DISQUE_NODES=${first.address}\n`)
      for (const word of ["add", "get", "queues", "top"]) assert.include(first.out.stdout, `  disco ${word}`)
      yield* onPool(first.address, (pool) => pool.addJob("greetings", "hello"))
      first.child.kill("SIGINT")
      const { code, stderr } = yield* Effect.promise(() => first.ended)
      assert.deepStrictEqual({ code, stderr }, { code: 130, stderr: "" })
      const second = yield* dev("--dir", dir)
      assert.strictEqual(yield* onPool(second.address, (pool) => pool.queueLength("greetings")), 1)
      assert.strictEqual(readFileSync(join(dir, ".gitignore"), "utf8"), "*\n")
    })
  )

  it.scopedLive("says plainly that the folder is in use, or that the port is", () =>
    Effect.gen(function* () {
      const dir = realpathSync(yield* folder)
      const { address, child } = yield* dev("--dir", dir)
      const again = yield* Effect.promise(() => start(["dev", "--port", "0", "--dir", dir]).ended)
      assert.deepStrictEqual(again, {
        code: 1,
        stdout: "",
        stderr: `disco: ${dir}: the folder is in use by process ${child.pid}: a folder is for one process at a time\n`
      })
      const [, port = ""] = address.split(":")
      const taken = yield* Effect.promise(() => start(["dev", "--memory", "--port", port]).ended)
      assert.deepStrictEqual(taken, {
        code: 1,
        stdout: "",
        stderr: `disco: port ${port} is in use: choose another one with --port\n`
      })
    })
  )

  it.scopedLive("leaves nothing on disk with --memory, nor where the port is in use", () =>
    Effect.gen(function* () {
      const dir = join(yield* folder, "jobs")
      const { out } = yield* dev("--memory")
      assert.include(out.stdout, "Its jobs are kept in memory: they are gone at the end.")
      const server = createServer()
      yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const address = server.address()
      const port = typeof address === "object" && address !== null ? String(address.port) : ""
      yield* Effect.promise(() => start(["dev", "--dir", dir, "--port", port]).ended)
      server.close()
      assert.isFalse(existsSync(dir))
    })
  )

  it.effect("refuses --memory beside --dir", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["dev", "--memory", "--dir", "data"])
      assert.strictEqual(status, 2)
      assert.strictEqual(stderr, "disco: --memory keeps no jobs on disk, and --dir says where: give one of them\n")
    }).pipe(Effect.provide(cluster))
  )
})
