/** Text for a terminal: what it may hold, and how wide it is. */

const colors = new RegExp(`${String.fromCharCode(0x1b)}\\[[0-9;]*m`, "g")

/** Characters that control a terminal, or change the order in which it shows others. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const code = (char: string): string => {
  const point = char.codePointAt(0) ?? 0
  return point < 0x100 ? `\\x${point.toString(16).padStart(2, "0")}` : `\\u{${point.toString(16)}}`
}

/** Text of somebody else, such as the name of a queue, which cannot control the terminal. */
export const printable = (text: string): string => text.replace(controls, code)

/** The text without codes of colors. */
export const plain = (text: string): string => text.replace(colors, "")

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

const ascii = /^[\x20-\x7e]*$/

const widthOf = (char: string): number => (/\p{Mn}|\p{Me}|[\u200b-\u200d]/u.test(char) ? 0 : wide.test(char) ? 2 : 1)

/** How many columns a text takes. Codes of colors take none. */
export const width = (text: string): number => {
  const shown = plain(text)
  if (ascii.test(shown)) return shown.length
  let columns = 0
  for (const char of shown) columns += widthOf(char)
  return columns
}

/** The beginning of a text without colors, in so many columns. */
export const cut = (text: string, columns: number): string => {
  if (width(text) <= columns) return text
  let shown = ""
  let left = columns - 1
  for (const char of text) {
    left -= widthOf(char)
    if (left < 0) break
    shown += char
  }
  return columns < 1 ? "" : `${shown}…`
}

/** The text with spaces behind it, or in front of it, so that it takes so many columns. */
export const pad = (text: string, columns: number, side: "left" | "right" = "left"): string => {
  const spaces = " ".repeat(Math.max(0, columns - width(text)))
  return side === "left" ? text + spaces : spaces + text
}
