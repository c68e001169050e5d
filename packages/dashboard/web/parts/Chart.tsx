/** Lines over time. */
import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import { brief, timeOfDay } from "../format.js"
import { shownTheme } from "../theme.js"

export interface Series {
  readonly label: string
  /** One of the colors of figures.css. */
  readonly tone: "in" | "out" | "length"
  readonly values: ReadonlyArray<number | null>
  readonly isFilled?: boolean
}

interface Props {
  /** Milliseconds since 1970. */
  readonly at: ReadonlyArray<number>
  readonly series: ReadonlyArray<Series>
  readonly label: string
  /** Charts of one group show the same moment under the pointer. */
  readonly group: string
  readonly from: number
  readonly to: number
  /** The index of the moment under the pointer. */
  readonly onPoint: (index: number | undefined) => void
}

/** Canvas knows no CSS variables: their colors are read from elements that have them. */
const colorOf = (name: string): string => {
  const probe = document.createElement("span")
  probe.className = `probe-${name}`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

const faint = (color: string): string => color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.12)")

const options = ({ group, series }: Props, width: number, height: number, onPoint: Props["onPoint"]): uPlot.Options => {
  const [line, dim] = [colorOf("line"), colorOf("dim")]
  const axis = {
    stroke: dim,
    font: "11px system-ui, sans-serif",
    grid: { stroke: line, width: 1 },
    ticks: { show: false }
  }
  return {
    width,
    height,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: group } },
    scales: {
      x: { time: true },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] }
    },
    axes: [
      { ...axis, size: 26, values: (_plot, ticks) => ticks.map((tick) => timeOfDay(tick * 1000).replace(/:00$/, "")) },
      { ...axis, size: 48, values: (_plot, ticks) => ticks.map(brief) }
    ],
    series: [
      {},
      ...series.map(({ isFilled, label, tone }) => {
        const color = colorOf(tone)
        return {
          label,
          stroke: color,
          width: 1.5,
          points: { show: false },
          ...(isFilled === true ? { fill: faint(color) } : {})
        }
      })
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] }
  }
}

const dataOf = ({ at, series }: Props): uPlot.AlignedData => [
  at.map((moment) => moment / 1000),
  ...series.map(({ values }) => [...values])
]

export const Chart = (props: Props) => {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const onPoint = useRef(props.onPoint)
  onPoint.current = props.onPoint
  const colors = shownTheme()
  const { from, label, to } = props
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const { clientHeight, clientWidth } = element
    const made = new uPlot(
      options(props, clientWidth, clientHeight, (index) => onPoint.current(index)),
      dataOf(props),
      element
    )
    plot.current = made
    made.setScale("x", { min: from / 1000, max: to / 1000 })
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight })
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [colors])
  useEffect(() => {
    plot.current?.batch(() => {
      plot.current?.setData(dataOf(props), false)
      plot.current?.setScale("x", { min: from / 1000, max: to / 1000 })
    })
  })
  return <div ref={place} class="chart" role="img" aria-label={label} />
}
