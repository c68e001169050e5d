/** Figures as people read them, with their units: the same in the command and on the page. */

// Made once: a format takes longer to make than a hundred numbers to write.
const formats = [0, 1, 2].map((digits) => new Intl.NumberFormat("en-US", { maximumFractionDigits: digits }))

/** A number with so many digits behind the point at most. */
export const figure = (value: number | bigint, digits: 0 | 1 | 2): string =>
  formats[digits]?.format(value) ?? String(value)

/** A whole number: 12,345. Takes 64-bit integers as digits too. */
export const count = (value: number | bigint | string): string =>
  figure(typeof value === "string" ? BigInt(value) : value, 0)

/** A count with its noun: 1 job, 2 jobs. */
export const counted = (value: number | bigint, noun: string, nouns = `${noun}s`): string =>
  `${count(value)} ${Number(value) === 1 ? noun : nouns}`

/** How many in a second: 0, 0.4, 1,204. */
export const perSecond = (value: number): string => figure(value, value < 10 ? 1 : 0)

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
  let rest = Math.floor(seconds)
  if (!Number.isFinite(rest)) return "forever"
  const first = spans.findIndex(([, length]) => rest >= length)
  if (first < 0) return "0s"
  const parts = spans.slice(first, first + 2).map(([unit, length]) => {
    const whole = Math.floor(rest / length)
    rest -= whole * length
    return `${whole}${unit}`
  })
  return parts.filter((part, i) => i === 0 || !part.startsWith("0")).join(" ")
}

/** A short time, to three digits: 0.42 ms, 12.5 ms, 1.3 s. */
export const latency = (millis: number): string => {
  const [value, unit] = millis < 1000 ? [millis, "ms"] : [millis / 1000, "s"]
  return `${figure(value, Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${unit}`
}

/** A list in words: a, b and c. */
export const list = (items: ReadonlyArray<string>, last = "and"): string =>
  items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} ${last} ${items.at(-1)}`
