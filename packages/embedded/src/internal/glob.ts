/** Whether a character is in a set such as `[^a-z]`, and where the set ends. What is not closed ends with the pattern. */
const matchSet = (pattern: string, from: number, char: string): { readonly isIn: boolean; readonly end: number } => {
  const isNegated = pattern[from] === "^"
  let isIn = false
  let i = isNegated ? from + 1 : from
  for (; i < pattern.length && pattern[i] !== "]"; i++) {
    if (pattern[i] === "\\" && i + 1 < pattern.length) {
      i++
      isIn ||= pattern[i] === char
    } else if (pattern[i + 1] === "-" && i + 2 < pattern.length) {
      const [low, high] = [pattern[i] as string, pattern[i + 2] as string].sort() as [string, string]
      isIn ||= char >= low && char <= high
      i += 2
    } else {
      isIn ||= pattern[i] === char
    }
  }
  return { isIn: isIn !== isNegated, end: i + 1 }
}

/** Whether a text matches a pattern with `*`, `?`, `[…]` and `\`, as the server matches the names of parameters. */
export const matchesGlob = (pattern: string, text: string): boolean => {
  let at = 0
  for (let i = 0; i < pattern.length; at++) {
    const char = pattern[i] as string
    if (char === "*") {
      const rest = pattern.slice(i + 1)
      for (let k = at; k <= text.length; k++) if (matchesGlob(rest, text.slice(k))) return true
      return false
    }
    const other = text[at]
    if (other === undefined) return false
    if (char === "?") {
      i++
    } else if (char === "[") {
      const { isIn, end } = matchSet(pattern, i + 1, other)
      if (!isIn) return false
      i = end
    } else {
      if (char === "\\" && i + 1 < pattern.length) i++
      if (pattern[i] !== other) return false
      i++
    }
  }
  return at === text.length
}
