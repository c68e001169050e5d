/** The report of LATENCY DOCTOR. The texts are those of a server. */
import { twoDecimals } from "../wire/decimals.js"
import type { LatencyEvent } from "./latencyMonitor.js"

interface Settings {
  readonly latencyThreshold: number
  readonly get: (name: string) => string
}

const disabled =
  "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Disque instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at http://disque.io/topics/latency-monitor.\n"

const observed =
  "Dave, I have observed latency spikes in this Disque instance. You don't mind talking about it, do you Dave?\n\n"

const nothing =
  "Dave, no latency spike was observed during the lifetime of this Disque instance, not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n"

const noAdvice =
  "\nWhile there are latency events logged, I'm not able to suggest any easy fix. Please use the Disque community to get some help, providing this report in your help request.\n"

type Advice =
  | "logMore"
  | "logSooner"
  | "readLog"
  | "lowerLoad"
  | "localDisk"
  | "ssd"
  | "writeback"
  | "contention"
  | "noSync"
  | "relaxSync"
  | "fewerWrites"
  | "smallerObjects"

/** The advice for each event. For `command` there may be more. */
const advices: Readonly<Record<string, ReadonlyArray<Advice>>> = {
  command: ["readLog", "smallerObjects"],
  "fast-command": ["lowerLoad"],
  "aof-write-pending-fsync": ["localDisk", "contention", "ssd", "writeback"],
  "aof-write-active-child": ["noSync", "writeback", "ssd"],
  "aof-write-alone": ["localDisk", "writeback", "ssd"],
  "aof-fsync-always": ["relaxSync"],
  "aof-fstat": ["contention", "localDisk"],
  "aof-rewrite-diff-write": ["fewerWrites", "writeback", "ssd", "localDisk"],
  "aof-rename": ["fewerWrites", "writeback", "ssd", "localDisk"],
  "eviction-cycle": ["smallerObjects"]
}

/** What is written for each advice, in this order. `%` stands for the threshold in µs. */
const texts: ReadonlyArray<readonly [Advice, string]> = [
  [
    "logMore",
    "- There are latency issues with potentially slow commands you are using. Try to enable the Slow Log Disque feature using the command 'CONFIG SET slowlog-log-slower-than %'. If the Slow log is disabled Disque is not able to log slow commands execution for you.\n"
  ],
  [
    "logSooner",
    "- Your current Slow Log configuration only logs events that are slower than your configured latency monitor threshold. Please use 'CONFIG SET slowlog-log-slower-than %'.\n"
  ],
  [
    "readLog",
    "- Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check http://disque.io/commands/slowlog for more information.\n"
  ],
  [
    "lowerLoad",
    [
      "- The system is slow to execute Disque code paths not containing system calls. This usually means the system does not provide Disque CPU time to run for long periods. You should try to:",
      "  1) Lower the system load.",
      "  2) Use a computer / VM just for Disque if you are running other softawre in the same system.",
      '  3) Check if you have a "noisy neighbour" problem.',
      "  4) Check with 'disque-cli --intrinsic-latency 100' what is the intrinsic latency in your system.",
      "  5) Check if the problem is allocator-related by recompiling Disque with MALLOC=libc, if you are using Jemalloc. However this may create fragmentation problems.",
      ""
    ].join("\n")
  ],
  [
    "localDisk",
    "- It is strongly advised to use local disks for persistence, especially if you are using AOF. Remote disks provided by platform-as-a-service providers are known to be slow.\n"
  ],
  [
    "ssd",
    "- SSD disks are able to reduce fsync latency, and total time needed for snapshotting and AOF log rewriting (resulting in smaller memory usage and smaller final AOF rewrite buffer flushes). With extremely high write load SSD disks can be a good option. However Disque should perform reasonably with high load using normal disks. Use this advice as a last resort.\n"
  ],
  [
    "writeback",
    "- Mounting ext3/4 filesystems with data=writeback can provide a performance boost compared to data=ordered, however this mode of operation provides less guarantees, and sometimes it can happen that after a hard crash the AOF file will have an half-written command at the end and will require to be repaired before Disque restarts.\n"
  ],
  [
    "contention",
    "- Try to lower the disk contention. This is often caused by other disk intensive processes running in the same computer (including other Disque instances).\n"
  ],
  [
    "noSync",
    "- Assuming from the point of view of data safety this is viable in your environment, you could try to enable the 'no-appendfsync-on-rewrite' option, so that fsync will not be performed while there is a child rewriting the AOF file or producing an RDB file (the moment where there is high disk contention).\n"
  ],
  [
    "relaxSync",
    "- Your fsync policy is set to 'always'. It is very hard to get good performances with such a setup, if possible try to relax the fsync policy to 'onesec'.\n"
  ],
  [
    "fewerWrites",
    "- Latency during the AOF atomic rename operation or when the final difference is flushed to the AOF file at the end of the rewrite, sometimes is caused by very high write load, causing the AOF buffer to get very large. If possible try to send less commands to accomplish the same work, or use Lua scripts to group multiple operations into a single EVALSHA call.\n"
  ],
  [
    "smallerObjects",
    "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple smaller objects.\n"
  ]
]

/** What is to be done about the log of slow commands when commands were slow. */
const aboutLog = (settings: Settings): ReadonlyArray<Advice> => {
  const slowerThan = Number(settings.get("slowlog-log-slower-than"))
  if (slowerThan === 0) return ["logMore"]
  return Math.floor(slowerThan / 1000) > settings.latencyThreshold ? ["logSooner"] : []
}

const describe = ({ most, name, samples }: LatencyEvent, place: number, now: number): string => {
  const average = Math.floor(samples.reduce((sum, { millis }) => sum + millis, 0) / samples.length)
  const deviations = samples.reduce((sum, { millis }) => sum + Math.abs(average - millis), 0)
  const deviation = Math.floor(deviations / samples.length)
  const period = Math.max(1, now - Math.min(...samples.map(({ at }) => at)))
  return `${place}. ${name}: ${samples.length} latency spikes (average ${average}ms, mean deviation ${deviation}ms, period ${twoDecimals(period / samples.length)} sec). Worst all time event ${most}ms.\n`
}

/** Explains in prose what made the node wait. `now` is in s since 1970. */
export const latencyReport = (events: ReadonlyArray<LatencyEvent>, settings: Settings, now: number): string => {
  if (events.length === 0) return settings.latencyThreshold === 0 ? disabled : nothing
  const lines = events.map((event, i) => describe(event, i + 1, now))
  const advised = new Set(events.flatMap(({ name }) => advices[name] ?? []))
  if (events.some(({ name }) => name === "command")) for (const advice of aboutLog(settings)) advised.add(advice)
  if (advised.size === 0) return [observed, ...lines, noAdvice].join("")
  if (settings.get("appendfsync") !== "always") advised.delete("relaxSync")
  const threshold = String(settings.latencyThreshold * 1000)
  const said = texts.filter(([advice]) => advised.has(advice)).map(([, text]) => text.replace("%", threshold))
  return [observed, ...lines, "\nI have a few advices for you:\n\n", ...said].join("")
}
