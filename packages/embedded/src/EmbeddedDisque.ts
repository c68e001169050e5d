/**
 * Disque nodes in the process: for tests under `TestClock`, and behind a socket to try Disque without a server. They answer as
 * Disque 1.0-rc1 does. Several nodes form a cluster.
 *
 * @since 0.1.0
 */
import {
  type ConnectError,
  ConnectionError,
  DisqueConnection,
  DisqueDialer,
  type DisqueLink,
  DisquePool,
  type InvalidArgument
} from "@disco/core"
import { OptionReader, Time } from "@disco/core/internal"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { StorageError } from "./internal/disk/storageError.js"
import { Cluster } from "./internal/host/cluster.js"
import { Loads, openDisks } from "./internal/host/disks.js"
import { makeLink } from "./internal/host/link.js"
import type { ForgottenJob, NodeProcess, Session } from "./internal/host/nodeProcess.js"
import { runner } from "./internal/host/runner.js"
import type { SessionHandlers } from "./internal/node/client.js"
import { Config } from "./internal/node/config.js"
import type { ProcessFigures } from "./internal/node/process.js"

export type { ProcessFigures } from "./internal/node/process.js"

/**
 * A node of an embedded cluster.
 *
 * @since 0.1.0
 * @category models
 */
export interface EmbeddedNode {
  /** `host:port`. The node has this address even if nothing listens there. */
  readonly address: string
  /** 40 hexadecimal digits. `CLUSTER RESET HARD` changes it. */
  readonly id: string
  /** `down`: killed, or ended by SHUTDOWN. `frozen`: it keeps its clients and its jobs, and does nothing. */
  readonly state: "up" | "frozen" | "down"
  /**
   * Waits until the node is up. A node is up from the start, and again after a restart.
   *
   * @example
   * ```ts
   * import { EmbeddedDisque } from "@disco/embedded"
   * import { NodeContext } from "@effect/platform-node"
   * import { Effect } from "effect"
   *
   * // Starts a node again that a client has ended by SHUTDOWN.
   * const program = Effect.gen(function* () {
   *   const { nodes, restart } = yield* EmbeddedDisque.make({ dir: "data" })
   *   const [node] = nodes
   *   for (;;) {
   *     yield* node.loaded
   *     yield* Effect.log(`${node.address} is up, and its jobs are read`)
   *     yield* node.down
   *     yield* Effect.fork(restart(node))
   *     yield* node.up
   *   }
   * }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
   * ```
   */
  readonly up: Effect.Effect<void>
  /**
   * Waits until the node is down: killed, or ended by SHUTDOWN.
   *
   * @see {@link EmbeddedNode.up}
   */
  readonly down: Effect.Effect<void>
  /**
   * Waits until the jobs that the node has on disk are read, after its start or its last restart. Until then, it answers LOADING to
   * most commands. A node whose files cannot be read is down. A node in memory has nothing to read.
   *
   * @see {@link EmbeddedNode.up}
   */
  readonly loaded: Effect.Effect<void, StorageError>
  /**
   * Opens a session, as links and servers do. Returns `undefined` if the node is down, or has as many sessions as it allows.
   * A session with an `address` is that of a client outside of the process.
   */
  readonly connect: (
    handlers: SessionHandlers,
    options?: { readonly address?: string; readonly isAuthenticated?: boolean }
  ) => Session | undefined
}

/**
 * The options of an embedded cluster.
 *
 * @since 0.1.0
 * @category options
 */
export interface EmbeddedOptions {
  /** How many nodes there are. Default: one for each port, or 1. At most 100. */
  readonly nodes?: number
  /** The ports of their addresses. Default: 7711, 7712, … */
  readonly ports?: ReadonlyArray<number>
  /** The IP address that the nodes have, and tell each other and clients. Default: 127.0.0.1. */
  readonly host?: string
  /** The password that clients have to give. Links in the process need none. */
  readonly requirepass?: Redacted.Redacted<string>
  /** How much memory one node may take, in bytes: its jobs, and the 770 kB of a fresh node. Default: 1 GiB. */
  readonly maxmemory?: number
  /**
   * Parameters of all nodes, as CONFIG SET or a configuration file has them: `{ maxclients: "100" }`. CONFIG GET shows them. Not for
   * `requirepass` and `maxmemory`, which are options of their own.
   */
  readonly config?: Readonly<Record<string, string>>
  /** How long a message between nodes is under way. Default: no time. */
  readonly latency?: Duration.DurationInput
  /** A node that is silent for so long is suspected of having failed. Default: 15 seconds. */
  readonly nodeTimeout?: Duration.DurationInput
  /**
   * How long a job waits in its queue before it goes to a node where a client waits for it. Default: 100 ms. A server asks the
   * other nodes at growing intervals, up to 30 seconds.
   */
  readonly federationDelay?: Duration.DurationInput
  /** What INFO tells of the process. Default: INFO tells of the node alone. */
  readonly process?: ProcessFigures
  /** Called after a client has sent SHUTDOWN, which ends the node as `kill` does. */
  readonly onShutdown?: (node: EmbeddedNode) => void
}

/**
 * The options of nodes that keep their jobs on disk.
 *
 * @since 0.1.0
 * @category models
 */
export interface DurableOptions extends EmbeddedOptions {
  /**
   * The folder of the node, which is made if it is not there. It holds `disque.aof`, the append-only file, and `nodes.conf`, the id
   * of the node: the files of Disque 1.0-rc1, so that a server can be started on the folder, and the other way round. Several nodes
   * have a folder each in `dir`, named by the port.
   */
  readonly dir: string
  /**
   * When records are synced, which makes them safe from a power cut. A command that adds or removes jobs is answered after its record
   * is written, whatever the setting.
   *
   * - `always`: before the command is answered
   * - `everysec`: once a second (the default)
   * - `no`: when the system does so
   */
  readonly appendfsync?: "always" | "everysec" | "no"
  /**
   * Whether the jobs that were queued are queued at once after a start, with one more additional delivery; if not, after their
   * retry time. After a crash, a job counts as queued if it was queued when it was added: what was in the hands of a consumer may come
   * twice. Default: true.
   */
  readonly enqueueJobsOnce?: boolean
}

const defaultPort = 7711
const maxNodes = 100
const maxPort = 65_535
// As in Disque.
const mostPassword = 512

const subject = "EmbeddedDisque"

const readFigures = Effect.fnUntraced(function* (given: ProcessFigures) {
  const figures = yield* OptionReader.record(subject, "process", given)
  yield* OptionReader.count(subject, "process.id", figures.id, 1)
  yield* OptionReader.text(subject, "process.os", figures.os, "the name of an operating system")
  yield* OptionReader.text(subject, "process.executable", figures.executable, "the path of a program")
  for (const name of ["residentMemory", "cpuSeconds"] as const) {
    if (typeof figures[name] !== "function") {
      yield* OptionReader.refuse(subject, `process.${name}`, figures[name], "a function")
    }
  }
  return figures
})

/** What the options above set. */
const notInConfig = /^(requirepass|maxmemory|port)$/

const readConfig = (given: Readonly<Record<string, string>>): Either.Either<Record<string, string>, InvalidArgument> =>
  Either.gen(function* () {
    const parameters = yield* OptionReader.record(subject, "config", given)
    const config = new Config(0)
    for (const [name, value] of Object.entries(parameters)) {
      const set = typeof value !== "string" || notInConfig.test(name) ? "invalid" : config.start(name, value)
      if (set !== "set") {
        const expected = set === "unknown" ? "a parameter that a node has" : "a value that CONFIG SET takes"
        return yield* OptionReader.refuse(subject, `config.${name}`, value, expected)
      }
    }
    return { ...parameters }
  })

const validate = Effect.fnUntraced(function* (given: EmbeddedOptions | undefined) {
  const options = yield* OptionReader.all(subject, given)
  if (options.ports !== undefined && !(Array.isArray(options.ports) && options.ports.length > 0)) {
    return yield* OptionReader.refuse(subject, "ports", options.ports, "an array of one port or more")
  }
  const count = yield* OptionReader.count(subject, "nodes", options.nodes ?? options.ports?.length ?? 1, 1, maxNodes)
  const ports = options.ports ?? Array.from({ length: count }, (_, i) => defaultPort + i)
  if (ports.length !== count) {
    return yield* OptionReader.refuse(subject, "ports", ports, `${count} ports, one for each node`)
  }
  for (const port of ports) yield* OptionReader.count(subject, "ports", port, 1, maxPort)
  if (new Set(ports).size < count) return yield* OptionReader.refuse(subject, "ports", ports, "ports that differ")
  const { maxmemory } = options
  const requirepass =
    options.requirepass === undefined ? "" : yield* OptionReader.secret(subject, "requirepass", options.requirepass)
  if (requirepass.length > mostPassword) {
    return yield* OptionReader.refuse(subject, "requirepass", options.requirepass, `at most ${mostPassword} characters`)
  }
  yield* OptionReader.callback(subject, "onShutdown", options.onShutdown, "a function of a node")
  return {
    ports,
    maxmemory: maxmemory === undefined ? undefined : yield* OptionReader.count(subject, "maxmemory", maxmemory, 1),
    requirepass,
    process: options.process === undefined ? undefined : yield* readFigures(options.process),
    config: yield* readConfig(options.config ?? {}),
    host: yield* OptionReader.text(subject, "host", options.host ?? "127.0.0.1", "an IP address"),
    latency: yield* OptionReader.duration(subject, "latency", options.latency ?? 0, 0),
    nodeTimeout: yield* OptionReader.duration(subject, "nodeTimeout", options.nodeTimeout ?? "15 seconds", 0),
    federationDelay: yield* OptionReader.duration(
      subject,
      "federationDelay",
      options.federationDelay ?? "100 millis",
      0
    )
  }
})

const validateDisks = Effect.fnUntraced(function* (options: DurableOptions, ports: ReadonlyArray<number>) {
  const { dir } = options
  if (typeof dir !== "string" || dir === "" || dir.includes("\0")) {
    return yield* OptionReader.refuse(subject, "dir", dir, "the path of a folder")
  }
  const { appendfsync = "everysec", enqueueJobsOnce = true } = options
  return {
    dir,
    ports,
    appendfsync: yield* OptionReader.word(subject, "appendfsync", appendfsync, ["always", "everysec", "no"]),
    enqueueOnce: yield* OptionReader.flag(subject, "enqueueJobsOnce", enqueueJobsOnce)
  }
})

/**
 * A cluster of nodes in the process.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { EmbeddedDisque } from "@disco/embedded"
 * import { Effect, Layer } from "effect"
 *
 * // A cluster of three nodes, of which one dies and comes back.
 * const program = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   yield* pool.addJob("emails", "hello", { replicate: 2 })
 *   const { kill, nodes, restart } = yield* EmbeddedDisque
 *   yield* kill(nodes[0])
 *   const job = yield* pool.getJob("emails")
 *   yield* restart(nodes[0])
 *   return job
 * }).pipe(
 *   Effect.provide(
 *     DisquePool.layer().pipe(
 *       Layer.provide(EmbeddedDisque.layerDialer),
 *       Layer.provideMerge(EmbeddedDisque.layer({ nodes: 3 }))
 *     )
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class EmbeddedDisque extends Context.Tag("@disco/embedded/EmbeddedDisque")<
  EmbeddedDisque,
  EmbeddedDisque.Service
>() {
  /**
   * Starts a cluster, which ends with the scope. Fails with `InvalidArgument` if an option is not valid.
   *
   * The time is that of the caller's `Clock`, and all chance comes from one draw of the caller's `Random`. Nothing runs while
   * nothing is due. The nodes compute the time of day (TIME, the `ctime` of a job) from the time of their start and the time that
   * has passed since, so that setting the clock of the machine moves neither jobs nor timeouts.
   *
   * @example
   * ```ts
   * import { EmbeddedDisque } from "@disco/embedded"
   * import { NodeContext } from "@effect/platform-node"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const { nodes } = yield* EmbeddedDisque.make({ dir: "data", appendfsync: "always" })
   *   yield* nodes[0].loaded
   *   yield* Effect.log(`the jobs of ${nodes[0].address} are read`)
   * }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
   * ```
   *
   * @since 0.1.0
   */
  static make(
    options: DurableOptions
  ): Effect.Effect<
    EmbeddedDisque.Service,
    InvalidArgument | StorageError,
    Scope.Scope | FileSystem.FileSystem | Path.Path
  >
  /**
   * Starts a cluster in memory, which ends with the scope.
   *
   * @since 0.1.0
   */
  static make(options?: EmbeddedOptions): Effect.Effect<EmbeddedDisque.Service, InvalidArgument, Scope.Scope>
  static make(
    options?: EmbeddedOptions | DurableOptions
  ): Effect.Effect<
    EmbeddedDisque.Service,
    InvalidArgument | StorageError,
    Scope.Scope | FileSystem.FileSystem | Path.Path
  > {
    return Effect.gen(function* () {
      const valid = yield* validate(options)
      const disks =
        options !== undefined && "dir" in options
          ? yield* Effect.flatMap(validateDisks(options, valid.ports), openDisks)
          : []
      const clock = yield* Effect.clock
      const seed = Math.floor((yield* Random.next) * Number.MAX_SAFE_INTEGER)
      const embedded = new Map<NodeProcess, EmbeddedNode>()
      const nodes = new Map<EmbeddedNode, NodeProcess>()
      const cluster = new Cluster({
        ...valid,
        disks,
        seed,
        // Delays, retries, TTLs and timeouts are durations: setting the clock does not change them.
        micros: Time.steadyMicrosOfDay(clock),
        onShutdown: (node) => {
          const shown = embedded.get(node)
          if (shown !== undefined) options?.onShutdown?.(shown)
        }
      })
      const loads = new Loads(cluster)
      for (const [i, disk] of disks.entries()) {
        const node = cluster.nodes[i] as NodeProcess
        if (disk.folder.id === undefined) yield* disk.folder.keepId(node.id)
      }
      for (const node of cluster.nodes) {
        const shown: EmbeddedNode = {
          address: `${node.host}:${node.port}`,
          get id() {
            return node.id
          },
          get state() {
            return node.isUp ? (node.isFrozen ? "frozen" : "up") : "down"
          },
          up: untilUp(node, true),
          down: untilUp(node, false),
          loaded: loads.loaded(node),
          connect: (handlers, connection) => node.connect(handlers, connection)
        }
        embedded.set(node, shown)
        nodes.set(shown, node)
      }
      yield* Effect.acquireRelease(Effect.forkScoped(Effect.interruptible(runner(cluster))), () =>
        Effect.ensuring(
          Effect.forEach(cluster.nodes, (node) => node.putAway, { concurrency: "unbounded", discard: true }),
          Effect.sync(() => {
            for (const node of cluster.nodes) cluster.kill(node)
          })
        )
      )
      for (const [i, { fork }] of disks.entries()) {
        const node = cluster.nodes[i] as NodeProcess
        loads.begin(node, fork)
        fork(node.record)
      }
      const on = (change: (node: NodeProcess) => void) => (shown: EmbeddedNode) =>
        Effect.sync(() => {
          const node = nodes.get(shown)
          if (node !== undefined) change(node)
        })
      const pairs = cluster.nodes.flatMap((a, i) => cluster.nodes.slice(i + 1).map((b) => [a, b] as const))
      const [first, ...others] = [...nodes.keys()]
      return {
        nodes: [first as EmbeddedNode, ...others] as const,
        kill: on((node) => cluster.kill(node)),
        restart: (shown) =>
          Effect.suspend(() => {
            const node = nodes.get(shown)
            if (node === undefined || node.isUp) return Effect.void
            cluster.restart(node)
            const disk = disks[cluster.nodes.indexOf(node)]
            if (disk === undefined) return Effect.void
            loads.begin(node, disk.fork)
            return Effect.ignore(loads.loaded(node))
          }),
        leave: on((node) => cluster.leave(node)),
        freeze: on((node) => cluster.freeze(node)),
        thaw: on((node) => cluster.thaw(node)),
        redeliver: (shown, job) => Effect.sync(() => nodes.get(shown)?.redeliver(job) ?? false),
        isolate: (...isolated: ReadonlyArray<EmbeddedNode>) =>
          Effect.sync(() => {
            const inside = new Set(isolated.map((node) => nodes.get(node)))
            for (const [a, b] of pairs) if (inside.has(a) !== inside.has(b)) cluster.cut(a, b)
          }),
        heal: Effect.sync(() => {
          for (const [a, b] of pairs) cluster.heal(a, b)
        })
      }
    })
  }

  /**
   * A cluster as a layer. Nodes on disk have read their jobs when the layer is built; at its end, they write the file anew.
   *
   * @example
   * ```ts
   * import { EmbeddedDisque } from "@disco/embedded"
   * import { NodeContext } from "@effect/platform-node"
   * import { Layer } from "effect"
   *
   * const broker = EmbeddedDisque.layer({ dir: "data", appendfsync: "always" }).pipe(Layer.provide(NodeContext.layer))
   * ```
   *
   * @since 0.1.0
   */
  static layer(
    options: DurableOptions
  ): Layer.Layer<EmbeddedDisque, InvalidArgument | StorageError, FileSystem.FileSystem | Path.Path>
  /**
   * A cluster in memory as a layer.
   *
   * @since 0.1.0
   */
  static layer(options?: EmbeddedOptions): Layer.Layer<EmbeddedDisque, InvalidArgument>
  static layer(
    options?: EmbeddedOptions | DurableOptions
  ): Layer.Layer<EmbeddedDisque, InvalidArgument | StorageError, FileSystem.FileSystem | Path.Path> {
    return Layer.scoped(
      EmbeddedDisque,
      Effect.tap(EmbeddedDisque.make(options as DurableOptions), ({ nodes }) =>
        Effect.forEach(nodes, (node) => node.loaded, { discard: true })
      )
    )
  }

  /**
   * A connection to a node of its own. Built together with `layerPool`, both use the same node.
   *
   * @example
   * ```ts
   * import { DisqueConnection } from "@disco/core"
   * import { EmbeddedDisque } from "@disco/embedded"
   * import { Effect } from "effect"
   *
   * const program = Effect.flatMap(DisqueConnection, (disque) => disque.addJob("greetings", "hello")).pipe(
   *   Effect.provide(EmbeddedDisque.layerConnection)
   * )
   * ```
   *
   * @since 0.1.0
   */
  static get layerConnection(): Layer.Layer<DisqueConnection, ConnectError> {
    return connection
  }

  /**
   * A pool of connections to a node of its own. Built together with `layerConnection`, both use the same node.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { EmbeddedDisque } from "@disco/embedded"
   * import { Effect } from "effect"
   *
   * const program = Effect.flatMap(DisquePool, (pool) => pool.addJob("greetings", "hello")).pipe(
   *   Effect.provide(EmbeddedDisque.layerPool)
   * )
   * ```
   *
   * @since 0.1.0
   */
  static get layerPool(): Layer.Layer<DisquePool, ConnectError> {
    return pool
  }

  /**
   * Links to the nodes without a socket. A command is answered before `send` returns, unless it has to wait.
   *
   * @see {@link EmbeddedDisque}
   * @since 0.1.0
   */
  static readonly layerDialer: Layer.Layer<DisqueDialer, never, EmbeddedDisque> = Layer.effect(
    DisqueDialer,
    Effect.map(EmbeddedDisque, ({ nodes }) => ({
      seeds: nodes.map((node) => node.address),
      dial: (address) => Effect.suspend(() => dial(nodes, address))
    }))
  )
}

/**
 * The types of the cluster.
 *
 * @since 0.1.0
 * @category services
 */
export declare namespace EmbeddedDisque {
  /**
   * What a cluster offers.
   *
   * @since 0.1.0
   * @category services
   */
  interface Service {
    /**
     * The nodes, in the order of their ports.
     *
     * @see {@link EmbeddedDisque}
     */
    readonly nodes: readonly [EmbeddedNode, ...ReadonlyArray<EmbeddedNode>]
    /**
     * Ends a node at once: its clients are cut off, its jobs are gone, except from the disk.
     *
     * @see {@link EmbeddedDisque}
     */
    readonly kill: (node: EmbeddedNode) => Effect.Effect<void>
    /**
     * Starts a killed node again, under the same id: empty, or with the jobs that it has on disk, once they are read.
     *
     * @see {@link EmbeddedDisque}
     */
    readonly restart: (node: EmbeddedNode) => Effect.Effect<void>
    /**
     * Makes a node leave, as CLUSTER LEAVING yes does. A restart or CLUSTER LEAVING no makes it stay.
     *
     * @example
     * ```ts
     * import { EmbeddedDisque } from "@disco/embedded"
     * import { Effect } from "effect"
     *
     * // What a cluster goes through: a node leaves, one hangs for a while, and one hears nothing of the others.
     * const trouble = Effect.gen(function* () {
     *   const { freeze, heal, isolate, leave, nodes, thaw } = yield* EmbeddedDisque
     *   const [first, second = first, third = first] = nodes
     *   yield* leave(first)
     *   yield* freeze(second)
     *   yield* Effect.sleep("1 minute")
     *   yield* thaw(second)
     *   yield* isolate(third)
     *   yield* Effect.sleep("1 minute")
     *   yield* heal
     * })
     * ```
     */
    readonly leave: (node: EmbeddedNode) => Effect.Effect<void>
    /**
     * Stops a node where it is: it accepts commands and messages, and does nothing.
     *
     * @see {@link EmbeddedDisque.Service.leave}
     */
    readonly freeze: (node: EmbeddedNode) => Effect.Effect<void>
    /**
     * Lets a frozen node go on.
     *
     * @see {@link EmbeddedDisque.Service.leave}
     */
    readonly thaw: (node: EmbeddedNode) => Effect.Effect<void>
    /**
     * Cuts the links between the nodes given and all others. Clients still reach every node.
     *
     * @see {@link EmbeddedDisque.Service.leave}
     */
    readonly isolate: (...nodes: ReadonlyArray<EmbeddedNode>) => Effect.Effect<void>
    /**
     * Queues a job that was acknowledged once more on a node, with one additional delivery, as a node does that has not heard of the
     * acknowledgement. False if the node is down or knows the job, or if the job is one that never comes again (a retry time of 0).
     *
     * @example
     * ```ts
     * import type { Job } from "@disco/core"
     * import { EmbeddedDisque } from "@disco/embedded"
     * import { Effect } from "effect"
     *
     * // The acknowledgement of a job did not reach the node.
     * const again = ({ body, id, queue }: Job.Job) =>
     *   Effect.gen(function* () {
     *     const { nodes, redeliver } = yield* EmbeddedDisque
     *     return yield* redeliver(nodes[0], { id, queue, body, retry: 60, ttl: 3600 })
     *   })
     * ```
     */
    readonly redeliver: (node: EmbeddedNode, job: ForgottenJob) => Effect.Effect<boolean>
    /**
     * Restores all links.
     *
     * @see {@link EmbeddedDisque.Service.leave}
     */
    readonly heal: Effect.Effect<void>
  }
}

const untilUp = (node: NodeProcess, isUp: boolean): Effect.Effect<void> => {
  const changed = Effect.async<void>((resume) => {
    const watcher = () => resume(Effect.void)
    if (node.isUp === isUp) return watcher()
    return Effect.sync(node.watch(watcher))
  })
  // The node may have changed again before the waiting fiber goes on.
  return Effect.repeat(changed, { until: () => node.isUp === isUp })
}

// One value, so that a build that needs it twice makes one node.
const links = Layer.provide(EmbeddedDisque.layerDialer, EmbeddedDisque.layer())
const connection = Layer.provide(DisqueConnection.layer(), links)
const pool = Layer.provide(DisquePool.layer(), links)

const dial = (nodes: ReadonlyArray<EmbeddedNode>, address: string): Effect.Effect<DisqueLink, ConnectionError> => {
  const wanted = address.replace(/^localhost:/i, "127.0.0.1:")
  const link = nodes.find((node) => node.address === wanted)
  const made = link === undefined ? undefined : makeLink(link, address)
  return made === undefined
    ? Effect.fail(new ConnectionError({ node: address, reason: "refused" }))
    : Effect.succeed(made)
}
