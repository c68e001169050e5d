/** Text of somebody else: names of queues, errors, bodies. */

/** Characters that cannot be seen, or change the order in which others are shown. */
const hidden =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/u

const code = (char: string): string => {
  const point = char.codePointAt(0) ?? 0
  return point < 0x100 ? `\\x${point.toString(16).padStart(2, "0")}` : `\\u{${point.toString(16)}}`
}

/** A piece of a text: as it is, or the code of a character that cannot be seen. */
export interface Piece {
  readonly text: string
  readonly isCode: boolean
}

/** Cuts a text at the characters that cannot be seen. `keep` says which of those are shown as they are. */
export const pieces = (text: string, keep = ""): ReadonlyArray<Piece> => {
  const found: Array<Piece> = []
  let plain = ""
  for (const char of text) {
    if (!hidden.test(char) || keep.includes(char)) {
      plain += char
      continue
    }
    if (plain !== "") found.push({ text: plain, isCode: false })
    plain = ""
    found.push({ text: code(char), isCode: true })
  }
  if (plain !== "") found.push({ text: plain, isCode: false })
  return found
}

/** The text with codes for the characters that cannot be seen, for attributes and titles. */
export const printable = (text: string): string =>
  pieces(text)
    .map((piece) => piece.text)
    .join("")

/** The beginning of a text, in so many characters. */
export const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most)}…`)

/** A word of a command line, for a POSIX shell; with `$'…'`, as bash and zsh read it, for characters that cannot be seen. */
export const quoted = (word: string): string => {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (!hidden.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`
  const escaped = Array.from(word, (char) => {
    if (char === "'" || char === "\\") return `\\${char}`
    if (!hidden.test(char)) return char
    const point = char.codePointAt(0) ?? 0
    return point < 0x80
      ? `\\x${point.toString(16).padStart(2, "0")}`
      : point < 0x10000
        ? `\\u${point.toString(16).padStart(4, "0")}`
        : `\\U${point.toString(16).padStart(8, "0")}`
  })
  return `$'${escaped.join("")}'`
}

/** A command line of `disco`. A word that begins with a dash goes behind `--`. */
export const command = (words: ReadonlyArray<string>, operands: ReadonlyArray<string> = []): string =>
  [
    "disco",
    ...words.map(quoted),
    ...(operands.some((operand) => operand.startsWith("-")) ? ["--"] : []),
    ...operands.map(quoted)
  ].join(" ")
