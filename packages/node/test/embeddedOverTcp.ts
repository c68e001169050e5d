import { EmbeddedDisque, type EmbeddedOptions, EmbeddedServer } from "@disco/embedded"
import { SocketServer } from "@effect/platform"
import { NodeSocketServer } from "@effect/platform-node"
import { Effect, type Scope } from "effect"

/** An embedded node that listens on a free port, until the scope ends. */
export const embeddedOverTcp = (
  options: Omit<EmbeddedOptions, "nodes" | "ports"> = {}
): Effect.Effect<{ readonly address: string }, never, Scope.Scope> =>
  Effect.orDie(
    Effect.gen(function* () {
      const server = yield* NodeSocketServer.make({ host: "127.0.0.1", port: 0 })
      const port = server.address._tag === "TcpAddress" ? server.address.port : 0
      const disque = yield* EmbeddedDisque.make({ ...options, ports: [port] })
      const serving = EmbeddedServer.serve(disque.nodes[0])
      yield* Effect.forkScoped(Effect.provideService(serving, SocketServer.SocketServer, server))
      return { address: `127.0.0.1:${port}` }
    })
  )
