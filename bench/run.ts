/** Measures what is named on the command line, or all of it, and writes it to RESULTS.md; `check` compares with the goals. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { compare, misses } from "./goals.js"
import { measurements } from "./measurements.js"
import { type Chart, draw, fileOf } from "./shared/chart.js"
import type { Effort } from "./shared/contest.js"
import { circumstances } from "./shared/machine.js"
import { large, type Measurement } from "./shared/measurement.js"
import { withSection } from "./shared/results.js"
import { openTarget, type Target } from "./shared/target.js"

const full: Effort = { rounds: 9, warmUps: 15, share: 1, sizes: [100, large] }
const forGoals: Effort = { ...full, sizes: [100] }

// The program is compiled to a folder below the one that the results are in.
const results = new URL("../RESULTS.md", import.meta.url)

const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const write = ({ chapter, name }: Measurement, target: Target, section: string): void => {
  const before = existsSync(results) ? readFileSync(results, "utf8") : ""
  const names = measurements.map((measurement) => measurement.name)
  writeFileSync(results, withSection(before, chapter ?? target.kind, names, name, section))
}

const writeCharts = (charts: ReadonlyArray<Chart>, target: Target): void => {
  for (const chart of charts) {
    for (const theme of ["light", "dark"] as const) {
      const file = new URL(fileOf(target.kind, chart, theme), results)
      mkdirSync(new URL(".", file), { recursive: true })
      writeFileSync(file, draw(chart, theme))
    }
  }
}

const onTarget = async (measurement: Measurement, use: (target: Target) => Promise<void>): Promise<void> => {
  const needed = measurement.needs?.()
  if (needed !== undefined) return say(`${measurement.name}: left out; ${needed}`)
  const target = await openTarget(measurement.nodes)
  if (target === undefined) {
    return say(`${measurement.name}: left out, since it wants ${measurement.nodes} of DISQUE_NODES`)
  }
  try {
    await use(target)
  } finally {
    target.close()
  }
}

const measure = (measurement: Measurement): Promise<void> =>
  onTarget(measurement, async (target) => {
    const where = await circumstances(measurement.chapter === undefined ? target : undefined)
    const { charts = [], figures, text } = await measurement.measure(target, full)
    const about = Object.keys(figures).length === 0 ? "" : `\n${compare(figures)}`
    const section = `${measurement.title}\n\n${where}\n\n${text}${about}`
    write(measurement, target, section)
    writeCharts(charts, target)
    say(`\n### ${measurement.name}\n\n${section}`)
  })

const check = async (chosen: ReadonlyArray<Measurement>): Promise<void> => {
  for (const measurement of chosen) {
    await onTarget(measurement, async (target) => {
      const { figures } = await measurement.measure(target, forGoals)
      say(`\n${measurement.name}, ${target.kind} nodes\n\n${compare(figures)}`)
      for (const miss of misses(figures)) {
        say(`✗ ${miss}`)
        process.exitCode = 1
      }
    })
  }
}

const names = process.argv.slice(2)
const isCheck = names[0] === "check"
const wanted = isCheck ? names.slice(1) : names
const unknown = wanted.find((name) => !measurements.some((measurement) => measurement.name === name))
if (unknown !== undefined) {
  process.stderr.write(`There is no "${unknown}"; there are ${measurements.map(({ name }) => name).join(", ")}.\n`)
  process.exitCode = 1
} else {
  const chosen = measurements.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  if (isCheck) await check(chosen.filter(({ hasGoals }) => hasGoals))
  else for (const measurement of chosen) await measure(measurement)
}
