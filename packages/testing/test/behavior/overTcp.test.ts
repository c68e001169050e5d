import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import { NodeDisque } from "@disco/node"
import { SocketServer } from "@effect/platform"
import { NodeSocketServer } from "@effect/platform-node"
import { describe } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { behavior } from "../../src/behavior.js"

const listening = Effect.gen(function* () {
  const server = yield* NodeSocketServer.make({ host: "127.0.0.1", port: 0 })
  const port = server.address._tag === "TcpAddress" ? server.address.port : 0
  const { nodes } = yield* EmbeddedDisque.make({ ports: [port] })
  yield* Effect.forkScoped(Effect.provideService(EmbeddedServer.serve(nodes[0]), SocketServer.SocketServer, server))
  return nodes[0].address
})

// Each test has a node of its own, and most of them wait.
describe.concurrent("the behavior", () =>
  behavior({
    name: "on an embedded node over TCP",
    time: "real",
    layer: Layer.unwrapScoped(
      Effect.map(listening, (nodes) =>
        Layer.merge(
          NodeDisque.layerConnection({ nodes, slice: "500 millis" }),
          NodeDisque.layerPool({ nodes, slice: "500 millis", maxActive: 2, acquireTimeout: "500 millis" })
        )
      )
    )
  }))
