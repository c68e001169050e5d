/** How rates change as there is more of something: a table, and a chart. */
import type { Chart } from "./chart.js"
import { type Contest, type Effort, hold, type Outcome } from "./contest.js"
import { table, thousands } from "./markdown.js"

/** What is measured for one value, and how it is taken down. */
export interface Point extends Omit<Contest, "title"> {
  readonly close?: () => unknown
}

export interface Curve {
  readonly text: string
  readonly chart: Chart
}

/** A row for each of `values`: rates, and what a job costs this process. The chart's files are called `name`. */
export const curve = async (
  name: string,
  title: string,
  values: ReadonlyArray<number>,
  point: (value: number) => Promise<Point>,
  effort: Effort
): Promise<Curve> => {
  const outcomes: Array<readonly [number, Outcome]> = []
  for (const value of values) {
    const { close, ...contest } = await point(value)
    outcomes.push([value, await hold({ ...contest, title: `${value} ${title}` }, effort)])
    await close?.()
  }
  const contenders = outcomes[0]?.[1].contest.contenders.map(({ name }) => name) ?? []
  const rates = (name: string) => outcomes.map(([, outcome]) => outcome.median(name, "perSecond"))
  const rows = outcomes.map(([value, outcome]) => [
    thousands(value),
    ...contenders.map((name) => thousands(outcome.median(name, "perSecond"))),
    ...contenders.map((name) => outcome.median(name, "cpu").toFixed(1))
  ])
  const head = [
    title,
    ...contenders.map((name) => `${name}, jobs/s`),
    ...contenders.map((name) => `${name}, CPU µs/job`)
  ]
  return {
    text: table([head, ...rows]),
    chart: { name, title, values, lines: contenders.map((name) => ({ name, rates: rates(name) })) }
  }
}
