/**
 * The options of `disco serve`. Each has one name: `--name` on the command line, `DISCO_NAME` in the environment, and `name` in a
 * configuration file. Where Disque's configuration has such a parameter, the name is Disque's.
 */
import * as read from "../readers.js"

/** The groups, as the help shows them. */
export const groups = {
  listening: "Where the node listens",
  access: "Who may connect",
  disk: "Where the node keeps its jobs",
  node: "The node, as in Disque's configuration",
  log: "Configuration and log"
}

interface Described {
  /** Undefined for what Disque's configuration has and `disco serve` has no use for: it is read from files alone. */
  readonly group?: keyof typeof groups
  /** One sentence for the help. */
  readonly sentence: string
  /** What stands for the value in the help. */
  readonly value: string
  /** Another name on the command line. */
  readonly alias?: string
}

/** An option with one value. */
interface One<A> extends Described {
  readonly kind: "one"
  readonly read: read.Reader<A>
}

/** An option with several values. */
interface Many<A> extends Described {
  readonly kind: "many"
  readonly read: read.Reader<A>
}

/** An option without a value on the command line; yes or no elsewhere. */
interface Flag extends Described {
  readonly kind: "flag"
  readonly read: read.Reader<boolean>
}

/** A parameter of the node, which CONFIG GET shows: the value is handed on as text. */
interface Parameter extends Described {
  readonly kind: "parameter"
  readonly read: read.Reader<string>
  /** How many words a line of a file has for it. Default: 1. */
  readonly words?: number
}

export type Option = One<unknown> | Many<unknown> | Flag | Parameter

type Group = keyof typeof groups

const one = <A>(group: Group, value: string, reader: read.Reader<A>, sentence: string): One<A> => ({
  kind: "one",
  group,
  value,
  read: reader,
  sentence
})

const many = <A>(group: Group, value: string, reader: read.Reader<A>, sentence: string): Many<A> => ({
  ...one(group, value, reader, sentence),
  kind: "many"
})

const parameter = (value: string, reader: read.Reader<number | string | boolean>, sentence: string): Parameter => ({
  kind: "parameter",
  group: "node",
  value,
  read: read.asParameter(reader),
  sentence
})

const diskParameter = (value: string, reader: read.Reader<number | string | boolean>, sentence: string): Parameter => ({
  ...parameter(value, reader, sentence),
  group: "disk"
})

/** A parameter that CONFIG GET shows, and that changes nothing here. */
const kept = (reader: read.Reader<number | string | boolean>, sentence: string, words = 1): Parameter => ({
  kind: "parameter",
  value: "VALUE",
  read: read.asParameter(reader),
  sentence,
  words
})

/** What a configuration file may say because it is so here anyway. */
const settled = <A>(reader: read.Reader<A>, sentence: string): One<A> => ({
  kind: "one",
  value: "VALUE",
  read: reader,
  sentence
})

const path = read.text("the path of a file")

export const options = {
  port: many(
    "listening",
    "PORT",
    read.port,
    "The port to listen on: 7711 by default, and 0 for any free one. Several ports run several nodes of one cluster. Without it, a node with --tls-port or --unixsocket listens there alone."
  ),
  bind: {
    ...many(
      "listening",
      "ADDRESS",
      read.text("an IP address or a host name of this machine"),
      "An IP address or host name of this machine to listen at: 127.0.0.1 by default. May be given several times. Several nodes need an address that they can tell each other: not 0.0.0.0 or ::."
    ),
    alias: "host"
  },
  "tls-port": many("listening", "PORT", read.port, "A port for TLS, beside --port or in place of it."),
  "tls-cert": one(
    "listening",
    "FILE",
    path,
    "The certificate of the server (PEM). Without --tls-port, the ports of --port speak TLS."
  ),
  "tls-key": one("listening", "FILE", path, "The private key of the certificate (PEM)."),
  "tls-ca": one("listening", "FILE", path, "Clients must show a certificate that one of these has signed (PEM)."),
  unixsocket: one(
    "listening",
    "PATH",
    path,
    "A Unix socket to listen on, beside --port or in place of it. It leads to the first of several nodes."
  ),
  unixsocketperm: one("listening", "MODE", read.mode, "The access rights of the Unix socket: 700 by default."),
  "tcp-backlog": one(
    "listening",
    "COUNT",
    read.count(1, 65_535),
    "How many connections may wait to be accepted: 511 by default."
  ),
  "tcp-keepalive": one(
    "listening",
    "SECONDS",
    read.count(0, 2_147_483),
    "After how much silence the system asks whether a client is still there: never by default (0)."
  ),
  requirepass: one(
    "access",
    "PASSWORD",
    read.password,
    "The password that clients have to give. Other users may see it in the process list while the command starts: prefer the next option, or DISCO_REQUIREPASS."
  ),
  "requirepass-file": one("access", "FILE", path, "A file that holds the password."),
  insecure: {
    kind: "flag",
    group: "access",
    value: "yes|no",
    read: read.yesOrNo,
    sentence: "Listen beyond this machine even without a password."
  },
  dir: one(
    "disk",
    "DIR",
    read.text("the path of a folder"),
    "The folder for the jobs: disque.aof and nodes.conf, the files of a Disque server. Several nodes have a folder each in it, named by the port. Without it, jobs are in memory only."
  ),
  appendonly: one(
    "disk",
    "yes|no",
    read.word("yes", "no"),
    "Whether jobs are kept in the folder: yes by default where there is --dir. CONFIG SET appendonly changes it."
  ),
  appendfsync: one(
    "disk",
    "WHEN",
    read.word("always", "everysec", "no"),
    "When what is written is made safe from a power cut: always (before each answer), everysec (the default) or no (when the system does)."
  ),
  "auto-aof-rewrite-percentage": diskParameter(
    "PERCENT",
    read.count(0, 2_147_483_647),
    "The file is written anew when it has grown by so much: 100 by default, and 0 for never."
  ),
  "auto-aof-rewrite-min-size": diskParameter(
    "SIZE",
    read.size(0),
    "A smaller file is not written anew: 64mb by default."
  ),
  "aof-load-truncated": diskParameter(
    "yes|no",
    read.yesOrNo,
    "Whether a last record that is not whole is cut off at the start: yes by default."
  ),
  "aof-enqueue-jobs-once": one(
    "disk",
    "yes|no",
    read.yesOrNo,
    "Whether jobs that were queued are queued at once after a start, and not after their retry time: yes by default."
  ),
  maxclients: parameter("COUNT", read.count(1, 4_294_967_295), "How many clients may be connected: 10000 by default."),
  timeout: parameter(
    "SECONDS",
    read.count(0, 2_147_483_647),
    "A client that sends and reads nothing for longer is closed, unless it waits for jobs or copies: never by default (0)."
  ),
  maxmemory: one(
    "node",
    "SIZE",
    read.size(1),
    "The memory of a node, in bytes or with a unit (100mb): 1gb by default."
  ),
  "maxmemory-policy": parameter(
    "POLICY",
    read.word("acks", "noeviction"),
    "What makes room when memory is nearly full: acks (the default) forgets acknowledged jobs, noeviction forgets nothing."
  ),
  "cluster-node-timeout": one(
    "node",
    "MILLIS",
    read.count(1),
    "After how much silence a node of the cluster counts as failed: 15000 by default."
  ),
  "slowlog-log-slower-than": parameter(
    "MICROS",
    read.count(0),
    "Commands that take longer are in SLOWLOG: 10000 by default."
  ),
  "slowlog-max-len": parameter("COUNT", read.count(0), "How many commands SLOWLOG keeps: 128 by default."),
  "latency-monitor-threshold": parameter(
    "MILLIS",
    read.count(0),
    "Events that take so long are in LATENCY: none by default (0)."
  ),
  "control-port": one(
    "node",
    "PORT",
    read.port,
    "For tests: a port of 127.0.0.1 where HTTP kills, restarts, freezes and thaws nodes, without a password (POST /nodes/7711/kill)."
  ),
  config: one("log", "FILE", path, "A file with options, in the form of disque.conf."),
  loglevel: one(
    "log",
    "LEVEL",
    read.word("debug", "verbose", "notice", "warning"),
    "What the log tells: debug, verbose, notice (the default) or warning."
  ),
  "log-format": one("log", "FORMAT", read.word("text", "json"), "The form of each line: text (the default) or json."),

  "maxmemory-samples": kept(read.count(1, 2_147_483_647), "Nothing is sampled."),
  hz: kept(read.count(1, 500), "Timers are exact."),
  databases: kept(read.count(1), "There is one."),
  activerehashing: kept(read.yesOrNo, "Maps grow by themselves."),
  "client-output-buffer-limit": kept(
    read.text("a class of clients and three limits, such as normal 0 0 0"),
    "The limits are fixed.",
    4
  ),
  "aof-rewrite-incremental-fsync": kept(read.yesOrNo, "A rewrite is always synced in parts."),
  "no-appendfsync-on-rewrite": kept(read.yesOrNo, "A rewrite and the syncs do not wait for each other."),
  appendfilename: settled(read.word("disque.aof"), "The name that the file always has."),
  "cluster-config-file": settled(read.word("nodes.conf"), "The name that the file always has."),
  daemonize: settled(read.word("no"), "It runs in the foreground: systemd or Docker run it in the background."),
  pidfile: kept(read.anyText, "Disque writes it only in the background."),
  logfile: settled(read.word(""), "The log goes to standard output."),
  "syslog-enabled": settled(read.word("no"), "The log goes to standard output."),
  "syslog-ident": settled(read.anyText, "The log goes to standard output."),
  "syslog-facility": kept(read.anyText, "The log goes to standard output.")
} satisfies Record<string, Option>

/** The values of all options. What was not given is undefined, or empty. */
export type Settings = {
  readonly [Name in keyof typeof options]: (typeof options)[Name] extends Many<infer A>
    ? ReadonlyArray<A>
    : (typeof options)[Name] extends One<infer A>
      ? A | undefined
      : (typeof options)[Name] extends Flag
        ? boolean
        : string | undefined
}

/** All options by name. */
export const table: ReadonlyMap<string, Option> = new Map(Object.entries(options))

/** The options of the command line and the environment. */
export const offered: ReadonlyArray<readonly [string, Option]> = [...table].filter(
  ([, option]) => option.group !== undefined
)

/** The name of an option in the environment. */
export const variable = (name: string): string => `DISCO_${name.toUpperCase().replaceAll("-", "_")}`
