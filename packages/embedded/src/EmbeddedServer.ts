/**
 * A TCP server in front of an embedded node, so that any client of Disque can talk to it.
 *
 * @since 0.1.0
 */
import type { InvalidArgument } from "@disco/core"
import { Notices, OptionReader, Time } from "@disco/core/internal"
import type * as Socket from "@effect/platform/Socket"
import * as SocketServer from "@effect/platform/SocketServer"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { EmbeddedNode } from "./EmbeddedDisque.js"
import { Connection, mostUnread } from "./internal/host/connection.js"
import { Connections } from "./internal/host/connections.js"
import { laterTurn, runFork } from "./internal/runtime.js"

/** The socket of a client if it is one of Node.js. The key is that of `@effect/platform-node`. */
interface NodeSocket {
  readonly remoteAddress?: string
  readonly remotePort?: number
  readonly setNoDelay?: (isOn: boolean) => unknown
  readonly end?: () => unknown
  readonly destroy?: () => unknown
}

const NetSocket = Context.GenericTag<"NetSocket", NodeSocket>("@effect/platform-node/NodeSocket/NetSocket")

let lastUnknown = 0

/** The name of a client, by which CLIENT KILL finds it. */
const addressOf = ({ remoteAddress, remotePort }: NodeSocket): string => {
  if (remoteAddress === undefined || remotePort === undefined) return `?:${++lastUnknown}`
  return remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}

/** Answers one client until the client, the node or the server ends the session. */
const handle = (
  node: EmbeddedNode,
  socket: Socket.Socket,
  connections: Connections,
  tellOfLimit: Effect.Effect<void>
): Effect.Effect<void> =>
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
              backlog: connections.backlog,
              onCut: () => known.destroy?.(),
              now: () => Time.monotonicMillis(clock),
              later
            })
        ),
        (connection) =>
          Effect.sync(() => {
            connection.close()
            connections.remove(connection)
          })
      )
      connections.add(connection)
      if (connection.isTurnedAway) yield* tellOfLimit
      // A socket that is closed before all was read takes the last answers with it: so the client closes first.
      const untilClosed = Effect.suspend(() => {
        if (!connection.hasFinished) return Effect.void
        known.end?.()
        return Effect.never
      })
      const serving = Effect.raceFirst(
        socket.run((chunk) => connection.receive(chunk)),
        Effect.zipRight(connection.writeAll(write), untilClosed)
      )
      // A killed node does not wait for the client to take what is left: those answers are lost.
      const ended = Effect.map(node.down, () => known.destroy?.())
      yield* Effect.raceFirst(serving, ended)
    })
    // The end of a client is no failure of the server.
  ).pipe(Effect.catchAll(() => Effect.void))

interface Served {
  readonly maxUnread: number
  /** In ms. */
  readonly closeWithin: number
}

const read = (given: ServeOptions | undefined): Either.Either<Served, InvalidArgument> =>
  Either.gen(function* () {
    const options = yield* OptionReader.all(subject, given)
    return {
      maxUnread: yield* OptionReader.count(subject, "maxUnread", options.maxUnread ?? mostUnread, 1),
      closeWithin: yield* OptionReader.duration(subject, "closeWithin", options.closeWithin ?? 0, 0)
    }
  })

const serveOn = (server: SocketServer.SocketServer["Type"], node: EmbeddedNode, { closeWithin, maxUnread }: Served) =>
  Effect.scoped(
    Effect.gen(function* () {
      const notices = new Notices(yield* Effect.clock, yield* runFork)
      yield* Effect.addFinalizer(() => notices.end)
      const connections = new Connections(maxUnread)
      const tellOfLimit = notices.say("limit", (more) =>
        Effect.annotateLogs(Effect.logWarning(`a client was turned away: maxclients is reached${more}`), {
          event: "client limit"
        })
      )
      const running = yield* Effect.forkScoped(
        Effect.interruptible(server.run((socket) => handle(node, socket, connections, tellOfLimit)))
      )
      const finish = Time.timeoutOption(Effect.interruptible(connections.finish(closeWithin)), closeWithin)
      yield* Effect.addFinalizer(() =>
        Effect.zipRight(
          closeWithin === 0 ? Effect.void : finish,
          Effect.sync(() => connections.cut())
        )
      )
      return yield* Fiber.join(running)
    })
  )

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
  /**
   * How long the end of the server waits for its clients: commands that have arrived are answered, a GETJOB that waits is not, and
   * each client may take its last answers and close. Those that are left are cut off. Default: 0, all are cut off at once.
   */
  readonly closeWithin?: Duration.DurationInput | undefined
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
  Effect.flatMap(read(options), (served) =>
    Effect.forever(
      Effect.zipRight(
        node.up,
        Effect.scoped(Effect.flatMap(server, (made) => Effect.raceFirst(serveOn(made, node, served), node.down)))
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
 * @example
 * ```ts
 * import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
 * import { NodeSocketServer } from "@effect/platform-node"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { nodes } = yield* EmbeddedDisque.make()
 *   return yield* EmbeddedServer.serve(nodes[0])
 * }).pipe(Effect.scoped, Effect.provide(NodeSocketServer.layer({ port: 7711, host: "127.0.0.1" })))
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const serve = (
  node: EmbeddedNode,
  options?: ServeOptions
): Effect.Effect<never, SocketServer.SocketServerError | InvalidArgument, SocketServer.SocketServer> =>
  Effect.flatMap(read(options), (served) =>
    Effect.flatMap(SocketServer.SocketServer, (server) => serveOn(server, node, served))
  )
