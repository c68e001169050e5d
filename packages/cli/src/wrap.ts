/** Breaks lines to the width of a terminal. */

const escapes = new RegExp(`${String.fromCharCode(0x1b)}\\[[0-9;]*m`, "g")

/** How many columns a text takes. Color codes take none. */
const width = (text: string): number => [...text.replace(escapes, "")].length

// A narrower terminal has no room for words behind the indentation.
const leastColumns = 16

const wrapLine = (line: string, columns: number): string => {
  if (width(line) <= columns) return line
  const indent = /^ */.exec(line)?.[0] ?? ""
  // The next lines have the indentation of the first, and half of the width at most.
  const below = " ".repeat(Math.min(indent.length, Math.floor(columns / 2)))
  const lines: Array<string> = []
  let current = below
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

/** Breaks lines of more than `columns` columns between words. A longer word is not broken. */
export const wrap = (text: string, columns: number): string =>
  columns < leastColumns
    ? text
    : text
        .split("\n")
        .map((line) => wrapLine(line, columns))
        .join("\n")
