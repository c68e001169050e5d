/** An open queue: its figures on each node, its jobs by state, and the jobs at its head. */
import type { Cluster } from "@disco/core"
import { textOf } from "../output/fields.js"
import { age, count, counted, list, rate, size } from "../output/format.js"
import { type Paint, paints, type Style } from "../output/style.js"
import { type Column, table } from "../output/table.js"
import { cut, plain, printable, width } from "../output/text.js"
import { line, sentences } from "./line.js"
import { findQueue, type HeadJob, type Model, type QueuePage } from "./model.js"

type NodeQueue = Cluster.ClusterQueue["nodes"][number]

const nodeColumns: ReadonlyArray<Column<NodeQueue>> = [
  { title: "NODE", cell: ({ node }) => node },
  { title: "LENGTH", cell: ({ length }) => count(length), align: "right" },
  { title: "OLDEST", cell: ({ oldest }) => (oldest === undefined ? "" : age(oldest)), align: "right", priority: 1 },
  { title: "IN", cell: ({ rates }) => (rates === undefined ? "" : rate(rates.in)), align: "right", priority: 2 },
  { title: "OUT", cell: ({ rates }) => (rates === undefined ? "" : rate(rates.out)), align: "right", priority: 3 },
  { title: "WAITING", cell: ({ blocked }) => count(blocked), align: "right", priority: 4 },
  { title: "PAUSED", cell: ({ pause }) => (pause === "none" ? "" : pause), priority: 2 },
  {
    title: "IMPORTS",
    cell: ({ rates }) => (rates === undefined || rates.imported === 0 ? "" : rate(rates.imported)),
    align: "right",
    priority: 5
  }
]

const states = [
  ["queued", "in the queue"],
  ["active", "delivered, delayed or a copy"],
  ["wait-repl", "waiting for copies"],
  ["acked", "acknowledged"]
] as const

const countLines = ({ counts, trouble }: NonNullable<QueuePage["detail"]>, columns: number): ReadonlyArray<string> => {
  const text =
    counts === undefined
      ? []
      : [
          `${states.map(([state, words]) => `${count(counts.states[state])} ${words}`).join(", ")}${
            counts.isComplete ? "" : ", and more that were not counted"
          }`
        ]
  return [...text, ...(trouble === undefined ? [] : [trouble])].flatMap((each) => sentences(printable(each), columns))
}

const body = (bytes: Uint8Array): string => {
  const text = textOf(bytes.subarray(0, 400)) ?? textOf(bytes)
  return text === undefined ? `${size(bytes.length)} of binary data` : printable(text.slice(0, 400))
}

const headLine = (job: HeadJob, isSelected: boolean, columns: number, inverse: Paint): string => {
  const id = columns < 70 ? `${cut(job.id, 14)}` : job.id
  const text = `${isSelected ? ">" : " "} ${id}  ${body(job.body)}`
  return isSelected ? line([[text.padEnd(columns), inverse]], columns) : line([text], columns)
}

const summary = (queue: Cluster.ClusterQueue): string => {
  const { blocked, length, oldest, pauses, rates } = queue
  const paused = pauses.filter(({ pause }) => pause !== "none")
  return list([
    counted(length, "job"),
    ...(oldest === undefined ? [] : [`the oldest ${age(oldest)} old`]),
    ...(rates === undefined ? [] : [`${rate(rates.in)} in`, `${rate(rates.out)} out`]),
    counted(blocked, "consumer"),
    ...paused.map(({ node, pause }) => `${pause === "all" ? "" : `${pause} `}paused on ${node}`)
  ])
}

/** All lines of the page, and which of them is selected. */
export const queueLines = (
  model: Model,
  page: QueuePage,
  style: Style & { readonly inverse: Paint }
): { readonly lines: ReadonlyArray<string>; readonly selected: number } => {
  const { bold, dim } = paints(style)
  const { columns } = style
  const queue = findQueue(model, page.name)
  const lines = [line([[printable(page.name), bold]], columns)]
  if (queue === undefined) {
    lines.push(...sentences("No node that answers knows this queue: it has no jobs and no consumers.", columns))
  } else {
    lines.push(...sentences(summary(queue), columns), "")
    lines.push(
      ...table(nodeColumns, queue.nodes, style)
        .split("\n")
        .map((text) => (width(text) > columns ? cut(plain(text), columns) : text))
    )
  }
  lines.push("")
  const { detail } = page
  if (detail === undefined) {
    return { lines: [...lines, line([["asking the nodes …", dim]], columns)], selected: 0 }
  }
  lines.push(line([["Jobs by state", bold]], columns), ...countLines(detail, columns), "")
  if (detail.head.length > 0) lines.push(line([["Head of the queue", bold]], columns))
  const at = detail.head.findIndex(({ id }) => id === page.selected)
  const selected = at < 0 ? 0 : lines.length + at
  lines.push(...detail.head.map((job) => headLine(job, job.id === page.selected, columns, style.inverse)))
  return { lines, selected }
}
