import { err, type Failure } from "../wire/answers.js"
import { parseLong } from "../wire/integers.js"

/** The parameters that are numbers, and their defaults. */
const numbers: ReadonlyArray<readonly [string, number]> = [
  ["maxmemory-samples", 5],
  ["timeout", 0],
  ["auto-aof-rewrite-percentage", 100],
  ["auto-aof-rewrite-min-size", 67_108_864],
  ["slowlog-log-slower-than", 10_000],
  ["latency-monitor-threshold", 0],
  ["slowlog-max-len", 128],
  ["port", 0],
  ["tcp-backlog", 511],
  ["databases", 16],
  ["maxclients", 10_000],
  ["watchdog-period", 0],
  ["hz", 10],
  ["cluster-node-timeout", 15_000]
]

/** The other parameters, their defaults, and the values they can be set to. */
const words: ReadonlyArray<readonly [string, string, ReadonlyArray<string>?]> = [
  ["tcp-keepalive", "no", ["yes", "no"]],
  ["no-appendfsync-on-rewrite", "no"],
  ["daemonize", "no"],
  ["activerehashing", "yes", ["yes", "no"]],
  ["aof-rewrite-incremental-fsync", "yes", ["yes", "no"]],
  ["aof-load-truncated", "yes", ["yes", "no"]],
  ["aof-enqueue-jobs-once", "no", ["yes", "no"]],
  ["maxmemory-policy", "acks", ["acks", "noeviction"]],
  ["loglevel", "notice", ["debug", "verbose", "notice", "warning"]],
  ["appendfsync", "everysec", ["always", "everysec", "no"]],
  ["syslog-facility", "local0"],
  ["appendonly", "no", ["no"]],
  ["dir", ""],
  ["client-output-buffer-limit", "normal 0 0 0"],
  ["unixsocketperm", "0"],
  ["bind", "127.0.0.1"]
]

/** The numbers that can be set: the least value of each, and the bits that are kept of it. */
const settable: ReadonlyMap<string, { readonly least: bigint; readonly keep: (value: bigint) => bigint }> = new Map(
  (
    [
      ["maxclients", 1n, (value) => BigInt.asUintN(32, value)],
      ["maxmemory-samples", 1n, (value) => BigInt.asIntN(32, value)],
      ["timeout", 0n, (value) => BigInt.asIntN(32, value)],
      ["auto-aof-rewrite-percentage", 0n, (value) => BigInt.asIntN(32, value)],
      ["auto-aof-rewrite-min-size", 0n, (value) => value],
      ["slowlog-log-slower-than", 0n, (value) => value],
      ["slowlog-max-len", 0n, (value) => BigInt.asUintN(32, value)],
      ["latency-monitor-threshold", 0n, (value) => value],
      ["cluster-node-timeout", 0n, (value) => value],
      ["hz", 0n, (value) => clamp(BigInt.asIntN(32, value), 1n, 500n)]
    ] satisfies ReadonlyArray<readonly [string, bigint, (value: bigint) => bigint]>
  ).map(([name, least, keep]) => [name, { least, keep }])
)

/** The parameters that only the start of a node sets. CONFIG shows them. */
const fixed: ReadonlySet<string> = new Set([
  "bind",
  "databases",
  "logfile",
  "no-appendfsync-on-rewrite",
  "pidfile",
  "syslog-facility",
  "tcp-backlog",
  "unixsocket",
  "unixsocketperm"
])

const clamp = (value: bigint, least: bigint, most: bigint): bigint =>
  value < least ? least : value > most ? most : value

const units: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["b", 1n],
  ["k", 1000n],
  ["kb", 1024n],
  ["m", 1000n ** 2n],
  ["mb", 1024n ** 2n],
  ["g", 1000n ** 3n],
  ["gb", 1024n ** 3n]
])

const mostLong = 2n ** 63n - 1n

/** A size with its unit, as configuration files have it. */
const parseSize = (text: string): bigint | undefined => {
  const match = /^(-?\d*)([a-z]*)$/i.exec(text)
  const unit = units.get(match?.[2]?.toLowerCase() ?? "none")
  const digits = match?.[1] ?? ""
  if (unit === undefined || digits.length >= 128) return undefined
  const number = digits === "-" ? 0n : clamp(BigInt(digits), -mostLong - 1n, mostLong)
  const size = BigInt.asIntN(64, number * unit)
  return size < 0n ? undefined : size
}

/** The limits on the output of a class of clients. There is one class. */
const parseOutputLimits = (text: string): string | undefined => {
  const parts = text === "" ? [] : text.split(" ")
  if (parts.length % 4 !== 0) return undefined
  const isValid = parts.every((part, i) => (i % 4 === 0 ? /^normal$/i : /^\+?\d{1,20}$/).test(part))
  return isValid ? parts.slice(-4).join(" ").toLowerCase() : undefined
}

const maxPassword = 512

const noDirectory = err("Changing directory: No such file or directory")
const noFile = err("Unable to turn on AOF. Check server logs.")

/** What CONFIG shows and sets. Most parameters mean nothing to a node in the process: they are kept for clients that read them. */
export class Config {
  /** The password that clients have to give; empty for none. */
  requirepass = ""
  /** In bytes, rounded where a number cannot hold the value. CONFIG shows the exact value. */
  maxmemory = 1024 ** 3
  /** Commands that take as many µs or more are logged as slow. `Infinity` if none are. */
  slowerThan = 0
  /** How many slow commands are kept. */
  slowLogLength = 0
  /** What takes as many ms or more is a latency to remember; 0 if nothing is. */
  latencyThreshold = 0
  /** After how many s of silence a client is closed; 0 for never. */
  idleSeconds = 0
  private shownMemory: bigint | undefined
  private readonly paths = new Map([
    ["unixsocket", ""],
    ["logfile", ""],
    ["pidfile", "/var/run/disque.pid"]
  ])
  private readonly values = new Map<string, string>()

  constructor(port: number) {
    for (const [name, value] of numbers) this.values.set(name, String(name === "port" ? port : value))
    for (const [name, value] of words) this.values.set(name, value)
    this.readThresholds()
  }

  /** Keeps as numbers what is looked at often. */
  private readThresholds(): void {
    const slowerThan = Number(this.get("slowlog-log-slower-than"))
    this.slowerThan = slowerThan < 0 ? Number.POSITIVE_INFINITY : slowerThan
    this.slowLogLength = Number(this.get("slowlog-max-len"))
    this.latencyThreshold = Number(this.get("latency-monitor-threshold"))
    this.idleSeconds = Number(this.get("timeout"))
  }

  /** Sets a parameter at the start of a node, as a configuration file does. */
  start(name: string, value: string): ReturnType<Config["set"]> {
    if (!fixed.has(name)) return this.set(name, value)
    if (this.paths.has(name)) this.paths.set(name, value)
    else this.values.set(name, value)
    return "set"
  }

  get(name: string): string {
    return this.values.get(name) ?? ""
  }

  /** Shows another value of a parameter, whatever its rules are. */
  keep(name: string, value: string): void {
    this.values.set(name, value)
  }

  /** All names and values, in the server's order. */
  entries(): ReadonlyArray<readonly [string, string]> {
    return [
      ["requirepass", this.requirepass],
      ...this.paths,
      ["maxmemory", String(this.shownMemory ?? this.maxmemory)],
      ...this.values
    ]
  }

  /** Sets a parameter: "unknown" if it cannot be set, "invalid" if the value is not valid, or another failure. */
  set(name: string, value: string): "set" | "unknown" | "invalid" | Failure {
    switch (name) {
      case "requirepass":
        if (value.length > maxPassword) return "invalid"
        this.requirepass = value
        return "set"
      case "maxmemory": {
        const size = parseSize(value)
        if (size === undefined) return "invalid"
        this.maxmemory = Number(size)
        this.shownMemory = size
        return "set"
      }
      case "watchdog-period": {
        const period = parseLong(value)
        if (period === undefined || period < 0n) return "invalid"
        // The server checks `hz` times a second, and makes no period shorter than two checks.
        const least = BigInt(Math.floor(1000 / Number(this.get("hz"))) * 2)
        const kept = BigInt.asIntN(32, period)
        this.values.set(name, String(period !== 0n && kept < least ? least : kept))
        return "set"
      }
      case "client-output-buffer-limit": {
        const limits = parseOutputLimits(value)
        if (limits === undefined) return "invalid"
        if (limits !== "") this.values.set(name, limits)
        return "set"
      }
      case "dir":
        return noDirectory
      case "appendonly":
        return value.toLowerCase() === "yes" ? noFile : this.setWord(name, value)
      default: {
        const rule = settable.get(name)
        if (rule === undefined) return this.setWord(name, value)
        const number = parseLong(value)
        if (number === undefined || number < rule.least) return "invalid"
        this.values.set(name, String(rule.keep(number)))
        this.readThresholds()
        return "set"
      }
    }
  }

  private setWord(name: string, value: string): "set" | "unknown" | "invalid" {
    const allowed = words.find(([word]) => word === name)?.[2]
    if (allowed === undefined) return "unknown"
    if (!allowed.includes(value.toLowerCase())) return "invalid"
    this.values.set(name, value.toLowerCase())
    return "set"
  }
}
