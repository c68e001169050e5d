/** The command lines that people type. */

const isSpace = (char: string | undefined): boolean => char !== undefined && /^[ \t\n\v\f\r]$/.test(char)

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" }

interface Quoted {
  readonly text: string
  /** Where the line goes on behind the closing quote. */
  readonly end: number
}

/** Reads up to the closing quote; `undefined` if there is none, or if no space follows it. */
const readQuoted = (line: string, from: number, quote: string): Quoted | undefined => {
  let text = ""
  for (let i = from; i < line.length; i++) {
    const char = line[i] as string
    const next = line[i + 1]
    if (char === quote) return next === undefined || isSpace(next) ? { text, end: i + 1 } : undefined
    const hex = quote === '"' && char === "\\" ? /^x([0-9a-f]{2})/i.exec(line.slice(i + 1, i + 4)) : null
    if (hex !== null) {
      text += String.fromCharCode(Number.parseInt(hex[1] as string, 16))
      i += 3
    } else if (char === "\\" && next !== undefined && (quote === '"' || next === "'")) {
      text += quote === '"' ? (escapes[next] ?? next) : next
      i++
    } else {
      text += char
    }
  }
  return undefined
}

/** The words of a line, without empty ones; `undefined` if its quotes do not match. */
export const splitInline = (line: string): Array<string> | undefined => {
  const words: Array<string> = []
  let i = 0
  while (true) {
    while (isSpace(line[i])) i++
    if (i >= line.length) return words
    let text = ""
    for (let isWord = true; isWord && i < line.length; ) {
      const char = line[i] as string
      if (char === '"' || char === "'") {
        const quoted = readQuoted(line, i + 1, char)
        if (quoted === undefined) return undefined
        text += quoted.text
        i = quoted.end
        isWord = false
      } else if (/^[ \t\n\r]$/.test(char)) {
        isWord = false
      } else {
        text += char
        i++
      }
    }
    if (text !== "") words.push(text)
  }
}
