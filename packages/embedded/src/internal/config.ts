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
  ["dir", "", []],
  ["client-output-buffer-limit", "normal 0 0 0"],
  ["unixsocketperm", "0"],
  ["bind", "127.0.0.1"]
]

/** The least value of each number that can be set. */
const settable: ReadonlyMap<string, number> = new Map([
  ["maxclients", 1],
  ["maxmemory-samples", 1],
  ["timeout", 0],
  ["auto-aof-rewrite-percentage", 0],
  ["auto-aof-rewrite-min-size", 0],
  ["slowlog-log-slower-than", 0],
  ["slowlog-max-len", 0],
  ["latency-monitor-threshold", 0],
  ["cluster-node-timeout", 0],
  ["hz", 0],
  ["watchdog-period", 0]
])

const units: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["k", 1000],
  ["kb", 1024],
  ["m", 1000 ** 2],
  ["mb", 1024 ** 2],
  ["g", 1000 ** 3],
  ["gb", 1024 ** 3]
])

/** A size with its unit, as configuration files have it. */
const parseSize = (text: string): number | undefined => {
  const match = /^(\d*)([a-z]*)$/i.exec(text)
  const unit = units.get(match?.[2]?.toLowerCase() ?? "none")
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit
}

/** What CONFIG shows and sets. Most of it has no meaning in the process, and is kept for those who look. */
export class Config {
  /** The password that clients have to give; empty for none. */
  requirepass = ""
  /** In bytes. */
  maxmemory = 1024 ** 3
  private readonly values = new Map<string, string>()

  constructor(port: number) {
    for (const [name, value] of numbers) this.values.set(name, String(name === "port" ? port : value))
    for (const [name, value] of words) this.values.set(name, value)
  }

  get(name: string): string {
    return this.values.get(name) ?? ""
  }

  /** All names and values, in the server's order. */
  entries(): ReadonlyArray<readonly [string, string]> {
    return [
      ["requirepass", this.requirepass],
      ["unixsocket", ""],
      ["logfile", ""],
      ["pidfile", "/var/run/disque.pid"],
      ["maxmemory", String(this.maxmemory)],
      ...this.values
    ]
  }

  /** Sets a parameter, and says whether there is such a one and whether the value is one for it. */
  set(name: string, value: string): "set" | "unknown" | "invalid" {
    if (name === "requirepass") {
      if (value.length > 512) return "invalid"
      this.requirepass = value
      return "set"
    }
    if (name === "maxmemory") {
      const size = parseSize(value)
      if (size === undefined) return "invalid"
      this.maxmemory = size
      return "set"
    }
    const least = settable.get(name)
    if (least !== undefined) {
      if (!/^[+-]?\d{1,18}$/.test(value) || Number(value) < least) return "invalid"
      const number = name === "hz" ? Math.min(500, Math.max(1, Number(value))) : Number(value)
      this.values.set(name, String(number))
      return "set"
    }
    const allowed = words.find(([word]) => word === name)?.[2]
    if (allowed === undefined) return "unknown"
    if (!allowed.includes(value.toLowerCase())) return "invalid"
    this.values.set(name, value.toLowerCase())
    return "set"
  }
}
