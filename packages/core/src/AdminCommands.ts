/**
 * The typed commands for those who run a cluster, in groups: `disque.cluster.nodes`, `disque.config.set(…)`, …
 *
 * Each is a command of one node: the node that commands go to, also on a pool; `disque.on("host:port")` has those of another.
 * By default a command fails with a `CommandError`, and with `InvalidArgument` if an argument does not fit.
 *
 * The commands are those that the modules of `commands/` define: their types and their documentation are taken from there.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { Command } from "./Command.js"
import * as Client from "./commands/client.js"
import * as Cluster from "./commands/cluster.js"
import * as Config from "./commands/config.js"
import * as Latency from "./commands/latency.js"
import * as Raw from "./commands/raw.js"
import * as Server from "./commands/server.js"
import * as SlowLog from "./commands/slowlog.js"
import type { CommandError, InvalidArgument } from "./DisqueError.js"

/** What makes commands of one kind. */
interface Maker {
  readonly encode?: unknown
  readonly make: (...input: ReadonlyArray<never>) => Either.Either<Command<unknown, unknown>, InvalidArgument>
}

/** The method that sends a command: an effect if the command has no arguments, else a function that gives one. */
type Method<D> = D extends {
  readonly make: (
    ...input: infer Input extends ReadonlyArray<unknown>
  ) => Either.Either<Command<infer A, infer E>, InvalidArgument>
}
  ? Input extends readonly []
    ? Effect.Effect<A, E | CommandError>
    : (...input: Input) => Effect.Effect<A, E | CommandError | InvalidArgument>
  : never

/**
 * The methods that send the commands of a module. The mapping keeps the names, and with them what their definitions say. The groups
 * are interfaces, so that the declarations of other packages can name them.
 */
type Methods<Module> = { readonly [Name in keyof Module]: Method<Module[Name]> }

/**
 * The commands about a node.
 *
 * @since 0.1.0
 * @category services
 */
export interface ServerCommands
  extends Methods<
    Pick<typeof Server, "info" | "time" | "auth" | "commands" | "rewriteAof" | "shutdown"> & Pick<typeof Raw, "debug">
  > {}

/**
 * The commands about a node's place in its cluster.
 *
 * @since 0.1.0
 * @category services
 */
export interface ClusterCommands extends Methods<typeof Cluster> {}

/**
 * The commands about a node's configuration.
 *
 * @since 0.1.0
 * @category services
 */
export interface ConfigCommands extends Methods<typeof Config> {}

/**
 * The commands about the clients of a node. A connection or a pool is several of them: one for each link.
 *
 * @since 0.1.0
 * @category services
 */
export interface ClientCommands extends Methods<typeof Client> {}

/**
 * The commands about what took a node long.
 *
 * @since 0.1.0
 * @category services
 */
export interface SlowLogCommands extends Methods<typeof SlowLog> {}

/**
 * The commands about what made a node wait. A node measures that if `latency-monitor-threshold` (ms) is above 0.
 *
 * @since 0.1.0
 * @category services
 */
export interface LatencyCommands extends Methods<typeof Latency> {}

/**
 * The groups of commands.
 *
 * @since 0.1.0
 * @category services
 */
export interface AdminCommands {
  /**
   * The commands about the node itself.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect } from "effect"
   *
   * // The groups of one node: without `on`, that of the node in use.
   * const program = Effect.gen(function* () {
   *   const { client, cluster, config, latency, server, slowlog } = (yield* DisquePool).on("10.0.0.3:7711")
   *   return yield* Effect.all({
   *     memory: Effect.map(server.info("memory"), (info) => info.get("memory")?.get("used_memory")),
   *     limit: Effect.map(config.get("maxmemory"), (found) => found.get("maxmemory")),
   *     clients: Effect.map(client.list, ({ length }) => length),
   *     isLeaving: cluster.leaving,
   *     slow: slowlog.length,
   *     waits: Effect.map(latency.latest, ({ length }) => length)
   *   })
   * })
   * ```
   */
  readonly server: ServerCommands
  /**
   * The commands about the node's place in its cluster.
   *
   * @see {@link AdminCommands.server}
   */
  readonly cluster: ClusterCommands
  /**
   * The commands about the node's configuration.
   *
   * @see {@link AdminCommands.server}
   */
  readonly config: ConfigCommands
  /**
   * The commands about the clients of the node.
   *
   * @see {@link AdminCommands.server}
   */
  readonly client: ClientCommands
  /**
   * The commands about what took the node long.
   *
   * @see {@link AdminCommands.server}
   */
  readonly slowlog: SlowLogCommands
  /**
   * The commands about what made the node wait.
   *
   * @see {@link AdminCommands.server}
   */
  readonly latency: LatencyCommands
}

type Ready = Either.Either<Command<unknown, unknown>, InvalidArgument>

type Send = (command: Ready) => Effect.Effect<unknown, unknown>

/** Gives what makes the methods of a module. The commands without arguments are made here, once. */
const methodsOf = <Module extends Readonly<Record<string, Maker>>>(
  module: Module
): ((send: Send) => Methods<Module>) => {
  const methods = Object.entries(module).map(([name, { encode, make }]): readonly [string, (send: Send) => unknown] => {
    if (encode !== undefined)
      return [
        name,
        (send) =>
          (...input: ReadonlyArray<never>) =>
            send(make(...input))
      ]
    const ready = make()
    return [name, (send) => send(ready)]
  })
  return (send) => Object.fromEntries(methods.map(([name, method]) => [name, method(send)])) as Methods<Module>
}

const { auth, commands, info, rewriteAof, shutdown, time } = Server

const groups = {
  server: methodsOf({ info, time, auth, commands, rewriteAof, shutdown, debug: Raw.debug }),
  cluster: methodsOf(Cluster),
  config: methodsOf(Config),
  client: methodsOf(Client),
  slowlog: methodsOf(SlowLog),
  latency: methodsOf(Latency)
}

/** @internal */
export const make = (
  send: <A, E>(
    command: Either.Either<Command<A, E>, InvalidArgument>
  ) => Effect.Effect<A, E | CommandError | InvalidArgument>
): AdminCommands => {
  const server = groups.server(send)
  return {
    server: {
      ...server,
      // A node that ends does not reply: the end of the link is the success of the command.
      shutdown: (options) =>
        Effect.catchTag(server.shutdown(options), "OutcomeUnknown", (error) =>
          error.cause.reason === "lost" ? Effect.void : Effect.fail(error)
        )
    },
    cluster: groups.cluster(send),
    config: groups.config(send),
    client: groups.client(send),
    slowlog: groups.slowlog(send),
    latency: groups.latency(send)
  }
}
