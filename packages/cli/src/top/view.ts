/** The picture of a model. */
import type { Cluster } from "@disco/core"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import { age, count, counted, latency, rate, size } from "../output/format.js"
import { type Paint, type Paints, paints } from "../output/style.js"
import { cut, printable, width } from "../output/text.js"
import type { Picture } from "../screen/paint.js"
import { wrap } from "../wrap.js"
import { show } from "./ask.js"
import { jobLines } from "./jobView.js"
import { footLines, listRows } from "./layout.js"
import { between, line, type Span } from "./line.js"
import { listLines } from "./listView.js"
import type { Model } from "./model.js"
import { queueLines } from "./queueView.js"

/** How the screen looks. */
export interface Look {
  readonly hasColor: boolean
}

const esc = String.fromCharCode(0x1b)

// Not a color: without it, nobody would see where the cursor is.
const inverse: Paint = (text) => `${esc}[7m${text}${esc}[27m`

const titleLine = ({ now, size, snapshot, totals }: Model, { bold, dim }: Paints): string => {
  const time = DateTime.formatIso(DateTime.unsafeMake(now)).slice(11, 19)
  if (snapshot === undefined) return between([["disco top", bold]], [[`${time} UTC`, dim]], size.columns)
  const figures = [
    counted(totals.queues, "queue"),
    counted(totals.jobs, "job"),
    `${rate(totals.in)} in`,
    `${rate(totals.out)} out`
  ].join("  ")
  return between([["disco top", bold], `  ${figures}`], [[`${time} UTC`, dim]], size.columns)
}

const nodeSpan = (node: Cluster.SampledNode, { members, now }: Model, paint: Paints): Span => {
  const { address, error, failingSince } = node
  if (error !== undefined) {
    const since = failingSince === undefined ? 0 : now - DateTime.toEpochMillis(failingSince)
    return [`${address} does not answer (${age(Math.max(0, since))})`, paint.red]
  }
  const member = members.find((each) => each.address === address)
  if (member === undefined || Either.isLeft(member.figures)) return address
  const { memory, roundTrip } = member.figures.right
  const text = `${address} ${latency(roundTrip)} ${size(memory)}`
  return member.state === "up" ? text : [`${text} ${member.state}`, paint.yellow]
}

/** The nodes, those that do not answer first. */
const nodesLine = (model: Model, paint: Paints): string => {
  const { nodes, size } = model
  const silent = nodes.filter(({ error }) => error !== undefined)
  const others = nodes.filter(({ error }) => error === undefined)
  const title = counted(nodes.length, "node")
  const spans = [...silent, ...others].flatMap((node): ReadonlyArray<Span> => ["  ", nodeSpan(node, model, paint)])
  return nodes.length === 0
    ? line([["asking the nodes …", paint.dim]], size.columns)
    : line([title, ...spans], size.columns)
}

/** What there is to say, the most urgent first. */
const messageLine = (model: Model, { cyan, dim, green, red, yellow }: Paints): string => {
  const { doing, filter, message, nodes, now, rows, silentSince, size, snapshot } = model
  const say = (text: string, paint: Paint) => line([[printable(text), paint]], size.columns)
  if (silentSince !== undefined) {
    const since = age(Math.max(0, now - silentSince))
    return say(`No node has answered for ${since}: what is shown is from before.`, red)
  }
  if (message !== undefined) return say(message.text, message.isFailure ? red : green)
  if (doing.length > 0) return say(`${doing.join(", ")} …`, cyan)
  if (nodes.some(({ error }) => error !== undefined)) {
    return say("Jobs on nodes that do not answer are not among the figures.", yellow)
  }
  if (filter !== "") {
    return say(`${count(rows.length)} of ${counted(snapshot?.queues.length ?? 0, "queue")} hold "${filter}"`, cyan)
  }
  if (nodes.some(({ isComplete }) => !isComplete)) return say("Not all queues are known yet.", dim)
  return ""
}

const keys: Readonly<Record<"list" | "queue" | "job", ReadonlyArray<string>>> = {
  list: ["⏎ open", "←→ sort", "/ filter", "p pause", "r redrive", "d delete", "? help", "q quit"],
  queue: ["Esc back", "⏎ open job", "p pause", "r redrive", "d delete", "? help", "q quit"],
  job: ["Esc back", "↑↓ scroll", "d delete", "? help", "q quit"]
}

/** As many keys as there is room for. Those before the last two go first, and the first one stays longest. */
const keysLine = (names: ReadonlyArray<string>, columns: number): string => {
  const shown = [...names]
  while (width(shown.join("  ")) > columns && shown.length > 3) shown.splice(-3, 1)
  return cut(shown.join("  "), columns)
}

const help: ReadonlyArray<readonly [keys: string, does: string]> = [
  ["↑ ↓ j k", "select the row above or below"],
  ["PgUp PgDn", "a page up or down"],
  ["g G", "the first or the last row"],
  ["Enter", "open the queue, and in there a job"],
  ["Esc", "back; in the list: show all queues"],
  ["← →", "sort by the next column"],
  ["v", "turn the order round"],
  ["/", "only queues whose names hold a text"],
  ["p", "pause the queue on all nodes, or resume it"],
  ["r", "add its dead letters to it again"],
  ["d", "delete its jobs, after its name was typed; in a job: delete it"],
  ["Ctrl-Z", "stop until fg"],
  ["q Ctrl-C", "quit"]
]

const helpLines = (columns: number, { bold }: Paints): ReadonlyArray<string> => [
  line([["Keys", bold]], columns),
  ...help.flatMap(([keys, does]) =>
    wrap(`            ${does}`, columns)
      .split("\n")
      .map((each, i) => cut(i === 0 ? keys.padEnd(12) + each.trimStart() : each, columns))
  )
]

/** Lines from the first one on, or as far down as the one that is selected and the next one need. */
const withSelected = (lines: ReadonlyArray<string>, selected: number, rows: number): ReadonlyArray<string> => {
  const top = Math.max(0, Math.min(selected + 2, lines.length) - rows)
  return lines.slice(top, top + rows)
}

const page = (model: Model, look: Look): readonly [kind: keyof typeof keys, lines: ReadonlyArray<string>] => {
  const style = { ...look, columns: model.size.columns, inverse }
  // The head of the list is a line of the other pages.
  const rows = listRows(model.size) + 1
  if (model.job !== undefined) {
    const lines = jobLines(model.job, style)
    return ["job", lines.slice(Math.min(model.job.top, Math.max(0, lines.length - rows))).slice(0, rows)]
  }
  if (model.queue !== undefined) {
    const { lines, selected } = queueLines(model, model.queue, style)
    return ["queue", withSelected(lines, selected, rows)]
  }
  return ["list", listLines(model, style)]
}

/** Draws the model. No line is wider than the screen. */
export const view = (model: Model, look: Look): Picture => {
  const { columns, rows } = model.size
  const paint = paints(look)
  const [kind, lines] = page(model, look)
  const { question } = model
  const [text, typed] = question === undefined ? ["", ""] : show(question, model)
  // The end of what is typed stays in sight.
  const room = Math.max(0, columns - 1)
  const asked = Array.from(text + typed)
  while (asked.length > 0 && width(asked.join("")) > room) asked.shift()
  const foot = question === undefined ? paint.dim(keysLine(keys[kind], columns)) : paint.bold(asked.join(""))
  const body = model.isHelp ? helpLines(columns, paint) : lines
  const above = [titleLine(model, paint), nodesLine(model, paint), messageLine(model, paint)]
  const seen = [...above, ...body].slice(0, Math.max(0, rows - footLines))
  const empty = Array.from({ length: Math.max(0, rows - footLines - seen.length) }, () => "")
  const cursor = question === undefined ? undefined : { row: rows - 1, column: width(asked.join("")) }
  return { lines: [...seen, ...empty, foot].slice(-Math.max(1, rows)), cursor }
}
