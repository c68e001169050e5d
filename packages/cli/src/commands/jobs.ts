/** `disco jobs`: looks for jobs on all nodes. */
import { Cluster, Job } from "@disco/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { CliError } from "../CliError.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Settings } from "../connection/Settings.js"
import { JobFields, jobColumns } from "../jobs/jobFields.js"
import { grep } from "../jobs/options.js"
import { body, seconds } from "../output/fields.js"
import { Output } from "../output/Output.js"
import { table } from "../output/table.js"
import * as read from "../readers.js"

const Found = Schema.Struct({
  ...JobFields.fields,
  copies: Schema.Array(Schema.Struct({ node: Schema.String, state: JobFields.fields.state })).annotations({
    description: "the nodes that have a copy, and its state there"
  })
})

const none = new Uint8Array()

const foundOf = (job: Cluster.ClusterJob): typeof Found.Type => ({
  id: job.id,
  queue: job.queue,
  state: job.state,
  node: job.node,
  age: job.age === undefined ? null : seconds(job.age),
  ttl: seconds(job.ttl),
  nacks: job.nacks,
  additionalDeliveries: job.additionalDeliveries,
  copies: job.copies.map(({ node, state }) => ({ node, state })),
  ...body(job.body ?? none)
})

/** How many lines of a table are gathered, and for how long, so that its columns fit. */
const linesAtATime = 500
const gathersFor = "1 second"

export const command = onCluster({
  name: "jobs",
  summary: "Look for jobs on all nodes, and change nothing",
  details:
    "All nodes are gone through once (JSCAN), one after the other, and each job is printed once, as it is found, with its state in the cluster. A node goes through all of its jobs for that: on a node with millions it takes a while. Jobs that come or go meanwhile may be missing.",
  options: {
    queue: option.optional("QUEUE", read.queue, "Jobs of this queue alone."),
    state: option.many(
      "STATE",
      read.word<Job.JobState>("queued", "active", "wait-repl", "acked"),
      "Jobs in this state: queued, active (delivered or delayed), wait-repl (waiting for copies), acked. May be given several times.",
      { completion: ["queued", "active", "wait-repl", "acked"] }
    ),
    olderThan: option.optional("TIME", read.duration(), "Jobs that were added so long ago, or longer: 10m, 2h."),
    grep,
    limit: option.optional("COUNT", read.count(1), "The most jobs. Default: all.")
  },
  output: Found,
  isStream: true,
  examples: [
    ["disco jobs --queue emails --state active", "jobs that were delivered or are delayed"],
    ["disco jobs --older-than 1h --grep 'ada@' --limit 10", "ten old jobs about ada"]
  ],
  statuses: { 1: "A node did not answer: its jobs are missing." },
  run: ({ grep: pattern, limit, olderThan, queue, state }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const { timeout } = yield* Settings
      const failures: Array<string> = []
      const all = Cluster.jobs({
        queue,
        limit,
        olderThan,
        states: state,
        within: timeout,
        ...(pattern === undefined ? {} : { where: ({ body }) => body !== null && pattern.test(Job.text({ body })) })
      })
      // Jobs that were found are printed before the failure is told.
      const found = Stream.catchAll(all, (error) => {
        failures.push(error.message)
        return Stream.empty
      })
      let hasHead = false
      const printed = output.isJson
        ? Stream.runForEach(found, (job) => output.item(Found, foundOf(job), () => ""))
        : found.pipe(
            Stream.groupedWithin(linesAtATime, gathersFor),
            Stream.runForEach((jobs) =>
              output.text((style) => {
                const whole = table(jobColumns(queue === undefined), Chunk.toReadonlyArray(jobs).map(foundOf), style)
                const shown = hasHead ? whole.slice(whole.indexOf("\n") + 1) : whole
                hasHead = true
                return shown
              })
            )
          )
      yield* printed
      for (const message of failures) return yield* new CliError({ message })
      if (!hasHead && !output.isJson) yield* output.note("disco: no job was found")
      return 0
    })
})
