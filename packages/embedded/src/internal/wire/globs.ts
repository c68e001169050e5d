/** Whether a character is in a set such as `[^a-z]`, and where the set ends. A set without its bracket ends with the pattern. */
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

/** Where the pattern goes on after the part that stands for this character; `undefined` if the character does not match. */
const matchOne = (pattern: string, from: number, char: string): number | undefined => {
  switch (pattern[from]) {
    case "?":
      return from + 1
    case "[": {
      const { isIn, end } = matchSet(pattern, from + 1, char)
      return isIn ? end : undefined
    }
    default: {
      const at = pattern[from] === "\\" && from + 1 < pattern.length ? from + 1 : from
      return pattern[at] === char ? at + 1 : undefined
    }
  }
}

/**
 * Whether a text matches a pattern with `*`, `?`, `[…]` and `\`, as the server matches the names of parameters. If the rest does not
 * match, only the last `*` is tried again with more characters. That is enough: a match with more characters for an earlier `*` is
 * also one with more for the last. So the time does not grow with the number of stars.
 */
export const matchesGlob = (pattern: string, text: string): boolean => {
  let at = 0
  let next = 0
  let afterStar = -1
  let starAt = 0
  while (at < text.length || next < pattern.length) {
    if (pattern[next] === "*") {
      afterStar = next + 1
      starAt = at
      next = afterStar
      continue
    }
    const char = text[at]
    const going = next < pattern.length && char !== undefined ? matchOne(pattern, next, char) : undefined
    if (going !== undefined) {
      next = going
      at += 1
    } else if (afterStar >= 0 && starAt < text.length) {
      starAt += 1
      at = starAt
      next = afterStar
    } else {
      return false
    }
  }
  return true
}
