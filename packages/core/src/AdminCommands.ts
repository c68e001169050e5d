/**
 * The typed commands for those who run a cluster, in groups: `disque.cluster.nodes`, `disque.config.set(…)`, …
 *
 * Each is of the node that commands go to, on a pool too; `disque.on("host:port")` has those of another. Unless told otherwise it fails with a `CommandError`, and with
 * `InvalidArgument` where an argument does not fit.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Command } from "./Command.js"
import * as Client from "./commands/client.js"
import * as Cluster from "./commands/cluster.js"
import * as Config from "./commands/config.js"
import * as Latency from "./commands/latency.js"
import * as Raw from "./commands/raw.js"
import * as Server from "./commands/server.js"
import * as SlowLog from "./commands/slowlog.js"
import type { CommandError, InvalidArgument, OutcomeUnknown } from "./DisqueError.js"
import type { Reply } from "./Reply.js"

/** The commands about a node. */
export interface ServerCommands {
  /**
   * INFO: what the node measures of itself, by section and field: `info.get("jobs")?.get("registered_jobs")`. Memory is in
   * bytes, times are in what their names say. `section` is one of its sections, or `all` for `commandstats` too.
   */
  readonly info: (
    section?: Server.InfoSection | "default" | "all" | (string & {})
  ) => Effect.Effect<Server.ServerInfo, CommandError | InvalidArgument>
  /** TIME: the time on the node, to the microsecond. */
  readonly time: Effect.Effect<Server.ServerTime, CommandError>
  /**
   * AUTH: authenticates the link for commands. Links authenticate by themselves where the layer was given a password.
   *
   * Fails with `NotAuthenticated` where the password is wrong, and with `CommandRefused` where the node wants none.
   */
  readonly auth: (password: Redacted.Redacted) => Effect.Effect<void, CommandError | InvalidArgument>
  /** COMMAND: the commands that the node knows. */
  readonly commands: Effect.Effect<ReadonlyArray<Server.CommandInfo>, CommandError>
  /** BGREWRITEAOF: begins to write the append-only file anew. `CommandRefused` where that is under way already. */
  readonly rewriteAof: Effect.Effect<void, CommandError>
  /**
   * SHUTDOWN: ends the node, after its append-only file was written anew where `rewriteAof` asks for that. It has succeeded
   * when the link ends; a node that neither ends nor answers in time makes it fail with `OutcomeUnknown`.
   */
  readonly shutdown: (options?: {
    readonly rewriteAof?: boolean | undefined
  }) => Effect.Effect<void, CommandError | InvalidArgument | OutcomeUnknown>
  /** DEBUG: what the developers of Disque need; gives the reply as it comes. */
  readonly debug: (
    word: string,
    ...args: ReadonlyArray<string | number | Uint8Array>
  ) => Effect.Effect<Reply, CommandError | InvalidArgument | OutcomeUnknown>
}

/** The commands about a node's place in its cluster. */
export interface ClusterCommands {
  /**
   * CLUSTER MEET: joins the node, and its cluster, to the one at an address. Disque takes IP addresses alone, and the port of
   * clients. The nodes know each other some moments after the reply.
   */
  readonly meet: (ip: string, port: number) => Effect.Effect<void, CommandError | InvalidArgument>
  /**
   * CLUSTER FORGET: takes a node off the list of the one asked, and keeps it off for a minute. Within it, every other node has
   * to be told too, or it comes back. `CommandRefused` where the id is unknown, or that of the node itself.
   */
  readonly forget: (nodeId: string) => Effect.Effect<void, CommandError | InvalidArgument | OutcomeUnknown>
  /** CLUSTER NODES: the nodes that it knows, failed and leaving ones among them. */
  readonly nodes: Effect.Effect<ReadonlyArray<Cluster.ClusterNode>, CommandError>
  /** CLUSTER INFO: what it knows of its cluster as a whole. */
  readonly info: Effect.Effect<Cluster.ClusterInfo, CommandError>
  /** CLUSTER LEAVING: whether it is leaving. */
  readonly leaving: Effect.Effect<boolean, CommandError>
  /**
   * CLUSTER LEAVING yes|no: lets it begin to leave, or stay. A leaving node keeps no copy of new jobs, sends away those who
   * wait for one (`NodeLeaving`), and can be shut down once it knows no job any more (`registered_jobs` of INFO).
   */
  readonly setLeaving: (isLeaving: boolean) => Effect.Effect<void, CommandError | InvalidArgument>
  /** CLUSTER RESET: lets it forget its cluster, **and its jobs and queues**; `hard` gives it a new id too. */
  readonly reset: (mode?: "soft" | "hard") => Effect.Effect<void, CommandError | InvalidArgument | OutcomeUnknown>
}

/** The commands about a node's configuration. */
export interface ConfigCommands {
  /**
   * CONFIG GET: the parameters whose names fit a pattern (`*`, `?`, `[…]`), as text; `requirepass` is among them in the clear.
   */
  readonly get: (
    pattern: Config.ConfigName
  ) => Effect.Effect<ReadonlyMap<string, string>, CommandError | InvalidArgument>
  /**
   * CONFIG SET: sets a parameter until the node ends. What is `Redacted`, and `requirepass` always, is in no error. The node
   * refuses a name or value that it does not know with `CommandRefused`.
   */
  readonly set: (
    name: Config.ConfigName,
    value: string | number | Redacted.Redacted
  ) => Effect.Effect<void, CommandError | InvalidArgument>
  /** CONFIG REWRITE: writes the configuration to the file that the node was started with; `CommandRefused` without one. */
  readonly rewrite: Effect.Effect<void, CommandError>
  /** CONFIG RESETSTAT: sets the counters of INFO to zero. */
  readonly resetStatistics: Effect.Effect<void, CommandError>
}

/** The commands about the clients of a node. A connection or a pool is several of them: one for each link. */
export interface ClientCommands {
  /** CLIENT LIST: the clients that are connected. */
  readonly list: Effect.Effect<ReadonlyArray<Client.ClientInfo>, CommandError>
  /**
   * CLIENT KILL: disconnects the clients that all of the options fit, and gives how many. The link that asks is spared unless
   * `skipMe` is false.
   */
  readonly kill: (options: Client.KillOptions) => Effect.Effect<number, CommandError | InvalidArgument>
  /** CLIENT SETNAME: names the link for commands, while it lasts; an empty name takes it away. */
  readonly setName: (name: string) => Effect.Effect<void, CommandError | InvalidArgument>
  /** CLIENT GETNAME: the name of the link for commands. */
  readonly getName: Effect.Effect<Option.Option<string>, CommandError>
}

/** The commands about what took a node long. */
export interface SlowLogCommands {
  /** SLOWLOG GET: the latest commands that took longer than `slowlog-log-slower-than`, the latest first; 10 unless told. */
  readonly get: (count?: number) => Effect.Effect<ReadonlyArray<SlowLog.SlowLogEntry>, CommandError | InvalidArgument>
  /** SLOWLOG LEN: how many there are. */
  readonly length: Effect.Effect<number, CommandError>
  /** SLOWLOG RESET: drops them. */
  readonly reset: Effect.Effect<void, CommandError>
}

/** The commands about what made a node wait. It measures that where `latency-monitor-threshold` (ms) is above 0. */
export interface LatencyCommands {
  /** LATENCY LATEST: each event, and how it last went. */
  readonly latest: Effect.Effect<ReadonlyArray<Latency.LatencyEvent>, CommandError>
  /** LATENCY HISTORY: the latest 160 samples of an event, the oldest first. */
  readonly history: (
    event: string
  ) => Effect.Effect<ReadonlyArray<Latency.LatencySample>, CommandError | InvalidArgument>
  /** LATENCY GRAPH: the samples of an event, drawn as text; `CommandRefused` where there are none. */
  readonly graph: (event: string) => Effect.Effect<string, CommandError | InvalidArgument>
  /** LATENCY DOCTOR: what the node makes of it, in prose. */
  readonly doctor: Effect.Effect<string, CommandError>
  /** LATENCY RESET: drops the samples of events, of all where none is named, and gives of how many. */
  readonly reset: (...events: ReadonlyArray<string>) => Effect.Effect<number, CommandError | InvalidArgument>
}

/** The groups. */
export interface AdminCommands {
  readonly server: ServerCommands
  readonly cluster: ClusterCommands
  readonly config: ConfigCommands
  readonly client: ClientCommands
  readonly slowlog: SlowLogCommands
  readonly latency: LatencyCommands
}

type Ready<A, E> = Either.Either<Command<A, E>, InvalidArgument>

// Commands without arguments, made once.
const ready = {
  time: Either.getOrThrow(Server.time.make()),
  commands: Either.getOrThrow(Server.commands.make()),
  rewriteAof: Either.getOrThrow(Server.rewriteAof.make()),
  nodes: Either.getOrThrow(Cluster.nodes.make()),
  info: Either.getOrThrow(Cluster.info.make()),
  leaving: Either.getOrThrow(Cluster.leaving.make()),
  rewrite: Either.getOrThrow(Config.rewrite.make()),
  resetStatistics: Either.getOrThrow(Config.resetStatistics.make()),
  list: Either.getOrThrow(Client.list.make()),
  getName: Either.getOrThrow(Client.getName.make()),
  slowLogLength: Either.getOrThrow(SlowLog.length.make()),
  slowLogReset: Either.getOrThrow(SlowLog.reset.make()),
  latest: Either.getOrThrow(Latency.latest.make()),
  doctor: Either.getOrThrow(Latency.doctor.make())
}

/** @internal */
export const make = (
  execute: <A, E>(command: Command<A, E>) => Effect.Effect<A, E | CommandError>,
  send: <A, E>(command: Ready<A, E>) => Effect.Effect<A, E | CommandError | InvalidArgument>
): AdminCommands => ({
  server: {
    info: (section) => send(Server.info.make(section)),
    time: execute(ready.time),
    auth: (password) => send(Server.auth.make(password)),
    commands: execute(ready.commands),
    rewriteAof: execute(ready.rewriteAof),
    shutdown: (options) =>
      Effect.catchTag(send(Server.shutdown.make(options)), "OutcomeUnknown", (error) =>
        error.cause.reason === "lost" ? Effect.void : Effect.fail(error)
      ),
    debug: (word, ...args) => send(Raw.debug.make(word, ...args))
  },
  cluster: {
    meet: (ip, port) => send(Cluster.meet.make(ip, port)),
    forget: (nodeId) => send(Cluster.forget.make(nodeId)),
    nodes: execute(ready.nodes),
    info: execute(ready.info),
    leaving: execute(ready.leaving),
    setLeaving: (isLeaving) => send(Cluster.setLeaving.make(isLeaving)),
    reset: (mode) => send(Cluster.reset.make(mode))
  },
  config: {
    get: (pattern) => send(Config.get.make(pattern)),
    set: (name, value) => send(Config.set.make(name, value)),
    rewrite: execute(ready.rewrite),
    resetStatistics: execute(ready.resetStatistics)
  },
  client: {
    list: execute(ready.list),
    kill: (options) => send(Client.kill.make(options)),
    setName: (name) => send(Client.setName.make(name)),
    getName: execute(ready.getName)
  },
  slowlog: {
    get: (count) => send(SlowLog.get.make(count)),
    length: execute(ready.slowLogLength),
    reset: execute(ready.slowLogReset)
  },
  latency: {
    latest: execute(ready.latest),
    history: (event) => send(Latency.history.make(event)),
    graph: (event) => send(Latency.graph.make(event)),
    doctor: execute(ready.doctor),
    reset: (...events) => send(Latency.reset.make(...events))
  }
})
