/** The workers: those of this process, and those that report. */
import { DisquePool } from "@disco/core"
import { JobNodes } from "@disco/core/internal"
import { Worker } from "@disco/funnel"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { WorkerRow } from "../api/workers.js"

type Report = Worker.Reporting.Report

interface Known {
  readonly report: Report
  readonly rate: number | null
  /** When the report was first seen, by the clock of this process. */
  seenAt: number
}

/** A worker is stale once it has missed a report. */
const patience = 2.5
/** For how long a worker is shown that reports no more. */
const keptMillis = 300_000
/** How often the figures of a worker of this process are taken, as if it reported. */
const hereMillis = 5000
/** The most workers that are shown. */
const most = 1000

/** How many jobs a worker did a second since its report before. */
const rateOf = (before: Report | undefined, after: Report): number | null => {
  if (before === undefined || after.at <= before.at) return null
  return Math.max(0, after.succeeded - before.succeeded) / ((after.at - before.at) / 1000)
}

const reportOf = ({ lastFetch, ...figures }: Worker.WorkerFigures, at: number): Report => ({
  ...figures,
  ...(lastFetch === undefined ? {} : { lastFetch }),
  program: "this process",
  at,
  every: hereMillis
})

export class Reports {
  private readonly known = new Map<string, Known>()
  private readonly queue: string

  constructor(queue: string) {
    this.queue = queue
  }

  /** Looks at the reports on all nodes. Nodes that do not answer are left out. */
  get look(): Effect.Effect<{ readonly at: number; readonly workers: ReadonlyArray<WorkerRow> }, never, DisquePool> {
    return Effect.gen(this, function* () {
      const nodes = yield* JobNodes.make(yield* DisquePool)
      const told = (yield* nodes.ask((commands) => Worker.Reporting.peek(commands, this.queue))).flat()
      const here = yield* Worker.running
      const at = yield* Clock.currentTimeMillis
      const ids = new Set(here.map(({ id }) => id))
      for (const report of told) if (!ids.has(report.id)) this.note(report, at)
      for (const figures of here) this.note(reportOf(figures, at), at, hereMillis)
      for (const [id, { seenAt }] of this.known) if (at - seenAt > keptMillis) this.known.delete(id)
      const rows = [...this.known.values()].map((known) => rowOf(known, ids.has(known.report.id), at))
      return { at, workers: rows.sort(byQueue) }
    })
  }

  private note(report: Report, at: number, least = 0): void {
    const before = this.known.get(report.id)
    if (before === undefined && this.known.size >= most) return
    if (before !== undefined && report.at <= before.report.at) return
    if (before !== undefined && report.at - before.report.at < least) {
      before.seenAt = at
      return
    }
    this.known.set(report.id, { report, rate: rateOf(before?.report, report), seenAt: at })
  }
}

const byQueue = (a: WorkerRow, b: WorkerRow): number =>
  a.queue < b.queue ? -1 : a.queue > b.queue ? 1 : a.id < b.id ? -1 : 1

const rowOf = ({ rate, report, seenAt }: Known, isHere: boolean, now: number): WorkerRow => ({
  id: report.id,
  queue: report.queue,
  program: report.program,
  isHere,
  startedAt: report.startedAt,
  reportedAt: seenAt,
  isStale: now - seenAt > patience * report.every,
  isPaused: report.isPaused,
  concurrency: report.concurrency,
  busy: report.busy,
  succeeded: report.succeeded,
  rate,
  failed: report.failed,
  dead: report.dead,
  leasesLost: report.leasesLost,
  lastFetchMillis: report.lastFetch === undefined ? null : Math.max(0, report.at - report.lastFetch)
})
