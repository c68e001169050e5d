/** What a word may have been meant to be. */

/** How many letters have to be changed, added, removed, or swapped with the next, to make one word of the other. */
const distance = (a: string, b: string): number => {
  let before: ReadonlyArray<number> = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1)
      row.push(least)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The words that are most like the one given, or begin with it; none if all are quite different. */
export const similar = (word: string, words: Iterable<string>): ReadonlyArray<string> => {
  const given = word.toLowerCase()
  const most = Math.max(1, Math.floor(given.length / 3))
  let least = most
  let found: Array<string> = []
  for (const each of words) {
    const isBeginning = given.length > 1 && each.toLowerCase().startsWith(given)
    const far = isBeginning ? 1 : distance(given, each.toLowerCase())
    if (far > least) continue
    if (far < least) found = []
    least = far
    found.push(each)
  }
  return found
}

/** ": did you mean a or b?", or nothing. */
export const didYouMean = (word: string, words: Iterable<string>): string => {
  const found = similar(word, words).slice(0, 3)
  if (found.length === 0) return ""
  return `: did you mean ${found.length < 2 ? found.join() : `${found.slice(0, -1).join(", ")} or ${found.at(-1)}`}?`
}
