/** `disco show`: all that the nodes know of single jobs. */
import { DisquePool, JobId } from "@disco/core"
import { JobNodes, type Story, storyOf, type TimedCopy } from "@disco/core/internal"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { type BodyForm, bodyText, formOf } from "../jobs/bodies.js"
import { fields } from "../jobs/fields.js"
import { bodyForm } from "../jobs/options.js"
import { timeline } from "../jobs/timeline.js"
import { BodyFields, body, Count, Seconds, seconds } from "../output/fields.js"
import { age, count, counted, list, size } from "../output/format.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { printable } from "../output/text.js"
import * as read from "../readers.js"

const State = Schema.Literal("wait-repl", "active", "queued", "acked")

const NullableSeconds = Schema.NullOr(Seconds)

const Shown = Schema.Struct({
  id: Schema.String,
  queue: Schema.NullOr(Schema.String).annotations({ description: "null if only an acknowledgement is known" }),
  state: State.annotations({
    description:
      "in the cluster: acked if one node says so, or else queued if it waits on one, or else wait-repl, or else active"
  }),
  createdAt: Schema.NullOr(Schema.String).annotations({
    description: "when the job was added, by the clock of its node"
  }),
  age: NullableSeconds,
  delay: Seconds,
  retry: Seconds.annotations({ description: "seconds; 0 if the job is delivered once or never" }),
  ttl: Seconds.annotations({ description: "seconds that are left until the job is deleted" }),
  replicate: Count.annotations({ description: "the copies that were asked for" }),
  nacks: Count,
  additionalDeliveries: Count,
  nextRequeue: NullableSeconds.annotations({ description: "seconds until it is queued again; null if it is not" }),
  copies: Schema.Array(
    Schema.Struct({ node: Schema.String, state: State, nextRequeue: NullableSeconds, isJob: Schema.Boolean })
  ).annotations({ description: "what each node knows; isJob is false where only an acknowledgement is known" }),
  events: Schema.Array(
    Schema.Struct({
      at: Schema.String,
      in: Seconds.annotations({ description: "seconds until then; less than 0 if it is past" }),
      event: Schema.Literal("created", "queued", "renewed", "requeue", "expiry"),
      text: Schema.String
    })
  ),
  ...BodyFields
})

type Shown = typeof Shown.Type

const none = new Uint8Array()

const iso = (millis: number): string => DateTime.formatIso(DateTime.unsafeMake(millis))

const orNull = (time: Duration.Duration | null): number | null => (time === null ? null : seconds(time))

const fieldsOf = ({ copies, events, id, main, queue, state }: Story): Shown => {
  const { info } = main
  const created = events.find(({ kind }) => kind === "created")
  return {
    id,
    queue,
    state,
    createdAt: created === undefined ? null : iso(created.at),
    age: created === undefined ? null : -created.inMillis / 1000,
    delay: seconds(info.delay),
    retry: seconds(info.retry),
    ttl: seconds(info.ttl),
    replicate: info.replicate,
    nacks: info.nacks,
    additionalDeliveries: info.additionalDeliveries,
    nextRequeue: orNull(info.nextRequeueWithin),
    copies: copies.map(({ info, node }) => ({
      node: node.address,
      state: info.state,
      nextRequeue: orNull(info.nextRequeueWithin),
      isJob: info.queue !== null
    })),
    events: events.map(({ at, inMillis, kind, text }) => ({ at: iso(at), in: inMillis / 1000, event: kind, text })),
    ...body(info.body ?? none)
  }
}

const copiesText = ({ copies, main }: Story, nodes: JobNodes): string => {
  const holders = copies.filter(({ info }) => info.queue !== null).map(({ node }) => node.address)
  const silent = nodes.silentAmong(main.info.nodesDelivered)
  return [
    `${count(holders.length)} of ${count(main.info.replicate)}`,
    ...(holders.length > 0 ? [`on ${list(holders)}`] : []),
    ...(silent.length > 0 ? [`${list(silent)} did not answer`] : [])
  ].join(", ")
}

const retryText = (id: JobId.JobId, retry: Duration.Duration): string =>
  JobId.isAtLeastOnce(id) ? `after ${age(retry)}` : "never: it is delivered once or not at all"

const text = (story: Story, nodes: JobNodes, form: BodyForm, style: Style): string => {
  const paint = paints(style)
  const { id, main, queue, state, stateText } = story
  const { info } = main
  const color = state === "acked" ? paint.green : state === "queued" ? paint.cyan : paint.yellow
  const content = info.body ?? none
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["queue", queue === null ? "unknown: only an acknowledgement is left" : printable(queue)],
    ["state", color(stateText)],
    ...(queue === null
      ? []
      : ([
          ["copies", copiesText(story, nodes)],
          ["retry", retryText(id, info.retry)],
          [
            "put back",
            `${counted(info.nacks, "time")} by NACK, ${counted(info.additionalDeliveries, "time")} otherwise`
          ],
          ["body", `${size(content.length)}${content.length === 0 ? "" : `, ${formOf(content, form)}`}`]
        ] as const))
  ]
  return [
    paint.bold(id),
    fields(rows, style),
    ...(queue === null ? [] : ["", ...timeline(story.events, style)]),
    ...(content.length === 0 ? [] : ["", bodyText(content, form, style)]),
    ""
  ].join("\n")
}

export const command = onCluster({
  name: "show",
  summary: "Show what all nodes know of jobs, and change nothing",
  details:
    "Each job is looked for on all nodes (SHOW). The times are those of the nodes' clocks, in UTC. Nodes do not write down when they delivered a job: what is known is when it is queued again. Counts of NACKs and other deliveries are those of one node.",
  args: { ids: option.someArguments("ID", read.jobId, "The id of a job.") },
  options: {
    as: bodyForm
  },
  output: Shown,
  isStream: true,
  examples: [
    ["disco show D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "one job"],
    ["disco show D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1 --as hex", "with the bytes of its body"]
  ],
  statuses: { 1: "A job is not known to any node that answered." },
  run: ({ as: form, ids }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const output = yield* Output
      const nodes = yield* JobNodes.make(pool)
      let missing = 0
      for (const given of new Set(ids)) {
        const id = JobId.make(given)
        const found = yield* nodes.ask((commands, node) =>
          Effect.gen(function* () {
            const info = yield* commands.show(id)
            if (Option.isNone(info)) return []
            const { microseconds } = yield* commands.server.time
            return [{ node, info: info.value, now: Number(microseconds / 1000n) }]
          })
        )
        const [first, ...others]: ReadonlyArray<TimedCopy> = found.flat()
        if (first === undefined) {
          missing += 1
          const silent = [...nodes.failures.keys()]
          const rest =
            silent.length > 0
              ? `none of the nodes that answered: ${list(silent)} did not`
              : "no node: it is done, deleted, or was never added"
          yield* output.note(`disco: ${id} is known to ${rest}`)
          continue
        }
        const story = storyOf(id, [first, ...others])
        yield* output.item(Shown, fieldsOf(story), (style) => text(story, nodes, form, style))
      }
      return missing > 0 ? 1 : 0
    })
})
