/** Tables that fit: a column that has no room is left out, and no line is wrapped. */
import { type Paint, paints, type Style } from "./style.js"
import { cut, pad, width } from "./text.js"

/** A column of a table of rows of one type. */
export interface Column<Row> {
  readonly title: string
  /** The text of a cell. What comes from somebody else is to be escaped. */
  readonly cell: (row: Row) => string
  /** Numbers stand to the right. Default: to the left. */
  readonly align?: "left" | "right"
  /** Where there is no room, columns with high numbers go first. 0 stays, and is the default. */
  readonly priority?: number
  /** A cell may be cut to so many columns. Default: it is shown whole. */
  readonly least?: number
  /** How the cell of a row looks. */
  readonly paint?: ((row: Row) => Paint) | undefined
}

const gap = "  "

/** The narrowest that any column becomes, when there is no other way. */
const leastWidth = 4

interface Laid<Row> {
  readonly column: Column<Row>
  readonly cells: ReadonlyArray<string>
  readonly least: number
  width: number
}

const priority = <Row>({ column }: Laid<Row>): number => column.priority ?? 0

const sum = <Row>(all: ReadonlyArray<Laid<Row>>, of: (each: Laid<Row>) => number): number =>
  all.reduce((total, each) => total + of(each), gap.length * (all.length - 1))

/** Makes the widest columns narrower, as far as they may be, until all have room. */
const shrink = <Row>(all: ReadonlyArray<Laid<Row>>, leastOf: (each: Laid<Row>) => number, columns: number): void => {
  for (;;) {
    const surplus = sum(all, ({ width }) => width) - columns
    const wide = all.filter((each) => each.width > leastOf(each)).toSorted((a, b) => b.width - a.width)
    const [widest, next] = wide
    if (surplus <= 0 || widest === undefined) return
    // No narrower than the next one, so that both are cut alike.
    const target = Math.max(leastOf(widest), Math.min(widest.width - 1, next?.width ?? 0), widest.width - surplus)
    widest.width = target
  }
}

/**
 * A table with a head. Where it is too wide, cells are cut that may be, and columns are left out by their priority. Columns that are
 * empty in all rows are left out too, if they may go.
 */
export const table = <Row>(columns: ReadonlyArray<Column<Row>>, rows: ReadonlyArray<Row>, style: Style): string => {
  let shown = columns
    .map((column): Laid<Row> => {
      const cells = rows.map(column.cell)
      const whole = cells.reduce((most, cell) => Math.max(most, width(cell)), width(column.title))
      return { column, cells, width: whole, least: Math.min(whole, column.least ?? whole) }
    })
    .filter((each) => priority(each) === 0 || each.cells.some((cell) => cell !== ""))
  while (sum(shown, ({ least }) => least) > style.columns) {
    const last = shown.reduce((most, each) => Math.max(most, priority(each)), 0)
    if (last === 0) break
    const at = shown.findLastIndex((each) => priority(each) === last)
    shown = shown.filter((_, i) => i !== at)
  }
  shrink(shown, ({ least }) => least, style.columns)
  shrink(shown, () => leastWidth, style.columns)
  const { dim } = paints(style)
  const line = (cellOf: (each: Laid<Row>) => string, paintOf: (each: Laid<Row>) => Paint) => {
    const cells = shown.map((each) => cut(cellOf(each), each.width))
    const last = cells.findLastIndex((cell) => cell !== "")
    return shown
      .slice(0, last + 1)
      .map((each, i) => {
        const isRight = each.column.align === "right"
        const text = pad(cells[i] ?? "", i === last && !isRight ? 0 : each.width, isRight ? "right" : "left")
        return paintOf(each)(text)
      })
      .join(gap)
  }
  const head = line(
    ({ column }) => column.title,
    () => dim
  )
  const body = rows.map((row, i) =>
    line(
      ({ cells }) => cells[i] ?? "",
      ({ column }) => column.paint?.(row) ?? ((text) => text)
    )
  )
  return [head, ...body].join("\n")
}

/** Names and what they stand for, one a line. */
export const pairs = (all: ReadonlyArray<readonly [name: string, value: string]>, style: Style): string => {
  const { dim } = paints(style)
  const names = all.reduce((most, [name]) => Math.max(most, width(name)), 0)
  return all.map(([name, value]) => `${dim(pad(name, names))}${gap}${value}`).join("\n")
}
