/** What a measurement found, as a part of RESULTS.md. */
import type { Figure } from "../goals.js"
import type { Chart } from "./chart.js"
import type { Outcome } from "./contest.js"
import { table, thousands } from "./markdown.js"

export interface Section {
  readonly text: string
  readonly figures: Partial<Record<Figure, number>>
  /** Pictures that the text shows, which are files beside it. */
  readonly charts?: ReadonlyArray<Chart>
}

const number = (value: number, digits: number): string => (Number.isNaN(value) ? "" : value.toFixed(digits))

/** The table of a contest. The shares are those of the contenders named, and of the fastest of the peers if there are any. */
export const show = (
  outcome: Outcome,
  references: ReadonlyArray<string>,
  peers: ReadonlyArray<string> = []
): string => {
  const isCompared = peers.length > 0
  const rows = outcome.contest.contenders.map(({ name }) => [
    name,
    thousands(outcome.median(name, "perSecond")),
    ...references.map((reference) => number(outcome.ratio(name, reference), 2)),
    ...(isCompared ? [number(outcome.shareOfFastest(name, peers), 2)] : []),
    number(outcome.median(name, "cpu"), 1),
    number(outcome.median(name, "p50"), 2),
    number(outcome.median(name, "p99"), 2)
  ])
  const head = [
    outcome.contest.title,
    "jobs/s",
    ...references.map((reference) => `of ${reference}`),
    ...(isCompared ? ["of best peer"] : []),
    "CPU, µs/job",
    "p50, ms",
    "p99, ms"
  ]
  return table([head, ...rows])
}
