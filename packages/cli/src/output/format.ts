/** Figures as people read them, with their units. */
import * as Duration from "effect/Duration"

const decimals = (value: number): number => (Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2)

const digits = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: decimals(value) })

/** A whole number: 12,345. */
export const count = (value: number | bigint): string => value.toLocaleString("en-US")

/** A count with its noun: 1 job, 2 jobs. */
export const counted = (value: number | bigint, noun: string, nouns = `${noun}s`): string =>
  `${count(value)} ${BigInt(Math.trunc(Number(value))) === 1n ? noun : nouns}`

/** How many in a second: 0/s, 0.4/s, 1,204/s. */
export const rate = (perSecond: number): string =>
  `${perSecond.toLocaleString("en-US", { maximumFractionDigits: perSecond < 10 ? 1 : 0 })}/s`

const sizes = ["B", "KiB", "MiB", "GiB", "TiB"] as const

/** A number of bytes: 12 B, 3.4 MiB. */
export const size = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < sizes.length - 1) {
    value /= 1024
    unit++
  }
  return `${value.toLocaleString("en-US", { maximumFractionDigits: unit === 0 || value >= 100 ? 0 : 1 })} ${sizes[unit]}`
}

const spans = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1]
] as const

/** A long time, as its two largest units: 3m 20s, 2d 4h. Less than a second is 0s. */
export const age = (time: Duration.DurationInput): string => {
  const seconds = Math.floor(Duration.toMillis(time) / 1000)
  if (!Number.isFinite(seconds)) return "forever"
  const first = spans.findIndex(([, length]) => seconds >= length)
  if (first < 0) return "0s"
  let rest = seconds
  const parts = spans.slice(first, first + 2).map(([unit, length]) => {
    const whole = Math.floor(rest / length)
    rest -= whole * length
    return `${whole}${unit}`
  })
  return parts.filter((part, i) => i === 0 || !part.startsWith("0")).join(" ")
}

/** A short time, to three digits: 0.42 ms, 12.5 ms, 1.3 s. */
export const latency = (time: Duration.DurationInput): string => {
  const millis = Duration.toMillis(time)
  return millis < 1000 ? `${digits(millis)} ms` : `${digits(millis / 1000)} s`
}

/** A list in words: a, b and c. */
export const list = (items: ReadonlyArray<string>, last = "and"): string =>
  items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} ${last} ${items.at(-1)}`

/** A time that was set, such as a timeout: 500ms, 5s, 3m 20s. */
export const span = (time: Duration.DurationInput): string => {
  const millis = Duration.toMillis(time)
  return millis < 1000 ? `${millis}ms` : age(time)
}
