/**
 * A connection to a Disque cluster: the typed commands, over links that it opens, watches and replaces by itself.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Client from "./client.js"
import { clientCommands } from "./clientCommands.js"
import type { ReadyError, ReadyOptions } from "./cluster/readiness.js"
import type * as DisqueCommands from "./DisqueCommands.js"
import type { ConnectionError, InvalidArgument, NotAuthenticated } from "./DisqueError.js"
import type { DisqueDialer } from "./DisqueLink.js"
import type { ConnectionOptions } from "./links/limits.js"
import * as limits from "./links/limits.js"

export type { ConnectionOptions } from "./links/limits.js"

/**
 * Why a connection could not be made.
 *
 * @since 0.1.0
 * @category errors
 */
export type ConnectError = ConnectionError | NotAuthenticated | InvalidArgument

const make = (
  options?: ConnectionOptions
): Effect.Effect<DisqueConnection.Service, ConnectError, DisqueDialer | Scope.Scope> =>
  Effect.gen(function* () {
    const { cluster, fetching, permits, ready, ...client } = yield* Client.make(
      yield* limits.check("DisqueConnection", options, { maxActive: 32, maxIdle: 2, hasReplicationLinks: false })
    )
    const calls = yield* fetching.getJobCalls
    return {
      ...clientCommands(client, (request) => permits.run(calls.fetch(request)), false),
      ready,
      node: Effect.sync(() => cluster.node)
    }
  })

/**
 * The connection that a program uses.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const id = yield* disque.addJob("greetings", "hello")
 *   const job = yield* disque.getJob("greetings", { timeout: "2 seconds" })
 *   yield* disque.ackJob(job)
 *   return id
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class DisqueConnection extends Context.Tag("@disco/core/DisqueConnection")<
  DisqueConnection,
  DisqueConnection.Service
>() {
  /**
   * Opens a connection over the links of a `DisqueDialer`. The end of the scope waits for the replies that are still due.
   *
   * @example
   * ```ts
   * import { DisqueConnection } from "@disco/core"
   * import { NodeDisque } from "@disco/node"
   * import { Effect } from "effect"
   *
   * // For as long as the scope, instead of a layer.
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection.make({ commandTimeout: "2 seconds" })
   *   yield* disque.ping
   * }).pipe(Effect.scoped, Effect.provide(NodeDisque.layerDialer({ nodes: "localhost:7711" })))
   * ```
   *
   * @since 0.1.0
   */
  static readonly make = make

  /**
   * A connection as a layer.
   *
   * @example
   * ```ts
   * import { DisqueConnection } from "@disco/core"
   * import { EmbeddedDisque } from "@disco/embedded"
   * import { Layer } from "effect"
   *
   * // Over the links of any dialer: here those to three nodes in the process.
   * const Connection = DisqueConnection.layer().pipe(
   *   Layer.provide(EmbeddedDisque.layerDialer),
   *   Layer.provide(EmbeddedDisque.layer({ nodes: 3 }))
   * )
   * ```
   *
   * @since 0.1.0
   */
  static readonly layer = (options?: ConnectionOptions): Layer.Layer<DisqueConnection, ConnectError, DisqueDialer> =>
    Layer.scoped(DisqueConnection, make(options))
}

/**
 * The types of the connection.
 *
 * @since 0.1.0
 * @category services
 */
export declare namespace DisqueConnection {
  /**
   * What a connection offers. Each method asks one node, also those that ask the whole cluster on a pool.
   *
   * @since 0.1.0
   * @category services
   */
  interface Service extends DisqueCommands.DisqueCommands {
    /**
     * The address of the node that commands go to. It changes when that node fails.
     *
     * @example
     * ```ts
     * import { DisqueConnection } from "@disco/core"
     * import { Effect } from "effect"
     *
     * // The length of a queue on the node in use, and on another one.
     * const program = Effect.gen(function* () {
     *   const disque = yield* DisqueConnection
     *   return {
     *     [yield* disque.node]: yield* disque.queueLength("emails"),
     *     "10.0.0.3:7711": yield* disque.on("10.0.0.3:7711").queueLength("emails")
     *   }
     * })
     * ```
     */
    readonly node: Effect.Effect<string>
    /**
     * The same commands on the node at the address given, and on no other: `host:port`, or an address that `health` or a job shows.
     * If the text is not an address, the commands fail with a `ConnectionError` whose cause is an `InvalidArgument`. Neither error shows
     * the text, which may hold a password.
     *
     * @see {@link DisqueConnection.Service.node}
     */
    readonly on: (node: string) => DisqueCommands.DisqueCommands
    /**
     * Asks the nodes whether one of them takes commands, and gives the address of the first that does. It is meant for readiness
     * probes. A node takes commands if it answers a HELLO, does not load its jobs and does not leave its cluster. The node in use is
     * asked first. If it has not answered after 250 ms, or sooner if `within` is short, the next node is asked too.
     *
     * The check needs no permit, and ends after `within` (1 second by default) at the latest. If no node has answered by then, it fails
     * with a `ConnectionError` whose reason is `silent`. If all nodes have failed before, it fails with the answer of one of them, or
     * with the reason why no node could be reached.
     *
     * @example
     * ```ts
     * import { DisqueConnection } from "@disco/core"
     * import { Effect } from "effect"
     *
     * const probe = Effect.flatMap(DisqueConnection, (disque) => disque.ready({ within: "500 millis" })).pipe(
     *   Effect.match({
     *     onFailure: (error) => ({ status: 503, body: error.message }),
     *     onSuccess: (node) => ({ status: 200, body: `${node} takes commands` })
     *   })
     * )
     * ```
     */
    readonly ready: (options?: ReadyOptions) => Effect.Effect<string, ReadyError>
  }
}
