/** A small line of what a figure was. */
import { height, paths, width } from "./line.js"

interface Props {
  readonly values: ReadonlyArray<number | null>
  readonly label: string
  readonly tone?: string
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
