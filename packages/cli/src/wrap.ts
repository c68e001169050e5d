/** Lines no longer than a terminal is wide. */

const escapes = new RegExp(`${String.fromCharCode(0x1b)}\\[[0-9;]*m`, "g")

/** How many columns a text takes, colors aside. */
const width = (text: string): number => [...text.replace(escapes, "")].length

// What is narrower has no room for words beside what they are indented by.
const leastColumns = 16

const wrapLine = (line: string, columns: number): string => {
  if (width(line) <= columns) return line
  const indent = /^ */.exec(line)?.[0] ?? ""
  // What goes on below is indented as what it belongs to, and by half of the width at most.
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

/** Breaks lines between words where they are longer than so many columns; a word that is longer is left whole. */
export const wrap = (text: string, columns: number): string =>
  columns < leastColumns
    ? text
    : text
        .split("\n")
        .map((line) => wrapLine(line, columns))
        .join("\n")
