/** Embedded nodes behind sockets. */
import { EmbeddedDisque, type EmbeddedNode, EmbeddedServer } from "@disco/embedded"
import * as SocketServer from "@effect/platform/SocketServer"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { CliError } from "./CliError.js"
import { control } from "./control.js"
import { processFigures } from "./processFigures.js"

export interface NodesOptions {
  readonly host: string
  /** One node each; 0 stands for any free port. */
  readonly ports: ReadonlyArray<number>
  readonly requirepass?: Redacted.Redacted | undefined
  readonly maxmemory?: number | undefined
  /** Where the nodes can be killed and restarted; 0 stands for any free port. */
  readonly controlPort?: number | undefined
  readonly onShutdown?: ((node: EmbeddedNode) => void) | undefined
}

/** Reads a port; 0 stands for any free one. */
export const parsePort = (text: string): Option.Option<number> =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Option.some(Number(text)) : Option.none()

/** The error for a `--port` that is not valid. */
export const portIs = "--port takes a number from 0 (any free port) to 65535"

const codeOf = (error: SocketServer.SocketServerError): string => {
  const { cause } = error
  return cause instanceof Error && "code" in cause ? String(cause.code) : error.message
}

const listen = (host: string, port: number) =>
  Effect.mapError(NodeSocketServer.make({ host, port }), (error) => {
    const code = codeOf(error)
    if (code === "EADDRINUSE")
      return new CliError({ message: `port ${port} is in use: choose another one with --port` })
    if (code === "EACCES") return new CliError({ message: `port ${port} may not be listened on: permission denied` })
    if (code === "ENOTFOUND" || code === "EAI_AGAIN")
      return new CliError({ message: `--host takes an IP address of this machine; ${JSON.stringify(host)} is none` })
    if (code === "EADDRNOTAVAIL")
      return new CliError({ message: `${JSON.stringify(host)} is no address of this machine` })
    return new CliError({ message: `port ${port} of ${JSON.stringify(host)} cannot be listened on (${code})` })
  })

/** Starts nodes that listen until the scope ends, and gives their addresses. */
export const serveNodes = (options: NodesOptions): Effect.Effect<ReadonlyArray<string>, CliError, Scope.Scope> =>
  Effect.gen(function* () {
    const servers = yield* Effect.forEach(options.ports, (port) => listen(options.host, port))
    const ports = servers.map((server) => (server.address._tag === "TcpAddress" ? server.address.port : 0))
    const { host, maxmemory, onShutdown, requirepass } = options
    const disque = yield* EmbeddedDisque.make({
      ports,
      host,
      process: processFigures,
      ...(requirepass === undefined ? {} : { requirepass }),
      ...(maxmemory === undefined ? {} : { maxmemory }),
      ...(onShutdown === undefined ? {} : { onShutdown })
    }).pipe(Effect.mapError((error) => new CliError({ message: error.message })))
    yield* Effect.forEach(disque.nodes, (node, i) =>
      EmbeddedServer.serve(node).pipe(
        Effect.provideService(SocketServer.SocketServer, servers[i] as SocketServer.SocketServer["Type"]),
        Effect.forkScoped
      )
    )
    if (options.controlPort !== undefined) {
      const port = yield* control(disque, options.controlPort)
      yield* Console.log(`http://127.0.0.1:${port}/nodes kills and restarts them: for tests alone`)
    }
    return disque.nodes.map((node) => node.address)
  })
