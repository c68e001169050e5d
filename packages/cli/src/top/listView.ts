/** The list of queues. Of ten thousand queues, the rows that are seen are drawn. */
import type { Cluster } from "@disco/core"
import { age, count, rate } from "../output/format.js"
import { type Paint, type Paints, paints, type Style } from "../output/style.js"
import { listRows } from "./layout.js"
import { cell, line, type Span } from "./line.js"
import type { Model } from "./model.js"
import type { Row, SortKey } from "./rows.js"

interface Column {
  readonly title: string
  readonly columns: number
  readonly align: "left" | "right"
  readonly cell: (row: Row) => string
  /** Where there is no room, columns with high numbers go first. */
  readonly priority: number
}

const all: Readonly<Record<Exclude<SortKey, "name">, Column>> = {
  length: { title: "LENGTH", columns: 9, align: "right", priority: 0, cell: ({ queue }) => count(queue.length) },
  oldest: {
    title: "OLDEST",
    columns: 8,
    align: "right",
    priority: 1,
    cell: ({ queue: { oldest } }) => (oldest === undefined ? "" : age(oldest))
  },
  in: {
    title: "IN",
    columns: 8,
    align: "right",
    priority: 3,
    cell: ({ queue: { rates } }) => (rates === undefined ? "" : rate(rates.in))
  },
  out: {
    title: "OUT",
    columns: 8,
    align: "right",
    priority: 4,
    cell: ({ queue: { rates } }) => (rates === undefined ? "" : rate(rates.out))
  },
  waiting: {
    title: "WAITING",
    columns: 9,
    align: "right",
    priority: 5,
    cell: ({ queue }) => count(queue.blocked)
  },
  trouble: { title: "TROUBLE", columns: 13, align: "left", priority: 2, cell: ({ badges }) => badges.join(", ") }
}

const gap = 2
const marker = 2
const leastName = 16
// Names are rarely longer; the rest is for the badges.
const usualName = 36

interface Shown {
  readonly name: number
  readonly others: ReadonlyArray<readonly [Exclude<SortKey, "name">, Column]>
}

/** The columns that there is room for. */
const shownIn = (columns: number): Shown => {
  let others = Object.entries(all) as Shown["others"]
  const rest = () => columns - marker - others.reduce((sum, [, { columns }]) => sum + columns + gap, 0)
  while (rest() < leastName && others.length > 1) {
    const last = others.reduce((most, [, { priority }]) => Math.max(most, priority), 0)
    others = others.filter(([, { priority }]) => priority < last)
  }
  const name = Math.max(1, Math.min(rest(), usualName))
  const surplus = rest() - name
  return {
    name,
    others: others.map(([key, column]) => [
      key,
      key === "trouble" ? { ...column, columns: column.columns + surplus } : column
    ])
  }
}

const colorOf = (badges: ReadonlyArray<Cluster.Badge>, { green, red, yellow }: Paints): Paint => {
  if (badges.length === 0) return green
  return badges[0] === "growing" || badges[0] === "paused" ? yellow : red
}

const head = ({ sort }: Model, { name, others }: Shown, paint: Paints, columns: number): string => {
  const arrow = (isGreatestFirst: boolean) => (isGreatestFirst !== sort.isReversed ? "▼" : "▲")
  const title = (key: SortKey, text: string, isGreatestFirst: boolean) =>
    key === sort.by ? `${text}${arrow(isGreatestFirst)}` : text
  const spans: ReadonlyArray<Span> = [
    [" ".repeat(marker), paint.dim],
    [cell(title("name", "QUEUE", false), name), sort.by === "name" ? paint.bold : paint.dim],
    ...others.map(
      ([key, { align, columns, title: text }]): Span => [
        `${" ".repeat(gap)}${cell(title(key, text, true), columns, align)}`,
        key === sort.by ? paint.bold : paint.dim
      ]
    )
  ]
  return line(spans, columns)
}

/** The head of the list, and its rows as far as they are seen. */
export const listLines = (model: Model, style: Style & { readonly inverse: Paint }): ReadonlyArray<string> => {
  const { cursor, rows, size } = model
  const paint = paints(style)
  const shown = shownIn(size.columns)
  const seen = rows.slice(cursor.top, cursor.top + listRows(size))
  const body = seen.map((row) => {
    const { badges, label, queue } = row
    const isSelected = queue.name === cursor.selected
    const isBad = badges.some((badge) => badge !== "growing")
    const color = model.silentSince === undefined ? colorOf(badges, paint) : paint.dim
    const name = `${isSelected ? ">" : " "}${isBad ? "!" : " "}${cell(label, shown.name)}`
    const others = shown.others.map(
      ([key, column]): Span => [
        `${" ".repeat(gap)}${cell(column.cell(row), column.columns, column.align)}`,
        key === "trouble" ? color : model.silentSince === undefined ? (text) => text : paint.dim
      ]
    )
    if (!isSelected) return line([[name, isBad ? color : (text) => text], ...others], size.columns)
    return line([[[name, ...others.map(([text]) => text)].join(""), style.inverse]], size.columns)
  })
  return [head(model, shown, paint, size.columns), ...body]
}
