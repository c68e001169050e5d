/** Patterns of names. */

/** Whether a name fits a pattern, in which `*` stands for any text and `?` for any character. Takes time as its lengths multiplied. */
export const matches = (pattern: string, name: string): boolean => {
  const [wanted, given] = [[...pattern], [...name]]
  let [at, i] = [0, 0]
  // Where to go on if the rest does not fit: the last star, and how much of the name it stands for.
  let [star, taken] = [-1, 0]
  while (i < given.length) {
    if (wanted[at] === "*") {
      star = at
      taken = i
      at += 1
    } else if (at < wanted.length && (wanted[at] === "?" || wanted[at] === given[i])) {
      at += 1
      i += 1
    } else if (star >= 0) {
      taken += 1
      at = star + 1
      i = taken
    } else return false
  }
  while (wanted[at] === "*") at += 1
  return at === wanted.length
}
