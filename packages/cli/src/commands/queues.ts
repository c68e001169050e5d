/** `disco queues`: all queues of the cluster. */
import { Cluster } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Seconds, seconds } from "../output/fields.js"
import { age, count, counted, list, rate } from "../output/format.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { type Column, table } from "../output/table.js"
import { printable } from "../output/text.js"
import { look } from "../queues/look.js"
import { badgePaint, badgeText, MissingFields, pausedWhere, QueueFields, queueFields } from "../queues/queueFields.js"
import * as read from "../readers.js"

export const Answer = Schema.Struct({
  queues: Schema.Array(QueueFields),
  sample: Seconds.annotations({ description: "how long rates were measured, in seconds; 0 for not at all" }),
  missing: MissingFields.annotations({ description: "the nodes whose queues are not in the answer, and why" })
})

const sorts = {
  worst: Cluster.worstFirst,
  name: (a: Cluster.ClusterQueue, b: Cluster.ClusterQueue) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  length: (a: Cluster.ClusterQueue, b: Cluster.ClusterQueue) => b.length - a.length,
  oldest: (a: Cluster.ClusterQueue, b: Cluster.ClusterQueue) =>
    Duration.toMillis(b.oldest ?? 0) - Duration.toMillis(a.oldest ?? 0)
} as const

const rateOf = (value: number | null): string => (value === null ? "" : rate(value))

const shown = (queues: ReadonlyArray<QueueFields>, style: Style): string => {
  const paint = paints(style)
  const columns: ReadonlyArray<Column<QueueFields>> = [
    { title: "QUEUE", cell: ({ name }) => printable(name), paint: () => paint.bold, least: 12 },
    { title: "LENGTH", cell: ({ length }) => count(length), align: "right" },
    {
      title: "OLDEST",
      cell: ({ oldest }) => (oldest === null ? "" : age(Duration.seconds(oldest))),
      align: "right",
      priority: 2
    },
    { title: "IN", cell: (queue) => rateOf(queue.in), align: "right", priority: 4 },
    { title: "OUT", cell: (queue) => rateOf(queue.out), align: "right", priority: 3 },
    { title: "WAITING", cell: ({ blocked }) => (blocked === 0 ? "" : count(blocked)), align: "right", priority: 5 },
    { title: "PAUSED", cell: pausedWhere, priority: 6 },
    { title: "TROUBLE", cell: badgeText, priority: 1, least: 12, paint: (queue) => badgePaint(queue, paint) }
  ]
  return table(columns, queues, style)
}

export const command = onCluster({
  name: "queues",
  summary: "List the queues of the cluster, those with trouble first",
  details:
    "Trouble is: no consumers (jobs wait, and nobody takes them), partly paused (not the same on all nodes), paused, growing (more comes in than goes out). WAITING is how many clients wait for a job.",
  args: {
    pattern: option.optionalArgument(
      "PATTERN",
      read.text("a pattern of names"),
      "Only queues whose name fits: * stands for any text, and ? for any character."
    )
  },
  options: {
    sample: option.defaulted(
      "TIME",
      read.sample,
      "1s",
      "For how long rates are measured, 100ms or more; 0 for no rates, and an answer at once."
    ),
    sort: option.choice(["worst", "name", "length", "oldest"], "worst", "What comes first."),
    limit: option.optional("COUNT", read.count(1), "How many queues are shown. Default: all.")
  },
  output: Answer,
  examples: [
    ["disco queues", "all queues, those with trouble first"],
    ["disco queues 'mail*' --sort length", "the longest of those whose name begins with mail"],
    ["disco queues --sample 0 --json", "for programs, at once, without rates"]
  ],
  statuses: { 1: "A node did not answer: its queues are left out." },
  run: ({ limit, pattern, sample, sort }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const { nodes, queues: found } = yield* look(pattern, sample)
      const all = found.toSorted(sorts[sort]).map(queueFields)
      const queues = all.slice(0, limit)
      const missing = nodes.flatMap(({ address, error }) =>
        error === undefined ? [] : [{ node: address, error: error.message }]
      )
      yield* output.answer(Answer, { queues, sample: seconds(sample), missing }, (style) =>
        queues.length > 0
          ? shown(queues, style)
          : pattern === undefined
            ? "there are no queues"
            : `no queue fits ${JSON.stringify(pattern)}`
      )
      if (queues.length < all.length) {
        yield* output.text(() => `and ${counted(all.length - queues.length, "more queue")}`)
      }
      const crowded = nodes.filter(({ error, isComplete }) => error === undefined && !isComplete)
      if (crowded.length > 0) {
        yield* output.note(
          `disco: ${list(crowded.map(({ address }) => address))} ${crowded.length === 1 ? "has" : "have"} more queues than are looked at: name some by a pattern`
        )
      }
      for (const { error } of missing) yield* output.note(`disco: its queues are left out: ${error}`)
      return missing.length + crowded.length > 0 ? 1 : 0
    })
})
