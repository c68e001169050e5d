import { DisqueConnection } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { NodeContext } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { serveNodes } from "../src/nodes.js"

it.scopedLive("INFO of a node that disco serves tells of the process", () =>
  Effect.gen(function* () {
    const { nodes } = yield* serveNodes({ hosts: ["127.0.0.1"], ports: [0] })
    const info = yield* Effect.flatMap(DisqueConnection, (disque) => disque.server.info("all")).pipe(
      Effect.provide(NodeDisque.layerConnection({ nodes: nodes[0]?.address ?? "none" }))
    )
    const [server, memory, cpu] = [info.get("server"), info.get("memory"), info.get("cpu")]
    assert.strictEqual(Number(server?.get("process_id")), process.pid)
    assert.strictEqual(server?.get("executable"), process.execPath)
    assert.match(String(server?.get("os")), /^\S+ \S+ \S+$/)
    assert.isAbove(Number(memory?.get("used_memory_rss")), 10_000_000)
    assert.isAbove(Number(memory?.get("mem_fragmentation_ratio")), 1)
    assert.isAbove(Number(cpu?.get("used_cpu_user")), 0)
  }).pipe(Effect.provide(NodeContext.layer))
)
