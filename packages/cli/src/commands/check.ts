/** `disco check`: one line and an exit status for monitoring systems. */
import { Cluster } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { problemsOf } from "../check/problems.js"
import { type Bounds, lineOf, severities, statusOf, worstFirst } from "../check/verdict.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Settings } from "../connection/Settings.js"
import { counted } from "../output/format.js"
import { Output } from "../output/Output.js"
import { paints } from "../output/style.js"
import { look } from "../queues/look.js"
import * as read from "../readers.js"

const Severity = Schema.Literal(...severities)

export const Answer = Schema.Struct({
  status: Severity,
  problems: Schema.Array(Schema.Struct({ severity: Severity, what: Schema.String })),
  queues: Schema.NonNegativeInt.annotations({ description: "how many queues there are" }),
  nodes: Schema.NonNegativeInt.annotations({ description: "how many nodes there are" })
})

/** One bound, which is critical, or a bound for warnings and one for what is critical. */
const bounds =
  (reader: read.Reader<number>): read.Reader<Bounds> =>
  (subject, name, text) => {
    const [first = "", second, ...more] = text.split(",")
    // Too many are refused with the whole text.
    if (more.length > 0)
      return Either.map(reader(subject, name, text), (critical) => ({ warning: undefined, critical }))
    if (second === undefined)
      return Either.map(reader(subject, name, first), (critical) => ({ warning: undefined, critical }))
    return Either.all({ warning: reader(subject, name, first), critical: reader(subject, name, second) })
  }

const millis: read.Reader<number> = (subject, name, text) =>
  Either.map(read.duration()(subject, name, text), Duration.toMillis)

const counts = bounds(read.count(0))

export const command = onCluster({
  name: "check",
  summary: "Check queues and nodes against bounds, for monitoring systems: one line and an exit status",
  details:
    "A bound may be two numbers: WARNING,CRITICAL. A node that is not up is a WARNING. Without QUEUE all queues are looked at, and those of dead letters (NAME.dead) only by --max-dead.",
  args: {
    queues: option.someArguments("QUEUE", read.queue, "The names of queues. A queue that nobody knows is empty.", 0)
  },
  options: {
    maxLength: option.optional("COUNT", counts, "The most jobs that may wait in a queue: 1000, or 1000,5000."),
    maxAge: option.optional("TIME", bounds(millis), "How old the oldest job that waits may be: 5m, or 5m,1h."),
    minConsumers: option.optional(
      "COUNT",
      counts,
      "How many clients have to wait for jobs of a queue. Busy consumers do not wait: a queue from which jobs go out passes."
    ),
    maxDead: option.optional("COUNT", counts, "The most dead letters of a queue."),
    clusterSize: option.optional("COUNT", read.count(1), "How many nodes have to be up."),
    sample: option.defaulted("TIME", read.sample, "1s", "For --min-consumers: how long to watch what goes out.")
  },
  output: Answer,
  examples: [
    ["disco check --cluster-size 3", "three nodes have to be up"],
    ["disco check emails --max-length 1000,5000 --max-age 5m --min-consumers 1", "bounds for one queue"]
  ],
  statuses: { 0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN: no node answered, or the command line is wrong." },
  whenFailed: { status: 3, line: (message) => `UNKNOWN: ${message}` },
  run: ({ sample, ...limits }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const { timeout } = yield* Settings
      const [snapshot, members] = yield* Effect.all(
        [
          look(undefined, limits.minConsumers === undefined ? Duration.zero : sample),
          Cluster.members({ within: timeout })
        ],
        { concurrency: "unbounded" }
      )
      const problems = worstFirst(problemsOf(snapshot, members, limits))
      const status = problems[0]?.severity ?? "OK"
      const found = { status, problems, queues: snapshot.queues.length, nodes: members.length }
      yield* output.answer(Answer, found, (style) => {
        const { green, red, yellow } = paints(style)
        const paint = status === "OK" ? green : status === "CRITICAL" ? red : yellow
        const whenFine = `${counted(found.nodes, "node")}, ${counted(found.queues, "queue")}`
        return lineOf(problems, whenFine).replace(status, paint)
      })
      return statusOf(status)
    })
})
