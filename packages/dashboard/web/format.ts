/** Figures as the page shows them. */
import { Figures } from "@disco/core/internal"

export const { age, count, counted, latency, list, perSecond, size } = Figures

const short = [
  [1e9, "G"],
  [1e6, "M"],
  [1e4, "k"]
] as const

/** A number for a place with little room: 9,999, 12.3k, 1.2M. */
export const brief = (value: number): string => {
  const [unit, letter] = short.find(([least]) => value >= least) ?? [1, ""]
  if (unit === 1) return Figures.figure(value, value < 10 ? 1 : 0)
  const shown = value / (letter === "k" ? 1000 : unit)
  return `${Figures.figure(shown, shown < 100 ? 1 : 0)}${letter}`
}

/** How many in a second; a dash where it is not known. */
export const rate = (value: number | null): string => (value === null ? "–" : perSecond(value))

const clock = (millis: number): string => new Date(millis).toISOString()

/** A moment, in UTC as the command line has it: 2026-11-28 08:20:01. */
export const moment = (millis: number): string => clock(millis).slice(0, 19).replace("T", " ")

/** A time of day in UTC: 08:20:01. */
export const timeOfDay = (millis: number): string => clock(millis).slice(11, 19)
