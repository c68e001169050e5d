/** `disco move`: moves the jobs that wait in a queue to another queue. */
import { Cluster, Job } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { UsageError } from "../CliError.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { confirm } from "../confirm.js"
import { grep } from "../jobs/options.js"
import { Count } from "../output/fields.js"
import { counted, list } from "../output/format.js"
import { Output } from "../output/Output.js"
import { printable } from "../output/text.js"
import * as read from "../readers.js"

const Answer = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  moved: Count.annotations({ description: "the jobs that were moved, or with --dry-run would be" }),
  isDryRun: Schema.Boolean,
  maybeTwice: Schema.Array(Schema.String).annotations({
    description: "ids of jobs that are still in the queue FROM, and may be in TO as well"
  }),
  error: Schema.NullOr(Schema.String).annotations({ description: "why not all jobs were moved" })
})

export const command = onCluster({
  name: "move",
  summary: "Move the jobs that wait in a queue to another queue",
  details:
    "Each job is added to the other queue with its body, its retry time and number of copies, and what is left of its TTL, and acknowledged in its own queue after that. So none is lost; a job may be in both queues if a node fails in between, and is named then. A moved job has another id, and no nacks. Jobs that are delayed or in the hands of a consumer stay. Asks first, and needs --yes where no terminal is to ask on. Ctrl-C puts back the jobs in hand.",
  args: {
    from: option.argument("FROM", read.queue, "The queue that the jobs are in."),
    to: option.argument("TO", read.queue, "The queue that they are moved to.")
  },
  options: {
    limit: option.optional("COUNT", read.count(1), "The most jobs. Default: all that wait."),
    grep,
    dryRun: option.flag("Move nothing, and say how many jobs would be moved."),
    yes: option.yes
  },
  output: Answer,
  examples: [
    ["disco move emails emails.old --dry-run", "how many jobs would be moved"],
    ["disco move emails emails.old --limit 100", "asks, and moves a hundred"]
  ],
  statuses: { 1: "Not all of the jobs were moved." },
  run: ({ dryRun, from, grep: pattern, limit, to, yes }) =>
    Effect.gen(function* () {
      if (from === to)
        return yield* new UsageError({ message: `move: TO is the queue that the jobs are in: ${JSON.stringify(to)}` })
      const output = yield* Output
      const names = `from ${printable(from)} to ${printable(to)}`
      const chosen = {
        limit,
        ...(pattern === undefined ? {} : { where: (job: Job.PeekedJob) => pattern.test(Job.text(job)) })
      }
      if (!dryRun && !yes) {
        const { moved } = yield* Cluster.move(from, to, { ...chosen, dryRun: true })
        if (moved > 0) yield* confirm({ yes, what: `this moves ${counted(moved, "job")} ${names}` })
      }
      let done = 0
      const onProgress = (moved: number) => {
        done = moved
        return output.progress(`${counted(moved, "job")} moved`)
      }
      const result = yield* Effect.either(Cluster.move(from, to, { ...chosen, dryRun, onProgress })).pipe(
        Effect.ensuring(output.progress("")),
        Effect.onInterrupt(() => output.note(`disco: stopped: ${counted(done, "job")} moved ${names}`))
      )
      if (Either.isLeft(result) && result.left._tag === "InvalidArgument") return yield* result.left
      const { maybeTwice, moved } = Either.merge(result) as Cluster.Moved
      const error = Either.isLeft(result) ? result.left.message : null
      yield* output.answer(Answer, { from, to, moved, isDryRun: dryRun, maybeTwice, error }, () =>
        dryRun ? `${counted(moved, "job")} would be moved ${names}` : `${counted(moved, "job")} moved ${names}`
      )
      if (error !== null) yield* output.note(`disco: ${error}`)
      if (maybeTwice.length > 0) yield* output.note(`disco: in both queues, perhaps: ${list(maybeTwice)}`)
      return error === null && maybeTwice.length === 0 ? 0 : 1
    })
})
