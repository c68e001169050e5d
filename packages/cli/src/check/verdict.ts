/** What a check of a cluster comes to: the form that monitoring systems know. */

export const severities = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const

export type Severity = (typeof severities)[number]

/** The exit status by which monitoring systems tell them apart. */
export const statusOf = (severity: Severity): number => severities.indexOf(severity)

export interface Problem {
  readonly severity: Severity
  readonly what: string
}

/** Bounds: above the first is a warning, above the second is critical. A bound alone is critical. */
export interface Bounds {
  readonly warning: number | undefined
  readonly critical: number
}

/** Whether a value is above its bounds. */
export const above = (value: number, { critical, warning }: Bounds): Severity =>
  value > critical ? "CRITICAL" : warning !== undefined && value > warning ? "WARNING" : "OK"

/** Whether a value is below its bounds. */
export const below = (value: number, { critical, warning }: Bounds): Severity =>
  value < critical ? "CRITICAL" : warning !== undefined && value < warning ? "WARNING" : "OK"

/** The worst comes first. What is not known may be anything, but what is known to be critical is worse. */
const order: ReadonlyArray<Severity> = ["CRITICAL", "UNKNOWN", "WARNING", "OK"]

export const worstFirst = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> =>
  problems.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))

/** The most problems that the line tells. */
const mostShown = 5

/** The verdict in one line. */
export const lineOf = (problems: ReadonlyArray<Problem>, whenFine: string): string => {
  const [worst] = problems
  if (worst === undefined) return `OK: ${whenFine}`
  const shown = problems.slice(0, mostShown).map(({ what }) => what)
  const more = problems.length > mostShown ? [`and ${problems.length - mostShown} more`] : []
  return `${worst.severity}: ${[...shown, ...more].join("; ")}`
}
