/** Names and values, one below the other. */
import { paints, type Style } from "../output/style.js"
import { pad, width } from "../output/text.js"
import { wrap } from "../wrap.js"

const gap = "  "

/** A name and its value on each line. A value that is too long goes on below itself. */
export const fields = (rows: ReadonlyArray<readonly [name: string, value: string]>, style: Style): string => {
  const { dim } = paints(style)
  const names = rows.reduce((most, [name]) => Math.max(most, width(name)), 0)
  const indent = " ".repeat(names + gap.length)
  return rows
    .map(([name, value]) => `${dim(pad(name, names))}${gap}${wrap(indent + value, style.columns).trimStart()}`)
    .join("\n")
}
