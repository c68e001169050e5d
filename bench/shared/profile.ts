/** What the process does while something runs, by samples of its stack. */
import { type Profiler, Session } from "node:inspector/promises"

/** What a sample is counted for. */
export const parts = ["waits", "sockets", "collector", "Node.js", "Effect", "core", "node", "funnel", "others"] as const

export type Part = (typeof parts)[number]

const sampleMicros = 100

const special: Record<string, Part> = {
  "(idle)": "waits",
  "(garbage collector)": "collector",
  "(program)": "Node.js",
  "(root)": "Node.js"
}

const partOf = ({ functionName, url }: Profiler.ProfileNode["callFrame"]): Part | undefined => {
  const named = special[functionName]
  if (named !== undefined) return named
  // Functions of V8 and system calls count for their caller.
  if (url === "") return undefined
  if (url.startsWith("node:")) return /net|stream|tls|readable|writable/.test(url) ? "sockets" : "Node.js"
  if (/\/node_modules\/(@effect\/[^/]+|effect)\//.test(url)) return "Effect"
  const ours = /\/packages\/(core|node|funnel)\//.exec(url)?.[1]
  return ours === undefined ? "others" : (ours as Part)
}

/** Microseconds by part. */
const sum = ({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ReadonlyMap<Part, number> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const partOfNode = new Map<number, Part>()
  const visit = (node: Profiler.ProfileNode | undefined, caller: Part): void => {
    if (node === undefined) return
    const part = partOf(node.callFrame) ?? caller
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
export const profiled = async (run: () => Promise<void>): Promise<ReadonlyMap<Part, number>> => {
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
