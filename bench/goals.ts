/** What Disco is to reach with bodies of 100 bytes: ratios of one run, and megabytes. */
import { table } from "./shared/markdown.js"

export interface Goal {
  readonly work: string
  readonly of: string
  /** What it is to reach at least, */
  readonly least?: number
  /** or at most. */
  readonly most?: number
}

export const goals = {
  addAlone: { work: "`addJob` one after another", of: "ioredis one after another", least: 0.9 },
  add64: { work: "`addJob` from 64 fibers", of: "ioredis, 64 in flight by hand", least: 1 },
  add256: { work: "`addJob` from 256 fibers", of: "ioredis, 256 in flight by hand", least: 1.4 },
  addJobs: { work: "`addJobs`, 100 a call, two at a time", of: "ioredis `pipeline(100)`, two at a time", least: 1.25 },
  addJobsRaw: { work: "`addJobs`, 100 a call, two at a time", of: "raw", least: 0.55 },
  getAck: { work: "`getJobs` of 100 and `ackJob`, one loop", of: "ioredis doing the same", least: 0.95 },
  funnelRaw: { work: "Funnel", of: "raw", least: 0.45 },
  funnel: { work: "Funnel", of: "ioredis by hand", least: 1.15 },
  worker: { work: "Worker, 64 handlers that do nothing", of: "raw", least: 0.35 },
  replicated: { work: "`addJob` from 64 fibers, REPLICATE 3", of: "64 raw connections", least: 0.6 },
  replicated32: { work: "the same, pool of 32 links", of: "64 raw connections", least: 0.85 },
  funnelReplicated: { work: "Funnel, REPLICATE 3", of: "64 raw connections", least: 0.65 },
  funnelReplicated32: { work: "the same, pool of 32 links", of: "64 raw connections", least: 0.82 },
  spansUnheard: { work: "`addJob` from 64 fibers, nobody listening to spans", of: "tracing switched off", least: 0.97 },
  spansExported: { work: "the same, spans exported to memory", of: "tracing switched off", least: 0.5 },
  embeddedAdd: { work: "embedded node, ADDJOB pipelined", of: "the real server", least: 0.25 },
  embeddedGet: { work: "embedded node, GETJOB COUNT 100", of: "the real server", least: 0.25 },
  embeddedAck: { work: "embedded node, ACKJOB of 100", of: "the real server", least: 0.25 },
  always: { work: "embedded node, `always`, 64 fibers in the process", of: "memory alone", least: 0.5 },
  everysec: { work: "the same, `everysec`", of: "memory alone", least: 0.85 },
  alwaysServer: { work: "the same over TCP, `always`", of: "the real server with `always`", least: 0.5 },
  rewriteServer: { work: "rewrite of a million jobs, time", of: "that of the real server", most: 3 },
  rewriteDelay: { work: "rewrite of a million jobs, ms", of: "the longest delay of others", most: 10 },
  loadServer: { work: "load of a million jobs, time", of: "that of the real server", most: 3 },
  loadMemory: { work: "load of a million jobs, MB", of: "beyond those of the jobs", most: 64 },
  million: { work: "a million jobs through a funnel, MB on the heap", of: "after 10,000", most: 20 }
} as const satisfies Record<string, Goal>

export type Figure = keyof typeof goals

export type Figures = Partial<Record<Figure, number>>

const tolerance = 0.2

const isMissed = (
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: Goal,
  value: number
): boolean => value < least * (1 - tolerance) || value > most * (1 + tolerance)

const goalOf = ({ least, most }: Goal): string => (least === undefined ? `≤ ${most}` : `≥ ${least.toFixed(2)}`)

const measured = (figures: Figures): ReadonlyArray<readonly [Goal, number]> =>
  (Object.keys(goals) as Array<Figure>).flatMap((figure) => {
    const value = figures[figure]
    return value === undefined ? [] : [[goals[figure], value] as const]
  })

/** The goals that the figures are about, and the figures. */
export const compare = (figures: Figures): string =>
  table([
    ["goal", "of", "is", "measured"],
    ...measured(figures).map(([goal, value]) => [goal.work, goal.of, goalOf(goal), value.toFixed(2)])
  ])

/** Those that miss their goal by more than a fifth, in a sentence each. */
export const misses = (figures: Figures): ReadonlyArray<string> =>
  measured(figures)
    .filter(([goal, value]) => isMissed(goal, value))
    .map(([goal, value]) => `${goal.work}: ${value.toFixed(2)} of ${goal.of}, where the goal is ${goalOf(goal)}`)
