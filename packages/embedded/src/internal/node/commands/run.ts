/** The table of commands, and the conditions of running one. */
import { type Answer, err, Failure, nullBulk, ok, Status } from "../../wire/answers.js"
import { type Argument, headOf } from "../../wire/bytes.js"
import type { Client } from "../client.js"
import { endSession } from "../clients.js"
import { freeMemory } from "../memory.js"
import { feedMonitors } from "../monitors.js"
import type { Node } from "../node.js"
import { addJob } from "./addJob.js"
import { outOfMemory, quoted } from "./arguments.js"
import { clientCommand } from "./clients.js"
import { cluster, hello } from "./clusterCommands.js"
import { config } from "./config.js"
import { getJob } from "./getJob.js"
import { info } from "./info.js"
import { ackJob, delJob, dequeueJobs, enqueueJobs, fastAck, nack, working } from "./jobCommands.js"
import { latency } from "./latency.js"
import { noAnswer } from "./noAnswer.js"
import { pause, qlen, qpeek, qstat } from "./queueCommands.js"
import { jscan, qscan } from "./scan.js"
import { auth, debug, loadJob, monitor, ping, rewriteAof, shutdown, time } from "./serverCommands.js"
import { show } from "./show.js"
import { slowLog } from "./slowLog.js"

type Run = (node: Node, client: Client, command: ReadonlyArray<Argument>) => Answer | typeof noAnswer

interface Entry {
  readonly name: string
  /** The place in the table. */
  readonly place: number
  /** The event that a slow run of the command is, for LATENCY. */
  readonly event: "command" | "fast-command"
  /** The number of words, the name included. A negative number is that of the fewest words. */
  readonly arity: number
  /** Whether the command is refused while memory is short. */
  readonly isDenied: boolean
  /** Whether the command is refused while records cannot be written. */
  readonly isWrite: boolean
  /** Whether the command is run while jobs are read. */
  readonly runsWhileLoading: boolean
  /** What COMMAND says about the command. */
  readonly description: Answer
  readonly run: Run
}

const flagNames: ReadonlyArray<readonly [string, string]> = [
  ["w", "write"],
  ["r", "readonly"],
  ["m", "denyoom"],
  ["a", "admin"],
  ["l", "loading"],
  ["F", "fast"]
]

const describe = (name: string, arity: number, flags: string): Answer => {
  const names = flagNames.flatMap(([letter, flag]) => (flags.includes(letter) ? [new Status(flag)] : []))
  return [name, arity, names, 0, 0, 0]
}

/** No command has a longer name. */
const longestName = 64

const nameOf = (argument: Argument): string => headOf(argument, longestName)

/** COMMAND [INFO name… | COUNT] */
const commandCommand: Run = (_, __, command) => {
  const name = command[1] === undefined ? "" : nameOf(command[1]).toLowerCase()
  if (command.length === 1) return [...table.values()].map(({ description }) => description)
  if (name === "info") return command.slice(2).map((other) => lookup(nameOf(other))?.description ?? nullBulk)
  if (name === "count" && command.length === 2) return table.size
  return err("Unknown subcommand or wrong number of arguments.")
}

const table: ReadonlyMap<string, Entry> = new Map(
  (
    [
      ["auth", 2, "rlF", auth],
      ["ping", -1, "rF", ping],
      ["info", -1, "rl", info],
      ["shutdown", -1, "arl", shutdown],
      ["monitor", 1, "ar", monitor],
      ["debug", -2, "a", debug],
      ["config", -2, "ar", config],
      ["cluster", -2, "ar", cluster],
      ["client", -2, "ar", clientCommand],
      ["slowlog", -2, "r", slowLog],
      ["time", 1, "rF", time],
      ["command", 0, "rl", commandCommand],
      ["latency", -2, "arl", latency],
      ["hello", 1, "rF", hello],
      ["addjob", -4, "wmF", addJob],
      ["getjob", -2, "wF", getJob],
      ["ackjob", -1, "wF", ackJob],
      ["fastack", -1, "wF", fastAck],
      ["deljob", -1, "wF", delJob],
      ["show", 2, "rF", show],
      ["loadjob", 2, "w", loadJob],
      ["bgrewriteaof", 1, "ar", rewriteAof],
      ["qlen", 2, "rF", qlen],
      ["qpeek", 3, "r", qpeek],
      ["qstat", 2, "rF", qstat],
      ["qscan", -1, "r", qscan],
      ["jscan", -1, "r", jscan],
      ["enqueue", -1, "mwF", enqueueJobs],
      ["nack", -1, "mwF", nack],
      ["dequeue", -1, "wF", dequeueJobs],
      ["working", 2, "wF", working],
      ["pause", -3, "rF", pause]
    ] satisfies ReadonlyArray<readonly [string, number, string, Run]>
  ).map(([name, arity, flags, run], place): readonly [string, Entry] => [
    name,
    {
      name,
      place,
      event: flags.includes("F") ? "fast-command" : "command",
      arity,
      isDenied: flags.includes("m"),
      // PING is refused too, so that those who watch the node see its state.
      isWrite: flags.includes("w") || name === "ping",
      runsWhileLoading: flags.includes("l"),
      description: describe(name, arity, flags),
      run
    }
  ])
)

const loading = new Failure("LOADING Disque is loading the dataset in memory")
const notAuthenticated = new Failure("NOAUTH Authentication required.")

const lookup = (name: string): Entry | undefined => table.get(name) ?? table.get(name.toLowerCase())

/** Runs a command. Returns an error if the command may not be run. */
export const run = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const name = nameOf(command[0] ?? "")
  const entry = lookup(name)
  client.lastAt = node.seconds
  if (entry === undefined) {
    if (name.toLowerCase() !== "quit") return err(`unknown command '${quoted(command[0] ?? "")}'`)
    if (client.hears) {
      client.answer(ok)
      endSession(node, client)
    } else {
      client.isDeaf = true
      client.pending.drain()
    }
    return noAnswer
  }
  client.lastCommand = entry.name
  const { arity } = entry
  if (arity > 0 ? command.length !== arity : command.length < -arity) {
    return err(`wrong number of arguments for '${entry.name}' command`)
  }
  if (node.config.requirepass !== "" && !client.authenticated && entry.run !== auth) return notAuthenticated
  if (node.config.maxmemory > 0 && !freeMemory(node) && entry.isDenied) return outOfMemory
  const refusal = node.journal?.refusal
  if (refusal !== undefined && entry.isWrite) return refusal
  if (node.disk?.isLoading === true && !entry.runsWhileLoading) return loading
  // A monitor that CLIENT KILL ends does not see the command.
  const mayKill = entry.name === "client"
  if (!mayKill && node.monitors.size > 0) feedMonitors(node, client, command)
  const answer = entry.run(node, client, command)
  // Counted afterwards, so that no command counts itself.
  const micros = node.lap()
  node.latency.add(entry.event, micros)
  node.slowLog.add(command, micros)
  node.statistics.ran(entry, micros)
  if (mayKill && node.monitors.size > 0) feedMonitors(node, client, command)
  return answer
}
