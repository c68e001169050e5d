/**
 * A pool of connections: the typed commands for all fibers of a program, and connections to take out for one fiber alone.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Client from "./client.js"
import { clientCommands } from "./clientCommands.js"
import type { ReadyError, ReadyOptions } from "./cluster/readiness.js"
import type * as DisqueCommands from "./DisqueCommands.js"
import type { ConnectError, ConnectionOptions, DisqueConnection } from "./DisqueConnection.js"
import type { PoolExhausted } from "./DisqueError.js"
import type { DisqueDialer } from "./DisqueLink.js"
import type { FetcherHealth } from "./fetching/fetchLoop.js"
import { Consume, type Consuming } from "./internal/consume.js"
import * as OptionReader from "./internal/optionReader.js"
import * as limits from "./links/limits.js"

/**
 * The options of a pool: those of a connection. The default of `maxActive` is 5, and that of `maxIdle` is 2.
 *
 * @since 0.1.0
 * @category options
 */
export type PoolOptions = ConnectionOptions

/**
 * What the links of a pool are doing.
 *
 * @since 0.1.0
 * @category models
 */
export interface PoolStatistics {
  /** Connections in use: taken out, or waiting for a job. */
  readonly active: number
  /** Calls that stand in line for a connection. */
  readonly waiting: number
  /** Links kept open for the next wait. */
  readonly idle: number
  /** Links opened so far. */
  readonly created: number
  /** Links closed so far, by reason. */
  readonly closed: {
    /** More than `maxIdle` were idle. */
    readonly surplus: number
    /** Unused for `idleTimeToLive`. */
    readonly expired: number
    /** A reply did not come in time. */
    readonly silent: number
    /** The other end closed it, or the network did. */
    readonly lost: number
  }
}

/**
 * A node as the pool sees it.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeHealth {
  /** The address at which the node is dialed. */
  readonly address: string
  /** Undefined until the node, or another node of its cluster, has told its id. */
  readonly id: string | undefined
  /** 1: fine. 5: no link to it. 10: suspected to fail. 100: failed or leaving. */
  readonly priority: number
  /** Whether this is the node in use, which commands go to. */
  readonly isCurrent: boolean
  /** For how long other nodes are preferred, because this one failed. */
  readonly restsFor: Duration.Duration
}

/**
 * How a pool fares.
 *
 * @since 0.1.0
 * @category models
 */
export interface PoolHealth {
  readonly nodes: ReadonlyArray<NodeHealth>
  /** The loops that fetch jobs for funnels and workers: the node of each, when that node last answered, and why it does not. */
  readonly fetchers: ReadonlyArray<FetcherHealth>
}

const make = (options?: PoolOptions): Effect.Effect<DisquePool.Service, ConnectError, DisqueDialer | Scope.Scope> =>
  Effect.gen(function* () {
    const checked = yield* limits.check("DisquePool", options, { maxActive: 5, maxIdle: 2, hasReplicationLinks: true })
    const client = yield* Client.make(checked)
    const { cluster, fetching, links, permits, ready } = client
    const calls = yield* fetching.getJobCalls
    const pool: DisquePool.Service & Consuming = {
      ...clientCommands(client, (request) => permits.run(calls.fetch(request)), true),
      connection: Effect.gen(function* () {
        yield* permits.scoped
        const calls = yield* fetching.getJobCalls
        return {
          ...clientCommands(client, (request) => calls.fetch(request), false),
          ready,
          node: Effect.sync(() => cluster.node)
        }
      }),
      statistics: Effect.sync(() => {
        const { created, ...closed } = links.counts
        return { active: permits.active, waiting: permits.waiting, idle: links.idle, created, closed }
      }),
      [Consume]: (queues, options) =>
        Either.match(
          Either.all({
            queues: OptionReader.queues("GETJOB", queues),
            count: OptionReader.count("GETJOB", "count", options.count ?? 64, 1, Number.MAX_SAFE_INTEGER),
            perNode: OptionReader.count("consume", "perNode", options.perNode ?? 1, 1, 1024),
            sliceMillis:
              options.slice === undefined
                ? Either.right(checked.sliceMillis)
                : OptionReader.duration("consume", "slice", options.slice, 1)
          }),
          {
            onLeft: Effect.fail,
            onRight: (request) =>
              fetching.consume({
                ...request,
                isRanked: options.ranked === true && request.queues.length > 1,
                demand: options.demand,
                receive: options.receive,
                unwanted:
                  typeof options.unwanted === "function"
                    ? options.unwanted
                    : options.unwanted === "nack"
                      ? "NACK"
                      : "ENQUEUE"
              })
          }
        ),
      ready,
      health: Effect.sync(() => ({
        nodes: cluster.topology.nodes.map(({ address, id, priority }) => ({
          address,
          id,
          priority,
          isCurrent: address === cluster.node,
          restsFor: Duration.millis(cluster.topology.restMillis(address))
        })),
        fetchers: fetching.health
      }))
    }
    return pool
  })

/**
 * The pool that a program uses.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   yield* pool.addJob("greetings", "hello")
 *   const connection = yield* pool.connection
 *   const jobs = yield* connection.getJobs("greetings", { count: 10, timeout: "2 seconds" })
 *   yield* pool.ackJob(jobs)
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class DisquePool extends Context.Tag("@disco/core/DisquePool")<DisquePool, DisquePool.Service>() {
  /**
   * Opens a pool over the links of a `DisqueDialer`. The end of the scope waits for the replies that are still due.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { NodeDisque } from "@disco/node"
   * import { Effect } from "effect"
   *
   * // A pool for one piece of work alone, for as long as the scope.
   * const program = Effect.gen(function* () {
   *   const pool = yield* DisquePool.make({ maxActive: 20 })
   *   return yield* pool.getJobs("imports", { count: 100, timeout: "1 second" })
   * }).pipe(Effect.scoped, Effect.provide(NodeDisque.layerDialer({ nodes: "localhost:7711" })))
   * ```
   *
   * @since 0.1.0
   */
  static readonly make = make

  /**
   * A pool as a layer.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { EmbeddedDisque } from "@disco/embedded"
   * import { Layer } from "effect"
   *
   * // Over the links of any dialer: here those to three nodes in the process.
   * const Pool = DisquePool.layer({ maxActive: 10 }).pipe(
   *   Layer.provide(EmbeddedDisque.layerDialer),
   *   Layer.provide(EmbeddedDisque.layer({ nodes: 3 }))
   * )
   * ```
   *
   * @since 0.1.0
   */
  static readonly layer = (options?: PoolOptions): Layer.Layer<DisquePool, ConnectError, DisqueDialer> =>
    Layer.scoped(DisquePool, make(options))
}

/**
 * The types of the pool.
 *
 * @since 0.1.0
 * @category services
 */
export declare namespace DisquePool {
  /**
   * What a pool offers. `queueLength`, `queueStats`, `oldestAge`, `show`, `queues`, `jobs` and `jobIds` ask the whole cluster.
   *
   * @since 0.1.0
   * @category services
   */
  interface Service extends DisqueCommands.DisqueCommands {
    /**
     * A connection that counts as active until the scope ends. The end of the scope waits for the replies that are still due. Calls on
     * this connection do not stand in line for a permit: take one for a loop that waits for jobs.
     *
     * @see {@link DisquePool}
     */
    readonly connection: Effect.Effect<DisqueConnection.Service, PoolExhausted, Scope.Scope>
    /**
     * The same commands on the node at the address given, and on no other: `host:port`, or an address that `health` or a job shows.
     * If the text is not an address, the commands fail with a `ConnectionError` whose cause is an `InvalidArgument`. Neither error shows
     * the text, which may hold a password.
     *
     * @example
     * ```ts
     * import { DisquePool } from "@disco/core"
     * import { Effect } from "effect"
     *
     * // The nodes that the pool knows, and how many jobs each of them has.
     * const program = Effect.gen(function* () {
     *   const pool = yield* DisquePool
     *   const { nodes } = yield* pool.health
     *   return yield* Effect.forEach(nodes, ({ address }) =>
     *     Effect.map(pool.on(address).server.info("jobs"), (info) => [address, info.get("jobs")?.get("registered_jobs")])
     *   )
     * })
     * ```
     */
    readonly on: (node: string) => DisqueCommands.DisqueCommands
    /**
     * How many connections and links the pool has, and has had.
     *
     * @example
     * ```ts
     * import { DisquePool } from "@disco/core"
     * import { Effect, Schedule } from "effect"
     *
     * // Says once a minute whether calls had to wait for a connection.
     * const program = Effect.gen(function* () {
     *   const pool = yield* DisquePool
     *   const { active, waiting } = yield* pool.statistics
     *   if (waiting > 0) yield* Effect.logWarning(`${active} connections are in use, ${waiting} calls wait`)
     * }).pipe(Effect.repeat(Schedule.spaced("1 minute")))
     * ```
     */
    readonly statistics: Effect.Effect<PoolStatistics>
    /**
     * What is known of the nodes at present. No node is asked; `ready` asks them.
     *
     * @see {@link DisquePool.Service.on}
     */
    readonly health: Effect.Effect<PoolHealth>
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
     * import { DisquePool } from "@disco/core"
     * import { Effect } from "effect"
     *
     * const probe = Effect.flatMap(DisquePool, (pool) => pool.ready({ within: "500 millis" })).pipe(
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
