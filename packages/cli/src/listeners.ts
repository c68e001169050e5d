/** Where nodes listen: at ports of TCP, with and without TLS, and at a Unix socket. */
import { createServer } from "node:net"
import { createServer as createTlsServer, type SecureContextOptions } from "node:tls"
import type * as SocketServer from "@effect/platform/SocketServer"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { CliError } from "./CliError.js"
import * as socketServer from "./socketServer.js"
import * as unixSocket from "./unixSocket.js"

/** How clients come by TCP. */
export interface TcpOptions {
  /** The IP addresses to listen at. */
  readonly hosts: ReadonlyArray<string>
  readonly tls?: SecureContextOptions | undefined
  readonly backlog?: number | undefined
  /** In seconds; 0 for never. */
  readonly keepAlive?: number | undefined
}

const codeOf = (error: SocketServer.SocketServerError): string => {
  const { cause } = error
  return cause instanceof Error && "code" in cause ? String(cause.code) : error.message
}

/** A place where a node listens. */
export interface Listener extends Omit<socketServer.StoppableServer, "listen"> {
  /** As people read it. */
  readonly name: string
  readonly port: number
  /** Listens again, after a stop. */
  readonly listen: Effect.Effect<void, CliError>
}

const shown = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)

const listenTcp = (
  { backlog, keepAlive = 0, tls }: TcpOptions,
  { hasTls, host, port }: { readonly host: string; readonly port: number; readonly hasTls: boolean }
): Effect.Effect<Listener, CliError, Scope.Scope> => {
  const tcp = { noDelay: true, keepAlive: keepAlive > 0, keepAliveInitialDelay: keepAlive * 1000 }
  const options = { ...tcp, ...tls, requestCert: tls?.ca !== undefined, rejectUnauthorized: tls?.ca !== undefined }
  const refused = (port: number) => (error: SocketServer.SocketServerError) => {
    const code = codeOf(error)
    if (code === "EADDRINUSE")
      return new CliError({
        message: `port ${port} is in use: choose another one with --${hasTls ? "tls-port" : "port"}`
      })
    if (code === "EACCES") return new CliError({ message: `port ${port} may not be listened on: permission denied` })
    if (code === "EADDRNOTAVAIL")
      return new CliError({ message: `${JSON.stringify(host)} is no address of this machine` })
    return new CliError({ message: `port ${port} of ${JSON.stringify(host)} cannot be listened on (${code})` })
  }
  return socketServer
    .make((onClient) => (hasTls ? createTlsServer(options, onClient) : createServer(tcp, onClient)), {
      host,
      port,
      ...(backlog === undefined ? {} : { backlog })
    })
    .pipe(
      Effect.mapBoth({
        onFailure: refused(port),
        onSuccess: (made) => {
          const { address } = made.server
          const bound = address._tag === "TcpAddress" ? address.port : port
          const listen = Effect.mapError(made.listen, refused(bound))
          return { ...made, listen, port: bound, name: `${shown(host, bound)}${hasTls ? " (TLS)" : ""}` }
        }
      })
    )
}

/** Listens at one port of all hosts. A port that is free at the first of them is taken at the others too. */
export const listenAtAll = (
  options: TcpOptions,
  port: number,
  hasTls: boolean
): Effect.Effect<ReadonlyArray<Listener>, CliError, Scope.Scope> =>
  Effect.gen(function* () {
    const listeners: Array<Listener> = []
    for (const host of options.hosts) {
      listeners.push(yield* listenTcp(options, { host, port: listeners[0]?.port ?? port, hasTls }))
    }
    return listeners
  })

/** Listens at a Unix socket, which nobody without the access rights of `mode` finds. */
export const listenUnix = (
  { mode, path }: { readonly path: string; readonly mode: string },
  backlog: number | undefined
): Effect.Effect<Listener, CliError, Scope.Scope> =>
  Effect.gen(function* () {
    const made = <A, R>(listen: Effect.Effect<A, SocketServer.SocketServerError, R>) =>
      Effect.zipRight(
        unixSocket.clear(path),
        unixSocket.withMode(
          path,
          mode,
          Effect.mapError(
            listen,
            (error) =>
              new CliError({ message: `the Unix socket ${JSON.stringify(path)} cannot be made (${codeOf(error)})` })
          )
        )
      )
    const server = yield* made(
      socketServer.make((onClient) => createServer(onClient), {
        path,
        ...(backlog === undefined ? {} : { backlog })
      })
    )
    return { ...server, listen: made(server.listen), name: `unix:${path}`, port: 0 }
  })
