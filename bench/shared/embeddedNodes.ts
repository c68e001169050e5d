/** Embedded nodes in a process of their own. It tells their ports, and its memory whenever it is asked. */
import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import * as SocketServer from "@effect/platform/SocketServer"
import { NodeRuntime, NodeSocketServer } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import { heapAfterGc } from "./heap.js"

process.on("message", () => process.send?.({ memory: heapAfterGc() }))
process.on("disconnect", () => process.exit())

const main = Effect.gen(function* () {
  const servers = yield* Effect.replicateEffect(
    NodeSocketServer.make({ port: 0, host: "127.0.0.1" }),
    Number(process.argv[2])
  )
  const ports = servers.map(({ address }) => (address._tag === "TcpAddress" ? address.port : 0))
  const { nodes } = yield* EmbeddedDisque.make({ ports })
  process.send?.({ ports })
  return yield* Effect.forEach(
    nodes,
    (node, i) =>
      Effect.provideService(
        EmbeddedServer.serve(node),
        SocketServer.SocketServer,
        servers[i] as SocketServer.SocketServer["Type"]
      ),
    { concurrency: "unbounded" }
  )
})

NodeRuntime.runMain(Effect.scoped(main))
