/** Lines of the screen. */
import type { Paint } from "../output/style.js"
import { cut, pad, width } from "../output/text.js"
import { wrap } from "../wrap.js"

/** A part of a line, and how it looks. What comes from somebody else is to be escaped. */
export type Span = string | readonly [text: string, paint: Paint]

const textOf = (span: Span): string => (typeof span === "string" ? span : span[0])

const paintOf = (span: Span): Paint => (typeof span === "string" ? (text) => text : span[1])

/** A line of so many columns at most. */
export const line = (spans: ReadonlyArray<Span>, columns: number): string => {
  let left = columns
  let shown = ""
  for (const span of spans) {
    if (left <= 0) break
    const text = cut(textOf(span), left)
    shown += paintOf(span)(text)
    left -= width(text)
  }
  return shown
}

const total = (spans: ReadonlyArray<Span>): number => spans.reduce((sum, span) => sum + width(textOf(span)), 0)

/** A line with parts at its end, which give way where there is no room for both. */
export const between = (start: ReadonlyArray<Span>, end: ReadonlyArray<Span>, columns: number): string => {
  const gap = columns - total(start) - total(end)
  return gap < 2 ? line(start, columns) : line([...start, " ".repeat(gap), ...end], columns)
}

/** A text in several lines, each of so many columns at most, broken anywhere. */
export const broken = (text: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let current = ""
  let left = columns
  for (const char of text) {
    const wide = width(char)
    if (wide > left) {
      lines.push(current)
      current = ""
      left = columns
    }
    current += char
    left -= wide
  }
  return [...lines, current]
}

/** Text in several lines, broken between words where it can be. */
export const sentences = (text: string, columns: number): ReadonlyArray<string> =>
  wrap(text, columns)
    .split("\n")
    .flatMap((each) => broken(each, columns))

/** A cell of a table. */
export const cell = (text: string, columns: number, align: "left" | "right" = "left"): string =>
  pad(cut(text, columns), columns, align)
