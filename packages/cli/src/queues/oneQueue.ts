/** One queue, as `disco queue` prints it. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { JobFields } from "../jobs/jobFields.js"
import { Count, Seconds } from "../output/fields.js"
import { age, count, list, rate } from "../output/format.js"
import { paints, type Style } from "../output/style.js"
import { pairs, table } from "../output/table.js"
import { cut, printable } from "../output/text.js"
import { badgePaint, badgeText, MissingFields, PauseField, pausedWhere, QueueFields } from "./queueFields.js"

const Rate = Schema.NullOr(Schema.Number)

const NodeFields = Schema.Struct({
  node: Schema.String,
  length: Count,
  oldest: Schema.NullOr(Seconds),
  in: Rate,
  out: Rate,
  blocked: Count,
  pause: PauseField,
  importRate: Count.annotations({ description: "jobs a second that come from other nodes" }),
  importFrom: Schema.Array(Schema.String).annotations({ description: "the nodes that jobs came from lately" }),
  idle: Seconds.annotations({ description: "seconds since a job last came in or went out" })
})

const States = Schema.Struct({
  queued: Count,
  active: Count.annotations({ description: "delivered, or delayed" }),
  "wait-repl": Count.annotations({ description: "waiting for copies" }),
  acked: Count.annotations({ description: "acknowledged, and not yet forgotten" }),
  isComplete: Schema.Boolean.annotations({ description: "false if there are more than were counted" })
})

export const Answer = Schema.Struct({
  ...QueueFields.fields,
  nodes: Schema.Array(NodeFields),
  states: Schema.NullOr(States).annotations({ description: "jobs by state, in the cluster; null if not counted" }),
  head: Schema.Array(JobFields).annotations({ description: "the jobs that are delivered next" }),
  missing: MissingFields.annotations({ description: "the nodes that did not answer, and why" })
})

export type Answer = typeof Answer.Type

const ageOf = (value: number | null): string => (value === null ? "" : age(Duration.seconds(value)))

const rateOf = (value: number | null): string => (value === null ? "" : rate(value))

const summary = (queue: Answer, style: Style): string => {
  const paint = paints(style)
  const trouble = badgeText(queue)
  const { states } = queue
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["trouble", trouble === "" ? paint.green("none") : badgePaint(queue, paint)(trouble)],
    ["length", count(queue.length)],
    ["oldest", ageOf(queue.oldest)],
    ["in, out", queue.in === null ? "" : `${rateOf(queue.in)}, ${rateOf(queue.out)}`],
    ["node to node", queue.imported === null || queue.imported === 0 ? "" : rateOf(queue.imported)],
    ["waiting", count(queue.blocked)],
    ["paused", pausedWhere(queue)],
    ["so far", `${count(queue.jobsIn)} in, ${count(queue.jobsOut)} out`],
    [
      "jobs",
      states === null
        ? ""
        : `${states.isComplete ? "" : "at least "}${list(
            (["queued", "active", "wait-repl", "acked"] as const).map((state) => `${count(states[state])} ${state}`)
          )}`
    ]
  ]
  return pairs(
    rows.filter(([, value]) => value !== ""),
    style
  )
}

const nodesTable = (nodes: Answer["nodes"], style: Style): string =>
  table<Answer["nodes"][number]>(
    [
      { title: "NODE", cell: ({ node }) => node },
      { title: "LENGTH", cell: ({ length }) => count(length), align: "right" },
      { title: "OLDEST", cell: ({ oldest }) => ageOf(oldest), align: "right", priority: 1 },
      { title: "IN", cell: (node) => rateOf(node.in), align: "right", priority: 3 },
      { title: "OUT", cell: (node) => rateOf(node.out), align: "right", priority: 2 },
      { title: "WAITING", cell: ({ blocked }) => (blocked === 0 ? "" : count(blocked)), align: "right", priority: 4 },
      {
        title: "PAUSED",
        cell: ({ pause }) => ({ none: "", in: "in", out: "out", all: "in and out" })[pause],
        priority: 5
      },
      {
        title: "IMPORTS",
        cell: ({ importFrom, importRate }) =>
          importRate === 0 ? "" : `${rate(importRate)} from ${list(importFrom.map(printable))}`,
        priority: 6,
        least: 20
      }
    ],
    nodes,
    style
  )

/** The most of a body that is shown in a line. */
const mostBody = 200

const headTable = (head: Answer["head"], style: Style): string =>
  table<Answer["head"][number]>(
    [
      { title: "NEXT", cell: ({ id }) => id },
      { title: "AGE", cell: ({ age }) => ageOf(age), align: "right", priority: 4 },
      { title: "NACKS", cell: ({ nacks }) => (nacks === 0 ? "" : count(nacks)), align: "right", priority: 2 },
      { title: "NODE", cell: ({ node }) => node, priority: 3 },
      {
        title: "BODY",
        cell: ({ body, encoding }) => cut(encoding === "text" ? printable(body) : `(base64) ${body}`, mostBody),
        priority: 1,
        least: 12
      }
    ],
    head,
    style
  )

/** The queue for people. */
export const page = (queue: Answer, style: Style): string => {
  const { bold } = paints(style)
  return [
    bold(printable(queue.name)),
    summary(queue, style),
    nodesTable(queue.nodes, style),
    ...(queue.head.length === 0 ? [] : [headTable(queue.head, style)])
  ].join("\n\n")
}
