/** An embedded node in a process of its own. It tells its port, and its memory whenever it is asked. */
import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import * as SocketServer from "@effect/platform/SocketServer"
import { NodeRuntime, NodeSocketServer } from "@effect/platform-node"
import * as Effect from "effect/Effect"

process.on("message", () => {
  global.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  process.send?.({ memory: heapUsed + arrayBuffers })
})
process.on("disconnect", () => process.exit())

const main = Effect.gen(function* () {
  const server = yield* NodeSocketServer.make({ port: 0, host: "127.0.0.1" })
  const port = server.address._tag === "TcpAddress" ? server.address.port : 0
  const disque = yield* EmbeddedDisque.make({ ports: [port] })
  process.send?.({ port })
  return yield* EmbeddedServer.serve(disque.nodes[0]).pipe(Effect.provideService(SocketServer.SocketServer, server))
})

NodeRuntime.runMain(Effect.scoped(main))
