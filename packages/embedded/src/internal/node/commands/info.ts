import { type Answer, syntaxError } from "../../wire/answers.js"
import type { Argument } from "../../wire/bytes.js"
import { quotient, twoDecimals } from "../../wire/decimals.js"
import type { Buffers, Client } from "../client.js"
import type { Node } from "../node.js"
import { collectQueues } from "../queues.js"
import { word } from "./arguments.js"

/** A number of bytes as people read it. */
const human = (bytes: number): string => {
  if (bytes < 1024) return `${bytes}B`
  const power = Math.min(5, Math.floor(Math.log2(bytes) / 10))
  return `${twoDecimals(bytes / 1024 ** power)}${"BKMGTP"[power]}`
}

const kbps = (bytesPerSecond: number): string => twoDecimals(Math.fround(bytesPerSecond) / 1024)

/** The most that any client has, by a measure. */
const mostOf = (node: Node, measure: (buffers: Buffers) => number): number => {
  let most = 0
  for (const client of node.clients.values()) most = Math.max(most, measure(client.buffers))
  return most
}

const sections: ReadonlyArray<readonly [string, (node: Node) => ReadonlyArray<string>]> = [
  [
    "Server",
    (node) => [
      "disque_version:1.0-rc1",
      "disque_git_sha1:00000000",
      "disque_git_dirty:0",
      "disque_build_id:0",
      `os:${node.world.process?.os ?? "embedded"}`,
      "arch_bits:64",
      "multiplexing_api:effect",
      "gcc_version:0.0.0",
      `process_id:${node.world.process?.id ?? 1}`,
      `run_id:${node.runId}`,
      `tcp_port:${node.port}`,
      `uptime_in_seconds:${node.seconds - node.startedAt}`,
      `uptime_in_days:${Math.floor((node.seconds - node.startedAt) / 86_400)}`,
      `hz:${node.config.get("hz")}`,
      `executable:${node.world.process?.executable ?? ""}`,
      "config_file:"
    ]
  ],
  [
    "Clients",
    (node) => [
      `connected_clients:${node.clients.size}`,
      `client_longest_output_list:${mostOf(node, ({ fullBuffers }) => fullBuffers)}`,
      `client_biggest_input_buf:${mostOf(node, ({ input }) => input)}`,
      `blocked_clients:${[...node.clients.values()].filter((client) => client.blocked !== null).length}`
    ]
  ],
  [
    "Memory",
    (node) => {
      node.peakMemory = Math.max(node.peakMemory, node.usedMemory)
      const resident = node.world.process?.residentMemory() ?? node.usedMemory
      return [
        `used_memory:${node.usedMemory}`,
        `used_memory_human:${human(node.usedMemory)}`,
        `used_memory_rss:${resident}`,
        `used_memory_peak:${node.peakMemory}`,
        `used_memory_peak_human:${human(node.peakMemory)}`,
        `mem_fragmentation_ratio:${twoDecimals(quotient(resident, node.usedMemory))}`,
        "mem_allocator:embedded"
      ]
    }
  ],
  ["Jobs", (node) => [`registered_jobs:${node.jobs.size}`]],
  [
    "Queues",
    (node) => {
      collectQueues(node, node.queues.size)
      return [`registered_queues:${node.queues.size}`]
    }
  ],
  [
    "Persistence",
    (node) =>
      node.disk?.info() ?? [
        "loading:0",
        "aof_enabled:0",
        "aof_state:off",
        "aof_rewrite_in_progress:0",
        "aof_rewrite_scheduled:0",
        "aof_last_rewrite_time_sec:-1",
        "aof_current_rewrite_time_sec:-1",
        "aof_last_bgrewrite_status:ok",
        "aof_last_write_status:ok"
      ]
  ],
  [
    "Stats",
    ({ statistics }) => {
      const rates = statistics.rates()
      return [
        `total_connections_received:${statistics.connections}`,
        `total_commands_processed:${statistics.commands}`,
        `instantaneous_ops_per_sec:${rates.commands}`,
        `total_net_input_bytes:${statistics.inputBytes}`,
        `total_net_output_bytes:${statistics.outputBytes}`,
        `instantaneous_input_kbps:${kbps(rates.inputBytes)}`,
        `instantaneous_output_kbps:${kbps(rates.outputBytes)}`,
        `rejected_connections:${statistics.rejected}`,
        "latest_fork_usec:0"
      ]
    }
  ],
  [
    "CPU",
    (node) => {
      const { system, user } = node.world.process?.cpuSeconds() ?? { system: 0, user: 0 }
      return [
        `used_cpu_sys:${twoDecimals(system)}`,
        `used_cpu_user:${twoDecimals(user)}`,
        "used_cpu_sys_children:0.00",
        "used_cpu_user_children:0.00"
      ]
    }
  ],
  [
    "Commandstats",
    ({ statistics }) =>
      statistics.runs.map(
        ({ calls, micros, name }) =>
          `cmdstat_${name}:calls=${calls},usec=${micros},usec_per_call=${twoDecimals(quotient(micros, calls))}`
      )
  ]
]

/** INFO [section] */
export const info = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  if (command.length > 2) return syntaxError
  const wanted = command[1] === undefined ? "default" : word(command[1])
  const shown = sections.filter(
    ([name]) => wanted === "all" || wanted === name.toLowerCase() || (wanted === "default" && name !== "Commandstats")
  )
  return shown.map(([name, lines]) => [`# ${name}`, ...lines(node), ""].join("\r\n")).join("\r\n")
}
