/**
 * Disque from Node.js: connections and pools over sockets, as layers.
 *
 * @since 0.1.0
 */
import { type ConnectionOptions, createSecureContext } from "node:tls"
import {
  type ConnectError,
  ConnectionError,
  DisqueConnection,
  DisqueDialer,
  type DisqueLink,
  type ConnectionOptions as DisqueOptions,
  DisquePool,
  type InvalidArgument,
  NotAuthenticated,
  type PoolOptions,
  Reply
} from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as ioredisLink from "./link/ioredisLink.js"
import * as NodeAddress from "./NodeAddress.js"

/**
 * How TLS connections are made.
 *
 * @since 0.1.0
 * @category options
 */
export type TlsOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "passphrase" | "servername" | "rejectUnauthorized"
>

/**
 * Where the nodes are, and how to connect to them.
 *
 * @since 0.1.0
 * @category options
 */
export interface NodesOptions {
  /**
   * The nodes to start with: an array, or one string with commas. The first connection goes to one of them at random. Each is
   * `host:port` (the default port is 7711), a URL (`disque://:password@host:port`, `disques://…` for TLS), or `unix:/path` of a
   * socket. The nodes tell about the other nodes of their cluster. These get the same password, and TLS if all nodes of this list
   * have it.
   */
  readonly nodes: string | ReadonlyArray<string>
  /** The password of the nodes whose address has none. */
  readonly password?: Redacted.Redacted | undefined
  /**
   * How TLS connections are made, as for `tls.connect` of Node.js: `ca` is trusted, `cert` and `key` identify the client. The server
   * name (SNI) is the host of each node, unless `servername` is set.
   */
  readonly tls?: TlsOptions | undefined
  /** How long a connection may take until its first answer. Default: 5 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
}

// A node in such a state accepts connections and refuses commands.
const mayPass: ReadonlySet<string> = new Set(["LOADING", "MISCONF"])

const authenticate = (
  link: DisqueLink,
  password: Redacted.Redacted | undefined
): Effect.Effect<void, ConnectionError | NotAuthenticated> => {
  const { node } = link
  const secret = password === undefined ? undefined : Redacted.value(password)
  const send = (command: string, ...args: ReadonlyArray<string>) =>
    Effect.flatMap(
      Effect.async<Reply.Reply, ConnectionError>((resume) => link.send([command, ...args], resume)),
      (reply): Effect.Effect<void, ConnectionError | NotAuthenticated> => {
        if (!(reply instanceof Reply.ErrorReply) || mayPass.has(reply.word)) return Effect.void
        const text = secret === undefined ? reply.text : reply.text.replaceAll(secret, "<redacted>")
        if (text.startsWith("NOAUTH") || text.includes("invalid password")) {
          return Effect.fail(new NotAuthenticated({ command, node, reply: text }))
        }
        // A node without a password refuses AUTH. PING shows whether the node accepts the connection.
        if (command === "AUTH" && text.includes("no password is set")) return Effect.void
        // The reason for which the node closes the connection next: it arrives as the reply to the first command.
        return Effect.fail(new ConnectionError({ node, reason: "failed", cause: new Reply.ErrorReply({ text }) }))
      }
    )
  return secret === undefined ? send("PING") : Effect.zipRight(send("AUTH", secret), send("PING"))
}

const subject = "NodeDisque"

/** Whether the options are such that TLS can be spoken with them, keys and certificates included. */
const readTls = (given: TlsOptions | undefined): Either.Either<TlsOptions, InvalidArgument> =>
  Either.gen(function* () {
    if (given === undefined) return {}
    const tls = yield* OptionReader.record(subject, "tls", given)
    if (tls.servername !== undefined) {
      yield* OptionReader.text(subject, "tls.servername", tls.servername, "the name of a host")
    }
    yield* OptionReader.flag(subject, "tls.rejectUnauthorized", tls.rejectUnauthorized)
    // The reason names what is wrong, and shows nothing of it.
    yield* Either.try({
      try: () => createSecureContext(tls),
      catch: (thrown) => (thrown instanceof Error ? thrown.message : String(thrown))
    }).pipe(
      Either.orElse((reason) =>
        OptionReader.refuseText(
          subject,
          "tls",
          "one that cannot be used",
          `keys and certificates that can be read (${reason})`
        )
      )
    )
    return tls
  })

/** Makes the dialer. `source` says where the nodes were named. */
const makeDialer = (
  given: NodesOptions,
  source: readonly [subject: string, argument?: string] = [subject, "nodes"]
): Effect.Effect<DisqueDialer.Service, InvalidArgument> =>
  Effect.gen(function* () {
    const options = yield* OptionReader.record(subject, "options", given)
    const addresses = yield* NodeAddress.parseAll(options.nodes, ...source)
    if (options.password !== undefined) yield* OptionReader.secret(subject, "password", options.password)
    const connectMillis = yield* OptionReader.duration(
      subject,
      "connectTimeout",
      options.connectTimeout ?? "5 seconds",
      1
    )
    const known = new Map(addresses.map((address) => [NodeAddress.format(address), address]))
    const tls = yield* readTls(options.tls)
    const areAllTls = addresses.every((address) => address.tls)
    const password = options.password ?? addresses.find((address) => address.password !== undefined)?.password
    // The address of a node that is not in the list.
    const found = (node: string) =>
      Effect.mapBoth(NodeAddress.parse(node, "HELLO"), {
        onFailure: (cause) => new ConnectionError({ node, reason: "failed", cause }),
        onSuccess: (address) => ({ ...address, password: address.password ?? password, tls: address.tls || areAllTls })
      })
    return {
      seeds: [...known.keys()],
      dial: (node) =>
        Effect.gen(function* () {
          const address = known.get(node) ?? (yield* found(node))
          return yield* ioredisLink.connect(address, tls, connectMillis, (link) =>
            authenticate(link, address.password ?? options.password)
          )
        })
    }
  })

/**
 * Opens links to the nodes given.
 *
 * @example
 * ```ts
 * import { DisqueConnection, DisquePool } from "@disco/core"
 * import { NodeDisque } from "@disco/node"
 * import { Layer } from "effect"
 *
 * // A connection and a pool with options of their own, over the same nodes.
 * const Disque = Layer.merge(DisqueConnection.layer(), DisquePool.layer({ maxActive: 20 })).pipe(
 *   Layer.provide(NodeDisque.layerDialer({ nodes: ["localhost:7711", "localhost:7712"] }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDialer = (options: NodesOptions): Layer.Layer<DisqueDialer, InvalidArgument> =>
  Layer.effect(DisqueDialer, makeDialer(options))

/**
 * A connection to the nodes given.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { NodeDisque } from "@disco/node"
 * import { Effect } from "effect"
 *
 * const program = Effect.flatMap(DisqueConnection, (disque) => disque.ping).pipe(
 *   Effect.provide(NodeDisque.layerConnection({ nodes: ["localhost:7711"] }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConnection = (options: NodesOptions & DisqueOptions): Layer.Layer<DisqueConnection, ConnectError> =>
  Layer.provide(DisqueConnection.layer(options), layerDialer(options))

/**
 * A pool of connections to the nodes given.
 *
 * @example
 * ```ts
 * import { NodeDisque } from "@disco/node"
 *
 * const Pool = NodeDisque.layerPool({ nodes: "localhost:7711,localhost:7712", maxActive: 5, maxIdle: 2 })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPool = (options: NodesOptions & PoolOptions): Layer.Layer<DisquePool, ConnectError> =>
  Layer.provide(DisquePool.layer(options), layerDialer(options))

/**
 * The nodes of the environment: `DISQUE_NODES` (addresses with commas between them) and, if the nodes have a password,
 * `DISQUE_PASSWORD`.
 *
 * @example
 * ```ts
 * import { NodeDisque } from "@disco/node"
 * import { Config } from "effect"
 *
 * // DISQUE_NODES where it is set, and a node of this machine where it is not.
 * const nodes = Config.withDefault(NodeDisque.config, { nodes: "localhost:7711" })
 *
 * const Pool = NodeDisque.layerPoolConfig({ nodes, maxActive: 10 })
 * const Connection = NodeDisque.layerConnectionConfig({ nodes })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const config: Config.Config<NodesOptions> = Config.all({
  nodes: Config.string("DISQUE_NODES"),
  password: Config.map(Config.option(Config.redacted("DISQUE_PASSWORD")), Option.getOrUndefined)
})

const layerDialerConfig = (
  nodes: Config.Config<NodesOptions>
): Layer.Layer<DisqueDialer, InvalidArgument | ConfigError.ConfigError> =>
  Layer.effect(
    DisqueDialer,
    Effect.flatMap(nodes, (options) => makeDialer(options, ["DISQUE_NODES"]))
  )

/**
 * A connection to the nodes that the configuration names. Default: those of the environment.
 *
 * @see {@link config}
 * @since 0.1.0
 * @category layers
 */
export const layerConnectionConfig = (
  options: DisqueOptions & { readonly nodes?: Config.Config<NodesOptions> | undefined } = {}
): Layer.Layer<DisqueConnection, ConnectError | ConfigError.ConfigError> =>
  Layer.provide(DisqueConnection.layer(options), layerDialerConfig(options.nodes ?? config))

/**
 * A pool of connections to the nodes that the configuration names. Default: those of the environment.
 *
 * @see {@link config}
 * @since 0.1.0
 * @category layers
 */
export const layerPoolConfig = (
  options: PoolOptions & { readonly nodes?: Config.Config<NodesOptions> | undefined } = {}
): Layer.Layer<DisquePool, ConnectError | ConfigError.ConfigError> =>
  Layer.provide(DisquePool.layer(options), layerDialerConfig(options.nodes ?? config))
