/** The shape of a small line. */
export const width = 96
export const height = 22

/** While nobody looks, every sixth value is known, or a later one. More that are not known interrupt the line. */
const mostUnknown = 8

/** The points of a line and of the area below it. */
export const paths = (values: ReadonlyArray<number | null>, most: number): { line: string; area: string } => {
  const step = values.length > 1 ? width / (values.length - 1) : 0
  let line = ""
  let area = ""
  let start: number | undefined
  let last = 0
  let unknown = 0
  const close = () => {
    if (start !== undefined) area += `L${last.toFixed(1)} ${height}Z`
    start = undefined
  }
  values.forEach((value, i) => {
    if (value === null) {
      unknown += 1
      return
    }
    if (unknown >= mostUnknown) close()
    unknown = 0
    const x = i * step
    const point = `${x.toFixed(1)} ${(height - 1.5 - (value / most) * (height - 4)).toFixed(1)}`
    line += start === undefined ? `M${point}` : `L${point}`
    area += start === undefined ? `M${x.toFixed(1)} ${height}L${point}` : `L${point}`
    start ??= x
    last = x
  })
  close()
  return { line, area }
}
