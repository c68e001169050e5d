/** `disco peek`: the jobs that wait in a queue. */
import { DisquePool } from "@disco/core"
import { JobNodes } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { JobFields, jobColumns } from "../jobs/jobFields.js"
import { waiting } from "../jobs/waiting.js"
import { Output } from "../output/Output.js"
import { table } from "../output/table.js"
import { printable } from "../output/text.js"
import * as read from "../readers.js"

export const command = onCluster({
  name: "peek",
  summary: "Show the jobs that wait in a queue, and change nothing",
  details:
    "The jobs at the front of the queue on all nodes (QPEEK), each once: those that were added first come first, and are delivered next. disco show prints the whole body.",
  args: { queue: option.argument("QUEUE", read.queue, "The queue.") },
  options: {
    count: option.defaulted("COUNT", read.count(1, 10_000), "10", "The most jobs.", { short: "n" }),
    newest: option.flag("Those that were added last, the last one first.")
  },
  output: JobFields,
  isStream: true,
  examples: [
    ["disco peek emails", "the next ten jobs"],
    ["disco peek emails --newest --count 1 --json", "the last one that was added, with its whole body"]
  ],
  statuses: { 1: "A node did not answer: its jobs are missing." },
  run: ({ count, newest, queue }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const output = yield* Output
      const nodes = yield* JobNodes.make(pool)
      const jobs = yield* waiting(nodes, queue, count, newest ? "newest" : "oldest")
      if (jobs.length > 0) yield* output.text((style) => table(jobColumns(false), jobs, style))
      if (output.isJson) yield* Effect.forEach(jobs, (job) => output.item(JobFields, job, () => ""), { discard: true })
      if (jobs.length === 0 && nodes.failures.size === 0)
        yield* output.note(`disco: no job waits in ${printable(queue)}`)
      for (const { message } of nodes.failures.values()) yield* output.note(`disco: ${message}: its jobs are missing`)
      return nodes.failures.size > 0 ? 1 : 0
    })
})
