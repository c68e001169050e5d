/** What many measurements come to. */

/** The value below which a share of the values lies, by nearest rank; NaN if there are none. */
export const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN

export interface Spread {
  readonly min: number
  readonly median: number
  readonly p99: number
  readonly max: number
}

/** The spread of values; undefined if there are none. */
export const spread = (values: ReadonlyArray<number>): Spread | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  if (sorted.length === 0) return undefined
  return {
    min: quantile(sorted, 0),
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1)
  }
}
