/**
 * A pool of connections: the typed commands for all fibers of a program, and connections to take out where one is needed alone.
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

/** The options of a pool: those of a connection, with `maxActive` 5 and `maxIdle` 2 unless told otherwise. */
export type PoolOptions = ConnectionOptions

/** What the links of a pool are doing. */
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

/** A node as the pool sees it. */
export interface NodeHealth {
  /** The address at which it is dialed. */
  readonly address: string
  /** Unknown where it has not been reached, nor told of by another one. */
  readonly id: string | undefined
  /** 1: fine. 5: no link to it. 10: suspected to fail. 100: failed or leaving. */
  readonly priority: number
  /** Whether commands go there. */
  readonly isCurrent: boolean
  /** For how long others go first, because it failed. */
  readonly restsFor: Duration.Duration
}

/** How a pool fares. */
export interface PoolHealth {
  readonly nodes: ReadonlyArray<NodeHealth>
  /** What fetches jobs for funnels and workers: which node it is on, when it last heard of it, and why not. */
  readonly fetchers: ReadonlyArray<FetcherHealth>
}

const make = (options: PoolOptions = {}): Effect.Effect<DisquePool.Service, ConnectError, DisqueDialer | Scope.Scope> =>
  Effect.gen(function* () {
    const checked = yield* limits.check("DisquePool", options, { maxActive: 5, maxIdle: 2, hasReplicationLinks: true })
    const client = yield* Client.make(checked)
    const { cluster, fetching, links, permits, ready } = client
    const fetcher = yield* fetching.fetcher
    const pool: DisquePool.Service & Consuming = {
      ...clientCommands(client, (request) => permits.run(fetcher.fetch(request)), true),
      connection: Effect.gen(function* () {
        yield* permits.scoped
        const fetcher = yield* fetching.fetcher
        return {
          ...clientCommands(client, (request) => fetcher.fetch(request), false),
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
 */
export class DisquePool extends Context.Tag("@disco/core/DisquePool")<DisquePool, DisquePool.Service>() {
  /** Opens a pool over the links of a `DisqueDialer`. Its end waits for the replies that are still due. */
  static readonly make = make

  /** A pool as a layer. */
  static readonly layer = (options?: PoolOptions): Layer.Layer<DisquePool, ConnectError, DisqueDialer> =>
    Layer.scoped(DisquePool, make(options))
}

/** The types of the pool. */
export declare namespace DisquePool {
  /** What a pool offers. */
  interface Service extends DisqueCommands.DisqueCommands {
    /**
     * A connection that is counted as active until the scope ends, which waits for the replies that are still due. The calls on
     * it need not stand in line: take one for a loop that waits for jobs.
     */
    readonly connection: Effect.Effect<DisqueConnection.Service, PoolExhausted, Scope.Scope>
    /**
     * The same commands on the node at the address given, and on no other: `host:port`, or one that `health` or a job shows. For
     * what is no address they fail with a `ConnectionError` whose cause is an `InvalidArgument`, and which does not show it.
     */
    readonly on: (node: string) => DisqueCommands.DisqueCommands
    readonly statistics: Effect.Effect<PoolStatistics>
    /** What is known of the nodes. It is said at once and asks nobody: `ready` does. */
    readonly health: Effect.Effect<PoolHealth>
    /**
     * Asks the cluster whether commands can be done, and gives the address of the node that said so: for the readiness probes of
     * what runs programs. A node has to answer a HELLO, and neither to load its jobs nor to leave its cluster. The node in use is
     * asked first; where it has not answered after 250 ms, or less where the time is short, the next one is asked too.
     *
     * It needs no permit, and ends within `within`, 1 second unless told otherwise, whatever the nodes do. Where none has said that
     * it works by then it fails with a `ConnectionError` whose reason is `silent`; before that, where all have failed, with what one
     * of them said, or with why they could not be reached.
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
