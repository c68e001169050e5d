/** `disco queue`: all about one queue. */
import { Cluster, DisquePool } from "@disco/core"
import { JobNodes } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { CliError } from "../CliError.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { waiting } from "../jobs/waiting.js"
import { seconds } from "../output/fields.js"
import { Output } from "../output/Output.js"
import { look } from "../queues/look.js"
import { Answer, page } from "../queues/oneQueue.js"
import { queueFields } from "../queues/queueFields.js"
import * as read from "../readers.js"

const counted = (name: string, isWanted: boolean) =>
  isWanted
    ? Effect.map(Cluster.jobCounts(name), ({ isComplete, states }) => ({ ...states, isComplete }))
    : Effect.succeed(null)

export const command = onCluster({
  name: "queue",
  summary: "Show all about one queue: figures per node, jobs by state, and what is delivered next",
  args: { name: option.argument("NAME", read.queue, "The name of the queue.") },
  options: {
    sample: option.defaulted(
      "TIME",
      read.sample,
      "1s",
      "For how long rates are measured, 100ms or more; 0 for no rates, and an answer at once."
    ),
    head: option.defaulted(
      "COUNT",
      read.count(0, 1000),
      "5",
      "How many of the jobs are shown that are delivered next."
    ),
    noStates: option.flag("Do not count jobs by state: each node goes through all of its jobs for that.")
  },
  output: Answer,
  examples: [
    ["disco queue emails", "the queue emails, on all nodes"],
    ["disco queue emails --head 20 --sample 10s", "more jobs of its head, and rates over ten seconds"]
  ],
  statuses: { 1: "There is no such queue, or a node did not answer." },
  run: ({ head: count, name, noStates, sample }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const { nodes, queues } = yield* look(name, sample)
      const queue = queues.find((each) => each.name === name)
      const missing = nodes.flatMap(({ address, error }) =>
        error === undefined ? [] : [{ node: address, error: error.message }]
      )
      const but = missing.length === 0 ? "" : `, as far as can be told: ${missing.map(({ error }) => error).join("; ")}`
      if (queue === undefined) {
        return yield* new CliError({ message: `there is no queue ${JSON.stringify(name)}${but}` })
      }
      const holders = new JobNodes(
        yield* DisquePool,
        queue.nodes.filter(({ length }) => length > 0).map(({ node }) => ({ address: node, id: undefined }))
      )
      const head = count === 0 ? [] : yield* waiting(holders, name, count, "oldest")
      for (const [node, { message }] of holders.failures) missing.push({ node, error: message })
      const addresses = new Map(nodes.map(({ address, id }) => [id, address]))
      const answer: Answer = {
        ...queueFields(queue),
        nodes: queue.nodes.map((each) => ({
          node: each.node,
          length: each.length,
          oldest: each.oldest === undefined ? null : seconds(each.oldest),
          in: each.rates?.in ?? null,
          out: each.rates?.out ?? null,
          blocked: each.blocked,
          pause: each.pause,
          importRate: each.importRate,
          importFrom: each.importFrom.map((id) => addresses.get(id) ?? id),
          idle: Duration.toSeconds(each.idle)
        })),
        states: yield* counted(name, !noStates),
        head,
        missing
      }
      yield* output.answer(Answer, answer, (style) => page(answer, style))
      for (const { error } of missing) yield* output.note(`disco: what it has is left out: ${error}`)
      return missing.length > 0 ? 1 : 0
    })
})
