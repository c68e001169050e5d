/** What to write to a terminal so that it shows a picture: lines, each no wider than the terminal. */
import { plain, width } from "../output/text.js"

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** A picture of the screen. */
export interface Picture {
  /** From the top; rows without a line are empty. */
  readonly lines: ReadonlyArray<string>
  /** Where the cursor is shown, from 0; hidden if absent. */
  readonly cursor?: { readonly row: number; readonly column: number } | undefined
}

const esc = String.fromCharCode(0x1b)

/** The other screen, without a cursor; lines do not wrap, and what is pasted is told from what is typed. */
export const enter = `${esc}[?1049h${esc}[?25l${esc}[?7l${esc}[?2004h${esc}[2J`

/** As it was before. */
export const leave = `${esc}[0m${esc}[?2004l${esc}[?7h${esc}[?25h${esc}[?1049l`

// Terminals that know this show the whole picture at once; others ignore it.
const begin = `${esc}[?2026h`
const end = `${esc}[?2026l`

const at = (row: number, column: number): string => `${esc}[${row + 1};${column + 1}H`

/** What leads from one picture to the next: the lines that differ. Without a picture before, all lines are written. */
export const repaint = (before: Picture | undefined, after: Picture, { columns, rows }: Size): string => {
  let text = ""
  for (let row = 0; row < rows; row++) {
    const line = after.lines[row] ?? ""
    if (before !== undefined && (before.lines[row] ?? "") === line) continue
    // In the last column, erasing to the end would erase what was just written.
    const rest = width(plain(line)) < columns ? `${esc}[0m${esc}[K` : `${esc}[0m`
    text += `${at(row, 0)}${line}${rest}`
  }
  const { cursor } = after
  const moved = cursor?.row !== before?.cursor?.row || cursor?.column !== before?.cursor?.column
  if (text === "" && !moved) return ""
  const shown = cursor === undefined ? `${esc}[?25l` : `${at(cursor.row, cursor.column)}${esc}[?25h`
  return `${begin}${text}${shown}${end}`
}
