/** Graphs of letters, as a server draws them for LATENCY GRAPH. */

/** A value of a graph, and what is written below it. */
export interface Point {
  readonly value: number
  readonly label: string
}

const columns = 80
const rows = 4
/** The characters for the heights within a row. */
const heights = "_o#"
const steps = heights.length * rows

/** The character for a value of `step` steps, in a row from the top. */
const charOf = (step: number, row: number): string => {
  const height = step - (rows - row - 1) * heights.length
  return height < 0 ? " " : (heights[height] ?? "|")
}

const renderRange = (points: ReadonlyArray<Point>, least: number, most: number): string => {
  const range = most - least || 1
  const stepOf = ({ value }: Point): number => Math.min(steps - 1, Math.floor(((value - least) * steps) / range))
  const lines: Array<string> = []
  for (let row = 0; row < rows; row++) lines.push(points.map((point) => charOf(stepOf(point), row)).join(""))
  lines.push(" ".repeat(points.length))
  const longest = Math.max(...points.map(({ label }) => label.length))
  for (let i = 0; i < longest; i++) lines.push(points.map(({ label }) => label[i] ?? " ").join(""))
  return lines.map((line) => `${line}\n`).join("")
}

/** Draws points from left to right, 80 in a row. */
export const sparkline = (points: ReadonlyArray<Point>): string => {
  const values = points.map(({ value }) => value)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const ranges: Array<string> = []
  for (let at = 0; at < points.length; at += columns) {
    ranges.push(renderRange(points.slice(at, at + columns), least, most))
  }
  return ranges.join("\n")
}
