/**
 * The seam between what Disque is and how bytes get there: an open session with one node, and what opens one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ConnectionError, NotAuthenticated } from "./DisqueError.js"
import type { Arguments } from "./internal/encodedCommand.js"
import type { Reply } from "./Reply.js"

export type { Arguments } from "./internal/encodedCommand.js"

/**
 * Why no link could be opened.
 *
 * @since 0.1.0
 * @category errors
 */
export type DialError = ConnectionError | NotAuthenticated

/**
 * An open session with one node. Replies come in the order of the commands.
 *
 * A link neither queues nor resends nor reconnects: a link that broke stays broken.
 *
 * @since 0.1.0
 * @category models
 */
export interface DisqueLink {
  /** The address that was dialed, `host:port`. It names the node in jobs, errors and spans. */
  readonly node: string
  /**
   * Sends a command. `done` is called exactly once, perhaps before `send` returns: with the reply (an error reply is a
   * reply), or with the reason why there will be none. It does not throw. In the reply to a GETJOB, the names and ids of jobs may be text
   * where they are bytes on the wire; bodies are bytes.
   */
  readonly send: (command: Arguments, done: (outcome: Exit.Exit<Reply, ConnectionError>) => void) => void
  /** Whether commands can still be sent. */
  readonly isOpen: () => boolean
  /** Breaks the link at once; what is in flight ends with the error given. */
  readonly close: (reason: ConnectionError) => void
  /**
   * Takes back the blocking command in flight. True if the command is certain to have taken no job; then its `done` is not called. A
   * link over a network cannot do this, and leaves it out.
   */
  readonly withdraw?: () => boolean
}

/**
 * Opens links. `@disco/node` provides one over sockets, `@disco/embedded` one to a node in the process.
 *
 * @example
 * ```ts
 * import { DisqueDialer, DisquePool } from "@disco/core"
 * import { NodeDisque } from "@disco/node"
 * import { Effect, Layer } from "effect"
 *
 * // A dialer that says which node is dialed, over that of `@disco/node`.
 * const told = Layer.effect(
 *   DisqueDialer,
 *   Effect.map(DisqueDialer, ({ dial, seeds }) => ({
 *     seeds,
 *     dial: (node: string) => Effect.zipRight(Effect.log(`dialing ${node}`), dial(node))
 *   }))
 * ).pipe(Layer.provide(NodeDisque.layerDialer({ nodes: "localhost:7711" })))
 *
 * const Pool = DisquePool.layer().pipe(Layer.provide(told))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class DisqueDialer extends Context.Tag("@disco/core/DisqueDialer")<DisqueDialer, DisqueDialer.Service>() {}

/**
 * The types of the dialer.
 *
 * @since 0.1.0
 * @category services
 */
export declare namespace DisqueDialer {
  /**
   * What a dialer offers.
   *
   * @since 0.1.0
   * @category services
   */
  interface Service {
    /**
     * The addresses of the nodes to start with.
     *
     * @see {@link DisqueDialer}
     */
    readonly seeds: ReadonlyArray<string>
    /**
     * Opens an authenticated link. Interrupting it leaves nothing open.
     *
     * @see {@link DisqueDialer}
     */
    readonly dial: (node: string) => Effect.Effect<DisqueLink, DialError>
  }
}
