/** Curves as pictures: rates over a quantity that grows by factors. */

export interface Line {
  readonly name: string
  /** A rate for each of the values of the chart. */
  readonly rates: ReadonlyArray<number>
}

export interface Chart {
  /** The name of its files. */
  readonly name: string
  /** What grows. */
  readonly title: string
  readonly values: ReadonlyArray<number>
  readonly lines: ReadonlyArray<Line>
}

/** Where its picture is, seen from RESULTS.md. */
export const fileOf = (kind: string, { name }: Chart, theme: Theme): string => `curves/${kind}-${name}-${theme}.svg`

/** The picture in a text, as the reader's theme wants it. */
export const embed = (kind: string, chart: Chart): string =>
  `<picture><source media="(prefers-color-scheme: dark)" srcset="${fileOf(kind, chart, "dark")}"><img src="${fileOf(kind, chart, "light")}" alt="${chart.title}: the rates of the table below"></picture>`

type Theme = "light" | "dark"

interface Colors {
  readonly paper: string
  readonly text: string
  readonly grid: string
  readonly lines: ReadonlyArray<string>
}

const themes: Readonly<Record<Theme, Colors>> = {
  light: { paper: "#ffffff", text: "#24292f", grid: "#d8dee4", lines: ["#1f5fbf", "#b3470f", "#57606a"] },
  dark: { paper: "#0d1117", text: "#e6edf3", grid: "#30363d", lines: ["#79b8ff", "#ffa266", "#9aa4ae"] }
}

const width = 640
const height = 300
const frame = { left: 64, right: 150, top: 36, bottom: 44 }
const dashes = ["", "6 3", "2 3"]

/** The same client looks the same in all charts; others take the looks in turn. */
const looks: Readonly<Record<string, number>> = { Disco: 0, ioredis: 1, raw: 2 }

const short = (value: number): string =>
  value >= 1e6 ? `${value / 1e6} M` : value >= 1e4 ? `${Math.round(value / 1e3)} k` : value.toLocaleString("en")

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/** A round number of which at most five fit below the value. */
const stepTo = (most: number): number => {
  const power = 10 ** Math.floor(Math.log10(most))
  return [0.2, 0.5, 1, 2].map((factor) => factor * power).find((step) => most / step <= 5) ?? power
}

/** Moves labels apart that are nearer to each other than a line of text. */
const apart = (places: ReadonlyArray<number>): ReadonlyArray<number> => {
  const order = places.map((_, i) => i).sort((a, b) => (places[a] as number) - (places[b] as number))
  const moved = [...places]
  let last = Number.NEGATIVE_INFINITY
  for (const i of order) {
    last = Math.max(moved[i] as number, last + 15)
    moved[i] = last
  }
  return moved
}

/** The picture of a chart, as SVG. */
export const draw = ({ lines, title, values }: Chart, theme: Theme): string => {
  const colors = themes[theme]
  const inner = { width: width - frame.left - frame.right, height: height - frame.top - frame.bottom }
  const most = Math.max(...lines.flatMap(({ rates }) => rates)) * 1.05
  const [low = 1, high = 1] = [values[0], values.at(-1)]
  const x = (value: number) =>
    frame.left + (high === low ? 0 : Math.log(value / low) / Math.log(high / low)) * inner.width
  const y = (rate: number) => frame.top + inner.height * (1 - rate / most)
  const at = (value: number) => value.toFixed(1)
  const step = stepTo(most)
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step)
  const ends = apart(lines.map(({ rates }) => y(rates.at(-1) ?? 0)))
  const parts = [
    `<rect width="${width}" height="${height}" fill="${colors.paper}"/>`,
    `<text x="8" y="20">jobs a second</text>`,
    ...ticks.flatMap((tick) => [
      `<line x1="${frame.left}" x2="${width - frame.right}" y1="${at(y(tick))}" y2="${at(y(tick))}" stroke="${colors.grid}"/>`,
      `<text x="${frame.left - 8}" y="${at(y(tick) + 4)}" text-anchor="end">${short(tick)}</text>`
    ]),
    ...values.map(
      (value) =>
        `<text x="${at(x(value))}" y="${height - frame.bottom + 20}" text-anchor="middle">${short(value)}</text>`
    ),
    `<text x="${frame.left + inner.width / 2}" y="${height - 6}" text-anchor="middle" font-weight="600">${escaped(title)}</text>`,
    ...lines.flatMap(({ name, rates }, i) => {
      const look = looks[name] ?? i
      const color = colors.lines[look] as string
      const points = rates.map((rate, at) => [x(values[at] as number), y(rate)] as const)
      return [
        `<polyline fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dashes[look]}" points="${points.map(([x, y]) => `${at(x)},${at(y)}`).join(" ")}"/>`,
        ...points.map(([x, y]) => `<circle cx="${at(x)}" cy="${at(y)}" r="3" fill="${color}"/>`),
        `<text x="${width - frame.right + 10}" y="${at((ends[i] as number) + 4)}" fill="${color}">${escaped(name)}</text>`
      ]
    })
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="${colors.text}" role="img" aria-label="${escaped(title)}">\n${parts.join("\n")}\n</svg>\n`
}
