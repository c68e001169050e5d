/** A small line of what a figure was. */
interface Props {
  readonly values: ReadonlyArray<number | null>
  readonly label: string
  readonly tone?: string
}

const width = 96
const height = 22

/** The points of a line and of the area below it; a value that is not known interrupts it. */
const paths = (values: ReadonlyArray<number | null>, most: number): { line: string; area: string } => {
  const step = values.length > 1 ? width / (values.length - 1) : 0
  let line = ""
  let area = ""
  let start: number | undefined
  let last = 0
  const close = () => {
    if (start !== undefined) area += `L${last.toFixed(1)} ${height}Z`
    start = undefined
  }
  values.forEach((value, i) => {
    if (value === null) return close()
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

export const Sparkline = ({ label, tone = "length", values }: Props) => {
  const most = values.reduce<number>((high, value) => Math.max(high, value ?? 0), 0)
  const { area, line } = paths(values, most === 0 ? 1 : most)
  return (
    <svg
      class={`sparkline tone-${tone}`}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="area" d={area} />
      <path class="line" d={line} vector-effect="non-scaling-stroke" />
    </svg>
  )
}
