/** `disco bench`: how many jobs a cluster takes, and how fast. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Progress, Result } from "../bench/run.js"
import type { Times } from "../bench/tally.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Settings } from "../connection/Settings.js"
import { Count, Millis, Seconds } from "../output/fields.js"
import { count, counted, latency, rate } from "../output/format.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { table } from "../output/table.js"
import * as read from "../readers.js"

// As `leastSize` of bench/run.ts, which is loaded when the benchmark runs.
const leastSize = 16

const PerSecond = Schema.Number.annotations({ description: "jobs a second" })

const Spread = Schema.Struct({ count: Count, median: Millis, p99: Millis, max: Millis })

const Answer = Schema.Struct({
  queue: Schema.String.annotations({ description: "the queue that the jobs went through" }),
  producers: Count,
  consumers: Count,
  size: Count.annotations({ description: "bytes of each body" }),
  replicate: Count.annotations({ description: "copies of each job" }),
  seconds: Seconds.annotations({ description: "seconds, from the first job added to the last one delivered" }),
  added: Count,
  delivered: Count.annotations({ description: "how many of the jobs added were delivered" }),
  repeated: Count.annotations({ description: "deliveries of jobs that had been delivered before" }),
  failed: Count.annotations({ description: "jobs that could not be added" }),
  lastFailure: Schema.NullOr(Schema.String),
  in: PerSecond,
  out: PerSecond,
  add: Spread.annotations({ description: "how long it took to add a job" }),
  endToEnd: Schema.NullOr(Spread).annotations({
    description: "how long it took from before a job was added until a consumer had it; null if none was delivered"
  }),
  left: Schema.Array(Schema.String).annotations({ description: "why jobs are perhaps left in the queue" })
})

const perSecond = (jobs: number, seconds: number): number => (seconds > 0 ? Math.round(jobs / seconds) : 0)

const progressLine = (
  last: Progress | undefined,
  { added, adding, delivered, endToEnd, seconds }: Progress
): string => {
  const past = seconds - (last?.seconds ?? 0)
  const parts = [
    `${Math.round(seconds)}s`,
    `${rate(perSecond(added - (last?.added ?? 0), past))} in`,
    `${rate(perSecond(delivered - (last?.delivered ?? 0), past))} out`,
    ...(adding === undefined ? [] : [`add p99 ${latency(adding.p99)}`]),
    ...(endToEnd === undefined ? [] : [`end to end p99 ${latency(endToEnd.p99)}`])
  ]
  return parts.join("  ")
}

const text = (result: Result, style: Style): string => {
  const { added, adding, addingSeconds, delivered, emptied, endToEnd, failed, lastFailure, repeated, seconds } = result
  const { red, yellow } = paints(style)
  const row = (name: string, jobs: number, per: number, times: Times | undefined) => ({ name, jobs, per, times })
  const time = (of: (times: Times) => number) => (each: ReturnType<typeof row>) =>
    each.times === undefined ? "" : latency(of(each.times))
  const rows = [
    row("added", added, perSecond(added, addingSeconds), adding),
    row("delivered", delivered, perSecond(delivered, seconds), endToEnd)
  ]
  const lines = [
    table(
      [
        { title: "", cell: ({ name }) => name },
        { title: "JOBS", cell: ({ jobs }) => count(jobs), align: "right", priority: 2 },
        { title: "RATE", cell: ({ per }) => rate(per), align: "right" },
        { title: "MEDIAN", cell: time(({ median }) => median), align: "right", priority: 1 },
        { title: "P99", cell: time(({ p99 }) => p99), align: "right" },
        { title: "MAX", cell: time(({ max }) => max), align: "right", priority: 3 }
      ],
      rows,
      style
    )
  ]
  const undelivered = added - delivered
  if (failed > 0) lines.push(red(`${counted(failed, "job")} could not be added: ${lastFailure}`))
  if (undelivered > 0) lines.push(red(`${counted(undelivered, "job")} had not been delivered by the end`))
  if (repeated > 0)
    lines.push(yellow(`${counted(repeated, "delivery", "deliveries")} of a job that had been delivered before`))
  for (const failure of emptied.failures)
    lines.push(yellow(`jobs may be left in ${result.queue} for an hour: ${failure}`))
  return lines.join("\n")
}

export const command = onCluster({
  name: "bench",
  summary: "Measure how many jobs a cluster takes, and how fast",
  details:
    "Each producer adds a job, waits for the answer, and adds the next one; consumers acknowledge what they get. A delivery is timed from before its job was added, by the clock of this process. The queue has a random name and is emptied at the end, also by Ctrl-C. It shares the nodes with all other queues: do not measure a cluster whose work must not wait.",
  options: {
    producers: option.defaulted("COUNT", read.count(1, 10_000), "64", "How many jobs are being added at a time."),
    consumers: option.defaulted(
      "COUNT",
      read.count(1, 10_000),
      "64",
      "How many jobs are in the hands of consumers at a time."
    ),
    size: option.defaulted("BYTES", read.size(leastSize), "100", "The size of each body, 16 bytes or more."),
    replicate: option.defaulted(
      "COUNT",
      read.count(1, 65_535),
      "1",
      "How many nodes hold a copy of a job before it counts as added."
    ),
    duration: option.defaulted("TIME", read.duration(1), "10s", "How long jobs are added."),
    count: option.optional("COUNT", read.count(1), "How many jobs are added, in place of a duration.")
  },
  output: Answer,
  examples: [
    ["disco bench", "ten seconds of small jobs with one copy"],
    ["disco bench --replicate 3 --size 10kb --duration 1m", "larger jobs, each on three nodes"],
    ["disco bench --producers 1 --consumers 1 --count 1000", "how long one job takes where nothing waits"]
  ],
  statuses: { 1: "Jobs could not be added, had not come by the end, or were left in the queue." },
  run: ({ consumers, count, duration, producers, replicate, size }) =>
    Effect.gen(function* () {
      const { run } = yield* Effect.promise(() => import("../bench/run.js"))
      const { timeout } = yield* Settings
      const output = yield* Output
      let last: Progress | undefined
      const plan = {
        producers,
        consumers,
        size,
        replicate,
        millis: count === undefined ? Duration.toMillis(duration) : Number.POSITIVE_INFINITY,
        count: count ?? Number.POSITIVE_INFINITY,
        timeout
      }
      const result = yield* run(plan, {
        progress: (progress) =>
          Effect.suspend(() => {
            const line = progressLine(last, progress)
            last = progress
            return output.progress(line)
          }),
        left: (queue, { failures }) =>
          output.note(`disco: jobs may be left in ${queue} for an hour: ${failures.join("; ")}`)
      }).pipe(Effect.ensuring(output.progress("")))
      const { adding, addingSeconds, emptied, endToEnd, lastFailure, ...figures } = result
      const { added, delivered, failed, queue, repeated, seconds } = figures
      yield* output.answer(
        Answer,
        {
          queue,
          producers,
          consumers,
          size,
          replicate,
          seconds: Math.round(seconds * 1000) / 1000,
          added,
          delivered,
          repeated,
          failed,
          lastFailure: lastFailure ?? null,
          in: perSecond(added, addingSeconds),
          out: perSecond(delivered, seconds),
          add: adding ?? { count: 0, median: 0, p99: 0, max: 0 },
          endToEnd: endToEnd ?? null,
          left: emptied.failures
        },
        (style) => text(result, style)
      )
      return failed > 0 || delivered < added || emptied.failures.length > 0 ? 1 : 0
    })
})
