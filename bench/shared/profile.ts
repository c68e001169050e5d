/** What the process does while something runs, by samples of its stack. */
import { type Profiler, Session } from "node:inspector/promises"
import { type Contender, type Effort, partOf } from "./contest.js"
import { collectYoung } from "./heap.js"
import { table } from "./markdown.js"
import { type Part, partOfFrame, parts } from "./parts.js"
import { median } from "./statistics.js"

const sampleMicros = 100

/** Microseconds by part. */
const sum = ({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ReadonlyMap<Part, number> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const partOfNode = new Map<number, Part>()
  const visit = (node: Profiler.ProfileNode | undefined, caller: Part): void => {
    if (node === undefined) return
    const part = partOfFrame(node.callFrame) ?? caller
    partOfNode.set(node.id, part)
    for (const id of node.children ?? []) visit(byId.get(id), part)
  }
  visit(nodes[0], "Node.js")
  const micros = new Map<Part, number>(parts.map((part) => [part, 0]))
  for (const [i, id] of samples.entries()) {
    // The time before the first sample is that of the start of the profiler.
    if (i === 0) continue
    const part = partOfNode.get(id) ?? "Node.js"
    micros.set(part, (micros.get(part) ?? 0) + (timeDeltas[i] ?? 0))
  }
  return micros
}

/** Samples this process while `run` runs. Gives the microseconds of each part. */
const profiled = async (run: () => Promise<void>): Promise<ReadonlyMap<Part, number>> => {
  const session = new Session()
  session.connect()
  try {
    await session.post("Profiler.enable")
    await session.post("Profiler.setSamplingInterval", { interval: sampleMicros })
    await session.post("Profiler.start")
    await run()
    const { profile } = await session.post("Profiler.stop")
    return sum(profile)
  } finally {
    session.disconnect()
  }
}

export interface Work extends Contender {
  readonly before?: (jobs: number) => Promise<void>
  readonly after?: () => Promise<void>
}

const nobody = () => {}

/** A table of where the time of a job goes in each work, in microseconds: medians of rounds of about so many jobs. */
export const profiles = async (works: ReadonlyArray<Work>, jobs: number, effort: Effort): Promise<string> => {
  const count = partOf(jobs, effort)
  const rows: Array<ReadonlyArray<string>> = []
  for (const { after, before, name, run } of works) {
    const rounds: Array<ReadonlyMap<Part, number>> = []
    for (let round = 0; round < effort.warmUps + effort.rounds; round++) {
      await before?.(count)
      collectYoung()
      const micros = await profiled(() => run(count, nobody))
      await after?.()
      if (round >= effort.warmUps) rounds.push(micros)
    }
    const each = parts.map((part) => median(rounds.map((micros) => (micros.get(part) ?? 0) / count)))
    rows.push([name, ...[each.reduce((sum, micros) => sum + micros, 0), ...each].map((micros) => micros.toFixed(2))])
  }
  return table([["µs a job", "all", ...parts], ...rows])
}
