/** `disco get`: takes jobs, to look at them, to take them away, or to run a command for each. */
import type { Job } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { UsageError } from "../CliError.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Settings } from "../connection/Settings.js"
import { type BodyForm, bodyText } from "../jobs/bodies.js"
import { bodyForm } from "../jobs/options.js"
import { type Executed, type Taking, takeAndExecute, takeAndReturn, takeAway } from "../jobs/taking.js"
import { BodyFields, body, Count } from "../output/fields.js"
import { count, counted, list, span } from "../output/format.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { printable } from "../output/text.js"
import * as read from "../readers.js"
import { Streams } from "../Streams.js"

const Taken = Schema.Struct({
  id: Schema.String,
  queue: Schema.String,
  node: Schema.String.annotations({ description: "the node that delivered the job" }),
  nacks: Count,
  additionalDeliveries: Count,
  ...BodyFields,
  outcome: Schema.NullOr(Schema.Literal("acknowledged", "returned", "lost")).annotations({
    description:
      "with --exec, what became of the job: returned if it goes back, lost if another consumer may have it; null without --exec"
  }),
  exec: Schema.NullOr(Schema.String).annotations({ description: "with --exec, how the command ended, in words" })
})

type Taken = typeof Taken.Type

const takenOf = (job: Job.Job, executed?: Executed): Taken => ({
  id: job.id,
  queue: job.queue,
  node: job.node,
  nacks: job.nacks,
  additionalDeliveries: job.additionalDeliveries,
  ...body(job.body),
  outcome: executed?.outcome ?? null,
  exec: executed?.text ?? null
})

const text = (job: Job.Job, form: BodyForm, style: Style): string => {
  const { bold, dim } = paints(style)
  const counts = [
    printable(job.queue),
    ...(job.nacks > 0 ? [counted(job.nacks, "nack")] : []),
    ...(job.additionalDeliveries > 0 ? [counted(job.additionalDeliveries, "other delivery", "other deliveries")] : [])
  ].join(", ")
  const gap = job.id.length + counts.length + 2 > style.columns ? "\n" : "  "
  return `${bold(job.id)}${gap}${dim(counts)}\n${bodyText(job.body, form, style)}\n`
}

/** The most jobs that are kept back from consumers without --ack and --exec. */
const mostHeld = 1000

export const command = onCluster({
  name: "get",
  summary: "Take jobs: look at them, take them away, or run a command for each",
  details:
    "Without --ack and --exec, jobs are printed and kept until this ends; then they go back into their queues by ENQUEUE, which counts as an additional delivery and not as a failure. At most 1,000 are kept. A job with RETRY 0 cannot be queued again, and is added once more. disco peek looks at jobs without taking them.\n\nWith --exec, a command of the shell has the body on its standard input, and DISCO_JOB_ID, DISCO_QUEUE, DISCO_NODE, DISCO_NACKS and DISCO_ADDITIONAL_DELIVERIES in its environment. If it ends with status 0, the job is acknowledged. Otherwise the job goes back (NACK): at the end, or with --follow after 1 second, doubling with each failure up to 1 minute. Its lease is kept meanwhile. If the lease is lost, the command is ended.\n\nCtrl-C ends the commands, and puts back what is not done. If disco is killed, its jobs come back after their retry time.",
  args: { queues: option.someArguments("QUEUE", read.queue, "The queues. Those named first come before the others.") },
  options: {
    count: option.optional("COUNT", read.count(1), "The most jobs to take. Default: 1, or with --follow no limit.", {
      short: "n"
    }),
    follow: option.flag("Go on until Ctrl-C, however long no job comes.", { short: "f" }),
    wait: option.defaulted("TIME", read.duration(1), "2s", "How long to wait for the next job, without --follow."),
    ack: option.flag("Acknowledge each job once it is printed: it is taken away."),
    exec: option.optional("COMMAND", read.text("a command"), "Run a command for each job."),
    concurrency: option.defaulted("COUNT", read.count(1, 1000), "1", "How many commands run at a time."),
    as: bodyForm
  },
  output: Taken,
  isStream: true,
  examples: [
    ["disco get emails --count 10", "print ten jobs, and put them back"],
    ["disco get emails --ack --json", "take a job away"],
    ["disco get emails --follow --exec './send-mail' --concurrency 4", "work on jobs until Ctrl-C"]
  ],
  statuses: { 1: "No job came, or with --exec a command failed." },
  run: ({ ack, as: form, concurrency, count: given, exec, follow, queues, wait }) =>
    Effect.gen(function* () {
      if (ack && exec !== undefined) {
        return yield* new UsageError({
          message: "--ack and --exec exclude each other: with --exec, the command decides"
        })
      }
      const output = yield* Output
      const { stderr } = yield* Streams
      const { timeout } = yield* Settings
      const isKept = !ack && exec === undefined
      const most = given ?? (follow ? (isKept ? mostHeld : Number.POSITIVE_INFINITY) : 1)
      if (isKept && most > mostHeld) {
        return yield* new UsageError({
          message: `get: --count is ${count(most)}, expected at most ${count(mostHeld)} without --ack and --exec: the jobs are kept from consumers meanwhile`
        })
      }
      const taking: Taking = { queues, count: most, wait: follow ? undefined : wait, timeout }
      let taken = 0
      let failed = 0
      const print = (job: Job.Job, executed?: Executed) => {
        taken += 1
        return output.item(Taken, takenOf(job, executed), (style) =>
          executed === undefined ? text(job, form, style) : ""
        )
      }
      const executed = (done: Executed) =>
        Effect.gen(function* () {
          yield* print(done.job, done)
          if (done.outcome === "acknowledged") return
          failed += 1
          const end = done.outcome === "returned" ? ", and the job goes back" : ""
          yield* output.note(`disco: ${done.job.id}: the command ${done.text}${end}`)
        })
      if (exec !== undefined) {
        yield* takeAndExecute(taking, { command: exec, concurrency, hasOutput: !output.isJson }, executed)
      } else if (ack) {
        yield* takeAway(taking, print)
      } else {
        yield* takeAndReturn(taking, print, ({ job, reason }) => {
          failed += 1
          return output.note(
            `disco: ${job.id} is delivered once only (RETRY 0), and could not be added to ${JSON.stringify(job.queue)} again: ${reason}`
          )
        })
        if (taken > 0 && stderr.isTerminal) {
          yield* output.note(`disco: ${counted(taken, "job")} put back`)
        }
      }
      if (taken === 0) {
        yield* output.note(`disco: no job came from ${list(queues.map(printable), "or")} within ${span(wait)}`)
      }
      return taken === 0 || failed > 0 ? 1 : 0
    })
})
