/** Breaks lines to the width of a terminal. */
import { width } from "./output/text.js"

// A narrower terminal has no room for words behind the indentation.
const leastColumns = 16

const wrapLine = (line: string, columns: number, hanging: number): string => {
  if (width(line) <= columns) return line
  const indent = /^ */.exec(line)?.[0] ?? ""
  // The next lines have half of the width at least.
  const below = " ".repeat(Math.min(indent.length + hanging, Math.floor(columns / 2)))
  const lines: Array<string> = []
  let current = indent.slice(0, Math.floor(columns / 2))
  for (const word of line.trim().split(/ +/)) {
    const longer = current.trim() === "" ? `${current}${word}` : `${current} ${word}`
    if (width(longer) <= columns || current.trim() === "") {
      current = longer
    } else {
      lines.push(current)
      current = `${below}${word}`
    }
  }
  return [...lines, current].join("\n")
}

/**
 * Breaks lines of more than `columns` columns between words. The next lines have the indentation of the first, and `hanging` columns
 * more. A longer word is not broken.
 */
export const wrap = (text: string, columns: number, hanging = 0): string =>
  columns < leastColumns
    ? text
    : text
        .split("\n")
        .map((line) => wrapLine(line, columns, hanging))
        .join("\n")
