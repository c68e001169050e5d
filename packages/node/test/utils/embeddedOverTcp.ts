import { EmbeddedDisque, type EmbeddedNode, type EmbeddedOptions, EmbeddedServer } from "@disco/embedded"
import { SocketServer } from "@effect/platform"
import { NodeSocketServer } from "@effect/platform-node"
import { Effect, type Scope } from "effect"
import { type FaultProxy, faultProxy } from "./faultProxy.js"

const listen = Effect.orDie(NodeSocketServer.make({ host: "127.0.0.1", port: 0 }))

const portOf = ({ address }: SocketServer.SocketServer["Type"]): number =>
  address._tag === "TcpAddress" ? address.port : 0

const serve = (node: EmbeddedNode, server: SocketServer.SocketServer["Type"]) =>
  Effect.forkScoped(Effect.provideService(EmbeddedServer.serve(node), SocketServer.SocketServer, server))

/** An embedded node that listens on a free port, until the scope ends. */
export const embeddedOverTcp = (
  options: Omit<EmbeddedOptions, "nodes" | "ports"> = {}
): Effect.Effect<{ readonly address: string }, never, Scope.Scope> =>
  Effect.map(embeddedCluster(1, options), ({ nodes: [node] }) => ({ address: node.address }))

/** An embedded cluster whose nodes listen on free ports, until the scope ends. */
export const embeddedCluster = (
  count: number,
  options: Omit<EmbeddedOptions, "nodes" | "ports"> = {}
): Effect.Effect<EmbeddedDisque.Service, never, Scope.Scope> =>
  Effect.gen(function* () {
    const servers = yield* Effect.replicateEffect(listen, count)
    const disque = yield* Effect.orDie(EmbeddedDisque.make({ ...options, ports: servers.map(portOf) }))
    for (const [i, server] of servers.entries()) yield* serve(disque.nodes[i] as EmbeddedNode, server)
    return disque
  })

/** The same behind proxies that make faults: the addresses of the nodes are those of their proxies. */
export const embeddedBehindProxies = (
  count: number,
  options: Omit<EmbeddedOptions, "nodes" | "ports"> = {}
): Effect.Effect<
  { readonly disque: EmbeddedDisque.Service; readonly proxies: ReadonlyArray<FaultProxy> },
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const servers = yield* Effect.replicateEffect(listen, count)
    const proxies = yield* Effect.forEach(servers, (server) => faultProxy(portOf(server)))
    const disque = yield* Effect.orDie(EmbeddedDisque.make({ ...options, ports: proxies.map(({ port }) => port) }))
    for (const [i, server] of servers.entries()) yield* serve(disque.nodes[i] as EmbeddedNode, server)
    return { disque, proxies }
  })
