/**
 * A pool of connections: the typed commands for all fibres of a program, and connections to take out where one is needed alone.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Command } from "./Command.js"
import * as DisqueCommands from "./DisqueCommands.js"
import type { ConnectError, Service as Connection, ConnectionOptions } from "./DisqueConnection.js"
import type { PoolExhausted } from "./DisqueError.js"
import type { DisqueDialer } from "./DisqueLink.js"
import { Client } from "./internal/client.js"
import * as limits from "./internal/limits.js"

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
  }
}

/** What a pool offers. */
export interface Service extends DisqueCommands.DisqueCommands {
  /**
   * A connection that is counted as active until the scope ends, which waits for the replies that are still due. The calls on
   * it need not stand in line: take one for a loop that waits for jobs.
   */
  readonly connection: Effect.Effect<Connection, PoolExhausted, Scope.Scope>
  readonly statistics: Effect.Effect<PoolStatistics>
}

const make = (options: PoolOptions = {}): Effect.Effect<Service, ConnectError, DisqueDialer | Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* Client.make(yield* limits.check("DisquePool", options, { maxActive: 5, maxIdle: 2 }))
    const fetcher = yield* client.fetcher
    const carrier = {
      execute: <A, E>(command: Command<A, E>) => client.execute(command),
      executeOn: <A, E>(node: string, command: Command<A, E>) => client.executeOn(node, command),
      nodes: client.nodes
    }
    return {
      ...DisqueCommands.make({
        ...carrier,
        coversCluster: true,
        fetch: (request) => client.withPermit(fetcher.fetch(request))
      }),
      connection: Effect.gen(function* () {
        yield* client.permit
        const fetcher = yield* client.fetcher
        return {
          ...DisqueCommands.make({ ...carrier, coversCluster: false, fetch: (request) => fetcher.fetch(request) }),
          node: Effect.sync(() => client.node)
        }
      }),
      statistics: Effect.sync(() => ({
        active: client.permits.active,
        waiting: client.permits.waiting,
        idle: client.idle,
        created: client.counts.created,
        closed: {
          surplus: client.counts.surplus,
          expired: client.counts.expired,
          silent: client.counts.silent
        }
      }))
    }
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
export class DisquePool extends Context.Tag("@disco/core/DisquePool")<DisquePool, Service>() {
  /** Opens a pool over the links of a `DisqueDialer`. Its end waits for the replies that are still due. */
  static readonly make = make

  /** A pool as a layer. */
  static readonly layer = (options?: PoolOptions): Layer.Layer<DisquePool, ConnectError, DisqueDialer> =>
    Layer.scoped(DisquePool, make(options))
}
