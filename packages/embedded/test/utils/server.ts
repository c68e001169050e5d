import * as SocketServer from "@effect/platform/SocketServer"
import { NodeSocketServer } from "@effect/platform-node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EmbeddedDisque, type EmbeddedOptions, EmbeddedServer } from "../../src/index.js"

/** A cluster whose nodes listen on free ports. */
export const serveCluster = (
  count: number,
  options: Omit<EmbeddedOptions, "nodes" | "ports"> = {},
  serving: EmbeddedServer.ServeOptions = {}
) =>
  Effect.gen(function* () {
    const servers = yield* Effect.replicateEffect(
      Layer.build(NodeSocketServer.layer({ port: 0, host: "127.0.0.1" })),
      count
    )
    const ports = servers.map((server) => {
      const { address } = Context.get(server, SocketServer.SocketServer)
      return address._tag === "TcpAddress" ? address.port : 0
    })
    const disque = yield* EmbeddedDisque.make({ ...options, ports })
    for (const [i, server] of servers.entries()) {
      const node = disque.nodes[i]
      if (node !== undefined) yield* Effect.forkScoped(Effect.provide(EmbeddedServer.serve(node, serving), server))
    }
    return { disque, ports }
  })
