/** Figures as people read them, the same as the `disco` command prints them. */

// Made once: a format takes longer to make than a hundred numbers to write.
const formats = [0, 1, 2].map((digits) => new Intl.NumberFormat("en-US", { maximumFractionDigits: digits }))

/** A number with so many digits behind the point at most. */
const figure = (value: number | bigint, digits: 0 | 1 | 2): string => formats[digits]?.format(value) ?? String(value)

/** A whole number: 12,345. Takes 64-bit integers as digits. */
export const count = (value: number | string | bigint): string =>
  figure(typeof value === "string" ? BigInt(value) : value, 0)

/** A count with its noun: 1 job, 2 jobs. */
export const counted = (value: number, noun: string, nouns = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : nouns}`

const short = [
  [1e9, "G"],
  [1e6, "M"],
  [1e4, "k"]
] as const

/** A number for a place with little room: 9,999, 12.3k, 1.2M. */
export const brief = (value: number): string => {
  const [unit, letter] = short.find(([least]) => value >= least) ?? [1, ""]
  if (unit === 1) return figure(value, value < 10 ? 1 : 0)
  const shown = value / (letter === "k" ? 1000 : unit)
  return `${figure(shown, shown < 100 ? 1 : 0)}${letter}`
}

/** How many in a second: 0, 0.4, 1,204. */
export const perSecond = (value: number): string => figure(value, value < 10 ? 1 : 0)

/** The same; a dash where it is not known. */
export const rate = (value: number | null): string => (value === null ? "–" : perSecond(value))

const sizes = ["B", "KiB", "MiB", "GiB", "TiB"] as const

/** A number of bytes: 12 B, 3.4 MiB. */
export const size = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < sizes.length - 1) {
    value /= 1024
    unit++
  }
  return `${figure(value, unit === 0 || value >= 100 ? 0 : 1)} ${sizes[unit]}`
}

const spans = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1]
] as const

/** A long time, as its two largest units: 3m 20s, 2d 4h. Less than a second is 0s. */
export const age = (seconds: number): string => {
  const whole = Math.floor(seconds)
  const first = spans.findIndex(([, length]) => whole >= length)
  if (first < 0) return "0s"
  let rest = whole
  const parts = spans.slice(first, first + 2).map(([unit, length]) => {
    const value = Math.floor(rest / length)
    rest -= value * length
    return `${value}${unit}`
  })
  return parts.filter((part, i) => i === 0 || !part.startsWith("0")).join(" ")
}

/** A short time, to three digits: 0.42 ms, 12.5 ms, 1.3 s. */
export const latency = (millis: number): string => {
  const [value, unit] = millis < 1000 ? [millis, "ms"] : [millis / 1000, "s"]
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${figure(value, digits)} ${unit}`
}

const clock = (millis: number): string => new Date(millis).toISOString()

/** A moment, in UTC as the command line has it: 2026-11-28 08:20:01. */
export const moment = (millis: number): string => clock(millis).slice(0, 19).replace("T", " ")

/** A time of day in UTC: 08:20:01. */
export const timeOfDay = (millis: number): string => clock(millis).slice(11, 19)

/** A list in words: a, b and c. */
export const list = (items: ReadonlyArray<string>): string =>
  items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`
