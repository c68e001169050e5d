/** What Disco is to reach, with bodies of 100 bytes unless it says otherwise: ratios of one run, bytes and megabytes. */
import { table, thousands } from "./shared/markdown.js"

export interface Goal {
  readonly work: string
  readonly of: string
  /** What it is to reach at least, */
  readonly least?: number
  /** or at most. */
  readonly most?: number
}

export const goals = {
  addAlone: { work: "`addJob` one after another", of: "the best peer", least: 0.97 },
  add64: { work: "`addJob` from 64 fibers", of: "the best peer", least: 1.1 },
  add256: { work: "`addJob` from 256 fibers", of: "the best peer", least: 1.1 },
  add64Large: { work: "`addJob` from 64 fibers, 4 KB", of: "the best peer", least: 1.1 },
  add256Large: { work: "`addJob` from 256 fibers, 4 KB", of: "the best peer", least: 1.1 },
  addJobsRaw: { work: "`addJobs`, 100 a call, two at a time", of: "raw", least: 0.8 },
  getAck: { work: "`getJobs` of 100 and `ackJob`, one loop", of: "the best peer", least: 1.1 },
  getAckLarge: { work: "`getJobs` of 100 and `ackJob`, one loop, 4 KB", of: "the best peer", least: 1.1 },
  forEach: { work: "`funnel.forEach`, 64 at a time, end to end", of: "the best peer by hand", least: 1 },
  forEachRaw: { work: "`funnel.forEach`, 64 at a time, end to end", of: "raw", least: 0.65 },
  funnelRaw: { work: "`funnel.incoming`, end to end", of: "raw", least: 0.5 },
  worker: { work: "Worker, 64 handlers that do nothing, text", of: "raw", least: 0.8 },
  workerJson: { work: "the same, JSON and a Schema of four fields", of: "raw", least: 0.55 },
  latency50: { work: "a job to an idle Worker, p50", of: "a GETJOB that waits, raw", most: 1.3 },
  latency99: { work: "the same, p99", of: "a GETJOB that waits, raw", most: 2 },
  replicated: { work: "`addJob` from 64 fibers, REPLICATE 3", of: "64 raw connections", least: 0.8 },
  replicated32: { work: "the same, pool of 32 links", of: "64 raw connections", least: 0.95 },
  funnelReplicated: { work: "Funnel, REPLICATE 3", of: "64 raw connections", least: 0.75 },
  funnelReplicated32: { work: "the same, pool of 32 links", of: "64 raw connections", least: 0.9 },
  spansUnheard: { work: "`addJob` from 64 fibers, nobody listening to spans", of: "tracing switched off", least: 0.97 },
  spansExported: { work: "the same, spans exported to memory", of: "tracing switched off", least: 0.6 },
  keptJob: { work: "a job of 20 B that is kept, bytes", of: "the heap and buffers", most: 400 },
  waitingGet: { work: "a `getJob` that waits, bytes", of: "the heap and buffers", most: 3000 },
  idleLink: { work: "an idle pool with its one link, bytes", of: "the heap and buffers", most: 100_000 },
  flyingJob: { work: "a job in flight, bytes", of: "the heap and buffers", most: 1000 },
  embeddedAdd: { work: "embedded node, ADDJOB pipelined", of: "the real server", least: 0.25 },
  embeddedGet: { work: "embedded node, GETJOB COUNT 100", of: "the real server", least: 0.25 },
  embeddedAck: { work: "embedded node, ACKJOB of 100", of: "the real server", least: 0.25 },
  always: { work: "embedded node, `always`, 64 fibers in the process", of: "memory alone", least: 0.5 },
  everysec: { work: "the same, `everysec`", of: "memory alone", least: 0.85 },
  alwaysServer: { work: "the same over TCP, `always`", of: "the real server with `always`", least: 0.5 },
  rewriteServer: { work: "rewrite of a million jobs, time", of: "that of the real server", most: 3 },
  rewriteWait: { work: "rewrite of a million jobs, ms", of: "the longest wait of a client", most: 10 },
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

const goalOf = ({ least, most }: Goal): string =>
  least === undefined ? `≤ ${(most ?? 0).toLocaleString("en")}` : `≥ ${least.toFixed(2)}`

const figureOf = (value: number): string => (value >= 1000 ? thousands(value) : value.toFixed(2))

const measured = (figures: Figures): ReadonlyArray<readonly [Goal, number]> =>
  (Object.keys(goals) as Array<Figure>).flatMap((figure) => {
    const value = figures[figure]
    return value === undefined ? [] : [[goals[figure], value] as const]
  })

/** The goals that the figures are about, and the figures. */
export const compare = (figures: Figures): string =>
  table([
    ["goal", "of", "is", "measured"],
    ...measured(figures).map(([goal, value]) => [goal.work, goal.of, goalOf(goal), figureOf(value)])
  ])

/** Those that miss their goal by more than a fifth, in a sentence each. */
export const misses = (figures: Figures): ReadonlyArray<string> =>
  measured(figures)
    .filter(([goal, value]) => isMissed(goal, value))
    .map(([goal, value]) => `${goal.work}: ${figureOf(value)} of ${goal.of}, where the goal is ${goalOf(goal)}`)
