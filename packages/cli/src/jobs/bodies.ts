/** Bodies as people read them: as text, as JSON with its indentation, or as the hex digits of bytes. */
import { textOf } from "../output/fields.js"
import type { Style } from "../output/style.js"
import { printable } from "../output/text.js"

/** How a body is shown; `auto` is JSON if it is an object or an array, or else text if it is UTF-8, or else hex. */
export type BodyForm = "auto" | "text" | "json" | "hex"

/** Text of several lines, which cannot control the terminal. */
const printableLines = (text: string): string => text.replace(/[^\n\t]+/g, printable)

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** JSON with its indentation. Numbers and texts stay as they are written. */
const indented = (json: string): string => {
  const all = json.match(tokens) ?? []
  let depth = 0
  const line = () => `\n${"  ".repeat(depth)}`
  return all
    .map((token, i) => {
      if (token === "{" || token === "[") {
        if (all[i + 1] === (token === "{" ? "}" : "]")) return token
        depth += 1
        return token + line()
      }
      if (token === "}" || token === "]") {
        if (all[i - 1] === (token === "}" ? "{" : "[")) return token
        depth -= 1
        return line() + token
      }
      return token === "," ? token + line() : token === ":" ? ": " : token
    })
    .join("")
}

const wideRow = 16
const narrowRow = 8
/** The columns that a row of 16 bytes takes. */
const wideColumns = 73

const dump = (body: Uint8Array, { columns }: Pick<Style, "columns">): string => {
  const perRow = columns < wideColumns ? narrowRow : wideRow
  const rows: Array<string> = []
  for (let at = 0; at < body.length; at += perRow) {
    const bytes = [...body.subarray(at, at + perRow)]
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
    const shown = bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("")
    rows.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(perRow * 3 - 1)} ${shown}`)
  }
  return rows.join("\n")
}

/** The forms in which a body can be shown. */
export const formOf = (body: Uint8Array, wanted: BodyForm): Exclude<BodyForm, "auto"> => {
  const text = textOf(body)
  if (wanted === "hex" || text === undefined) return "hex"
  if (wanted === "text") return "text"
  const mayBe = wanted === "json" || /^\s*[{[]/.test(text)
  return mayBe && isJson(text) ? "json" : "text"
}

/** A body in one of the forms. What cannot be shown as text or JSON is shown in the next form that fits. */
export const bodyText = (body: Uint8Array, wanted: BodyForm, style: Pick<Style, "columns">): string => {
  const form = formOf(body, wanted)
  if (form === "hex") return dump(body, style)
  const text = textOf(body) ?? ""
  return printableLines(form === "json" ? indented(text) : text)
}

/** How much of a body is looked at for a line. */
const mostOfLine = 400

const lossy = new TextDecoder()

/** The beginning of a body, in one line. */
export const bodyLine = (body: Uint8Array): string =>
  printable(lossy.decode(body.subarray(0, mostOfLine)).replace(/\s+/g, " ").trim())
