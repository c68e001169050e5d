/**
 * A TCP server in front of an embedded node, so that any client of Disque can talk to it.
 *
 * @since 0.1.0
 */
import type { InvalidArgument } from "@disco/core"
import { OptionReader, Time } from "@disco/core/internal"
import type * as Socket from "@effect/platform/Socket"
import * as SocketServer from "@effect/platform/SocketServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { EmbeddedNode } from "./EmbeddedDisque.js"
import { Backlog } from "./internal/host/backlog.js"
import { Connection, mostUnread } from "./internal/host/connection.js"
import { laterTurn } from "./internal/runtime.js"

/** The socket of a client if it is one of Node.js. The key is that of `@effect/platform-node`. */
interface NodeSocket {
  readonly remoteAddress?: string
  readonly remotePort?: number
  readonly setNoDelay?: (isOn: boolean) => unknown
  readonly destroy?: () => unknown
}

const NetSocket = Context.GenericTag<"NetSocket", NodeSocket>("@effect/platform-node/NodeSocket/NetSocket")

let lastUnknown = 0

/** The name of a client, by which CLIENT KILL finds it. */
const addressOf = ({ remoteAddress, remotePort }: NodeSocket): string => {
  if (remoteAddress === undefined || remotePort === undefined) return `?:${++lastUnknown}`
  return remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}

/** Answers one client until the client or the node ends the session. */
const handle = (node: EmbeddedNode, socket: Socket.Socket, backlog: Backlog): Effect.Effect<void> =>
  Effect.scoped(
    Effect.gen(function* () {
      const write = yield* socket.writer
      const clock = yield* Effect.clock
      const later = yield* laterTurn
      const known = Option.getOrElse(yield* Effect.serviceOption(NetSocket), (): NodeSocket => ({}))
      // Answers are sent at once, not held back for later ones.
      known.setNoDelay?.(true)
      const connection = yield* Effect.acquireRelease(
        Effect.sync(
          () =>
            new Connection(node, addressOf(known), {
              backlog,
              onCut: () => known.destroy?.(),
              now: () => Time.monotonicMillis(clock),
              later
            })
        ),
        (connection) => Effect.sync(() => connection.close())
      )
      const serving = Effect.raceFirst(
        socket.run((chunk) => connection.receive(chunk)),
        connection.writeAll(write)
      )
      // A killed node does not wait for the client to take what is left: those answers are lost.
      const ended = Effect.map(node.down, () => known.destroy?.())
      yield* Effect.raceFirst(serving, ended)
    })
    // The end of a client is no failure of the server.
  ).pipe(Effect.catchAll(() => Effect.void))

const readMaxUnread = (options: ServeOptions | undefined): Either.Either<number, InvalidArgument> =>
  Either.flatMap(OptionReader.all(subject, options), ({ maxUnread }) =>
    OptionReader.count(subject, "maxUnread", maxUnread ?? mostUnread, 1)
  )

const serveOn = (server: SocketServer.SocketServer["Type"], node: EmbeddedNode, maxUnread: number) => {
  const backlog = new Backlog(maxUnread)
  return server.run((socket) => handle(node, socket, backlog))
}

const subject = "EmbeddedServer"

/**
 * How a node is served.
 *
 * @since 0.1.0
 * @category options
 */
export interface ServeOptions {
  /** How many bytes of answers may wait for all clients together, 1 or more. Default: 256 MB. */
  readonly maxUnread?: number | undefined
}

/**
 * Serves a node on a socket that listens only while the node is up: a killed node refuses connections, and listens again after
 * its restart. `server` is built anew each time. It has to listen on the node's own port.
 *
 * @example
 * ```ts
 * import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
 * import { NodeSocketServer } from "@effect/platform-node"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* EmbeddedDisque.make({ ports: [7711] })
 *   const server = NodeSocketServer.make({ port: 7711, host: "127.0.0.1" })
 *   return yield* EmbeddedServer.listen(disque.nodes[0], server)
 * })
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const listen = <E, R>(
  node: EmbeddedNode,
  server: Effect.Effect<SocketServer.SocketServer["Type"], E, R>,
  options?: ServeOptions
): Effect.Effect<never, E | SocketServer.SocketServerError | InvalidArgument, Exclude<R, Scope.Scope>> =>
  Effect.flatMap(readMaxUnread(options), (maxUnread) =>
    Effect.forever(
      Effect.zipRight(
        node.up,
        Effect.scoped(Effect.flatMap(server, (made) => Effect.raceFirst(serveOn(made, node, maxUnread), node.down)))
      )
    )
  )

/**
 * Serves a node on the current `SocketServer`. The node speaks RESP2 as a server does, inline commands included.
 *
 * The commands of a client that does not read its answers wait until it does. A client is cut off if too many bytes of commands
 * or answers wait. If the answers for all clients together are too many (`maxUnread`), the client with most of them is cut off.
 *
 * While the node is down, connections are closed as they open; {@link listen} refuses them. Each node needs a `SocketServer` of its
 * own.
 *
 * @since 0.1.0
 * @category running
 */
export const serve = (
  node: EmbeddedNode,
  options?: ServeOptions
): Effect.Effect<never, SocketServer.SocketServerError | InvalidArgument, SocketServer.SocketServer> =>
  Effect.flatMap(readMaxUnread(options), (maxUnread) =>
    Effect.flatMap(SocketServer.SocketServer, (server) => serveOn(server, node, maxUnread))
  )
