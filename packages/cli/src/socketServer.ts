/** A `SocketServer` of `@effect/platform` over any server of Node.js, TLS included, that can stop listening before it ends. */
import type { ListenOptions, Server, Socket } from "node:net"
import { Notices } from "@disco/core/internal"
import * as PlatformSocket from "@effect/platform/Socket"
import * as SocketServer from "@effect/platform/SocketServer"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { runFork } from "./internal/runtime.js"

export interface StoppableServer {
  readonly server: SocketServer.SocketServer["Type"]
  /** Accepts no more connections. Those that are there go on. */
  readonly stop: Effect.Effect<void>
  readonly isListening: () => boolean
  /** Accepts connections again, at the same place. */
  readonly listen: Effect.Effect<void, SocketServer.SocketServerError>
}

/** The socket of a connection that was accepted. */
const opened = (socket: Socket): Effect.Effect<Socket, PlatformSocket.SocketError> =>
  socket.closed
    ? Effect.fail(new PlatformSocket.SocketCloseError({ reason: "Close", code: 1000 }))
    : Effect.succeed(socket)

const addressOf = (server: Server): SocketServer.Address => {
  const address = server.address()
  return typeof address === "object" && address !== null
    ? { _tag: "TcpAddress", hostname: address.address, port: address.port }
    : { _tag: "UnixAddress", path: address ?? "" }
}

/**
 * Listens until the scope ends, and closes then what is still open. `create` makes a server of Node.js that calls the function given
 * for each client.
 */
export const make = (
  create: (onClient: (socket: Socket) => void) => Server,
  options: ListenOptions
): Effect.Effect<StoppableServer, SocketServer.SocketServerError, Scope.Scope> =>
  Effect.gen(function* () {
    const fork = yield* runFork
    const notices = new Notices(yield* Effect.clock, fork)
    yield* Effect.addFinalizer(() => notices.end)
    const early: Array<Socket> = []
    let onClient = (socket: Socket): void => void early.push(socket)
    const sockets = new Set<Socket>()
    const server = create((socket) => {
      // Without a listener, an error at any time would end the process.
      socket.on("error", () => {})
      onClient(socket)
    })
    server.on("connection", (socket) => {
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    })
    const stop = Effect.sync(() => {
      if (server.listening) server.close()
    })
    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        stop,
        Effect.sync(() => {
          for (const socket of sockets) socket.destroy()
        })
      )
    )
    const listenAt = (at: ListenOptions) =>
      Effect.async<void, SocketServer.SocketServerError>((resume) => {
        const onListening = () => {
          server.off("error", onError)
          resume(Effect.void)
        }
        const onError = (cause: Error) => {
          server.off("listening", onListening)
          resume(Effect.fail(new SocketServer.SocketServerError({ reason: "Open", cause })))
        }
        server.once("listening", onListening).once("error", onError).listen(at)
      })
    yield* listenAt(options)
    const address = addressOf(server)
    const told = (kind: string, text: string) => (error: Error) => {
      fork(
        notices.say(kind, (more) =>
          Effect.annotateLogs(Effect.logWarning(`${text}: ${error.message}${more}`), { event: kind })
        )
      )
    }
    const notAccepted = told("not accepted", "a connection could not be accepted")
    server.on("error", (error) => {
      if (server.listening) notAccepted(error)
    })
    server.on("tlsClientError", told("no TLS", "a client did not come to speak TLS"))
    return {
      stop,
      isListening: () => server.listening,
      listen: listenAt(address._tag === "TcpAddress" ? { ...options, port: address.port } : options),
      server: SocketServer.SocketServer.of({
        address,
        run: (handler) =>
          Effect.scoped(
            Effect.gen(function* () {
              const forkClient = yield* FiberSet.makeRuntime<Effect.Effect.Context<ReturnType<typeof handler>>>()
              onClient = (socket) => {
                const client = NodeSocket.fromDuplex(
                  Effect.acquireRelease(opened(socket), () => Effect.sync(() => socket.destroySoon()))
                )
                forkClient(
                  Effect.flatMap(client, handler).pipe(
                    Effect.catchAllCause((cause) => Effect.logError("a client could not be served", cause)),
                    Effect.provideService(NodeSocket.NetSocket, socket)
                  )
                )
              }
              yield* Effect.addFinalizer(() =>
                Effect.sync(() => {
                  onClient = (socket) => void early.push(socket)
                })
              )
              for (const socket of early.splice(0)) onClient(socket)
              return yield* Effect.never
            })
          )
      })
    }
  })
