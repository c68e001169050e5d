/** Embedded nodes behind sockets. */
import { createServer } from "node:net"
import { createServer as createTlsServer, type SecureContextOptions } from "node:tls"
import { type DurableOptions, EmbeddedDisque, type EmbeddedNode, EmbeddedServer } from "@disco/embedded"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as SocketServer from "@effect/platform/SocketServer"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { CliError } from "./CliError.js"
import { control } from "./control.js"
import { processFigures } from "./processFigures.js"
import * as socketServer from "./socketServer.js"
import * as unixSocket from "./unixSocket.js"

export interface NodesOptions {
  /** The IP addresses to listen at. */
  readonly hosts: ReadonlyArray<string>
  /** One node each; 0 stands for any free port. */
  readonly ports: ReadonlyArray<number>
  /** The same for TLS. Beside `ports`, one for the one node. */
  readonly tlsPorts?: ReadonlyArray<number>
  readonly tls?: SecureContextOptions | undefined
  /** Belongs to the first node. */
  readonly unixsocket?: { readonly path: string; readonly mode: string } | undefined
  readonly backlog?: number | undefined
  /** In seconds; 0 for never. */
  readonly keepAlive?: number | undefined
  readonly requirepass?: Redacted.Redacted | undefined
  readonly maxmemory?: number | undefined
  /** Where the jobs are kept; undefined for in memory. */
  readonly disk?:
    | (Required<Pick<DurableOptions, "dir" | "appendfsync" | "enqueueJobsOnce">> & {
        readonly isOn: boolean
      })
    | undefined
  /** In ms. */
  readonly nodeTimeout?: number | undefined
  readonly config?: Readonly<Record<string, string>>
  /** Where the nodes can be killed and restarted; 0 stands for any free port. */
  readonly controlPort?: number | undefined
  readonly onShutdown?: ((node: EmbeddedNode) => void) | undefined
}

/** How long clients have for their last answers when the process ends, in ms. */
export const closeWithin = 1000

const codeOf = (error: SocketServer.SocketServerError): string => {
  const { cause } = error
  return cause instanceof Error && "code" in cause ? String(cause.code) : error.message
}

/** A place where a node listens. */
interface Listener extends socketServer.StoppableServer {
  /** As people read it. */
  readonly name: string
  readonly port: number
}

const shown = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)

const listenTcp = (
  { backlog, keepAlive = 0, tls }: NodesOptions,
  { hasTls, host, port }: { readonly host: string; readonly port: number; readonly hasTls: boolean }
): Effect.Effect<Listener, CliError, Scope.Scope> => {
  const tcp = { noDelay: true, keepAlive: keepAlive > 0, keepAliveInitialDelay: keepAlive * 1000 }
  const options = { ...tcp, ...tls, requestCert: tls?.ca !== undefined, rejectUnauthorized: tls?.ca !== undefined }
  return socketServer
    .make((onClient) => (hasTls ? createTlsServer(options, onClient) : createServer(tcp, onClient)), {
      host,
      port,
      ...(backlog === undefined ? {} : { backlog })
    })
    .pipe(
      Effect.mapBoth({
        onFailure: (error) => {
          const code = codeOf(error)
          if (code === "EADDRINUSE")
            return new CliError({
              message: `port ${port} is in use: choose another one with --${hasTls ? "tls-port" : "port"}`
            })
          if (code === "EACCES")
            return new CliError({ message: `port ${port} may not be listened on: permission denied` })
          if (code === "EADDRNOTAVAIL")
            return new CliError({ message: `${JSON.stringify(host)} is no address of this machine` })
          return new CliError({ message: `port ${port} of ${JSON.stringify(host)} cannot be listened on (${code})` })
        },
        onSuccess: (made) => {
          const { address } = made.server
          const bound = address._tag === "TcpAddress" ? address.port : port
          return { ...made, port: bound, name: `${shown(host, bound)}${hasTls ? " (TLS)" : ""}` }
        }
      })
    )
}

/** Listens at one port of all hosts. A port that is free at the first of them is taken at the others too. */
const listenAtAll = (options: NodesOptions, port: number, hasTls: boolean) =>
  Effect.gen(function* () {
    const listeners: Array<Listener> = []
    for (const host of options.hosts) {
      listeners.push(yield* listenTcp(options, { host, port: listeners[0]?.port ?? port, hasTls }))
    }
    return listeners
  })

const listenUnix = ({ mode, path }: { readonly path: string; readonly mode: string }, backlog: number | undefined) =>
  Effect.gen(function* () {
    yield* unixSocket.clear(path)
    const made = yield* unixSocket.withMode(
      path,
      mode,
      Effect.mapError(
        socketServer.make((onClient) => createServer(onClient), {
          path,
          ...(backlog === undefined ? {} : { backlog })
        }),
        (error) =>
          new CliError({ message: `the Unix socket ${JSON.stringify(path)} cannot be made (${codeOf(error)})` })
      )
    )
    return { ...made, name: `unix:${path}`, port: 0 }
  })

/** The port that a node without one is known by. */
const nominalPort = 7711

// An address that stands for all addresses of the machine leads nobody anywhere.
const ownHost = (host: string | undefined): string =>
  host === undefined || /^0\.0\.0\.0$/.test(host) ? "127.0.0.1" : /^[0:]+$/.test(host) ? "::1" : host

/** Starts nodes that listen until the scope ends. */
export const serveNodes = (
  options: NodesOptions
): Effect.Effect<
  {
    readonly nodes: ReadonlyArray<EmbeddedNode>
    /** Where they listen, as people read it. */
    readonly names: ReadonlyArray<string>
    /** Accepts no more clients. Those that are there go on. */
    readonly stop: Effect.Effect<void>
    /** The port where the nodes can be killed and restarted, if there is one. */
    readonly controlledAt: number | undefined
  },
  CliError,
  Scope.Scope | FileSystem.FileSystem | Path.Path
> =>
  Effect.gen(function* () {
    const { config, disk, maxmemory, nodeTimeout, onShutdown, requirepass, tlsPorts = [], unixsocket } = options
    const plain = yield* Effect.forEach(options.ports, (port) => listenAtAll(options, port, false))
    const secure = yield* Effect.forEach(tlsPorts, (port) => listenAtAll(options, port, true))
    const local = unixsocket === undefined ? [] : [yield* listenUnix(unixsocket, options.backlog)]
    const count = Math.max(plain.length, secure.length, 1)
    const listeners = Array.from({ length: count }, (_, i) => [
      ...(plain[i] ?? []),
      ...(secure[i] ?? []),
      ...(i === 0 ? local : [])
    ])
    const common = {
      ports: listeners.map((all) => all.find(({ port }) => port > 0)?.port ?? nominalPort),
      host: ownHost(options.hosts[0]),
      process: processFigures,
      ...(requirepass === undefined ? {} : { requirepass }),
      ...(maxmemory === undefined ? {} : { maxmemory }),
      ...(nodeTimeout === undefined ? {} : { nodeTimeout }),
      config: disk?.isOn === false ? { ...config, appendonly: "no" } : { ...config },
      ...(onShutdown === undefined ? {} : { onShutdown })
    }
    const { isOn: _, ...durable } = disk ?? { isOn: false }
    const made = "dir" in durable ? EmbeddedDisque.make({ ...common, ...durable }) : EmbeddedDisque.make(common)
    const disque = yield* Effect.mapError(made, (error) => new CliError({ message: error.message }))
    const serving = disque.nodes.flatMap((node, i) =>
      (listeners[i] ?? []).map(({ server }) =>
        Effect.provideService(EmbeddedServer.serve(node, { closeWithin }), SocketServer.SocketServer, server)
      )
    )
    // In one fiber, whose end gives all clients their time at once.
    yield* Effect.forkScoped(Effect.all(serving, { concurrency: "unbounded" }))
    const stop = Effect.forEach(listeners.flat(), (listener) => listener.stop, { discard: true })
    yield* Effect.addFinalizer(() => stop)
    const controlledAt = options.controlPort === undefined ? undefined : yield* control(disque, options.controlPort)
    return { nodes: disque.nodes, names: listeners.flat().map(({ name }) => name), stop, controlledAt }
  })
