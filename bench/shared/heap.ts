import { type HeapProfiler, Session } from "node:inspector/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { type Part, partOfFrame } from "./parts.js"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void

/** Collects what was made of late and nothing holds. All of it would be collected with compiled code, and that made anew. */
export const collectYoung = (): void => collect({ type: "minor" })

/** What this process keeps on the heap and in buffers once the rest has been collected, in bytes. */
export const heapAfterGc = (): number => {
  collect()
  // Buffers that the first one found are freed beside it; another one waits for that.
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const sampleBytes = 128

/** Bytes by the part that allocated them. */
const sum = ({ head }: HeapProfiler.SamplingHeapProfile): ReadonlyMap<Part, number> => {
  const bytes = new Map<Part, number>()
  const visit = ({ callFrame, children, selfSize }: HeapProfiler.SamplingHeapProfileNode, caller: Part): void => {
    const part = partOfFrame(callFrame) ?? caller
    bytes.set(part, (bytes.get(part) ?? 0) + selfSize)
    for (const child of children) visit(child, part)
  }
  visit(head, "Node.js")
  return bytes
}

/** Runs `make`, and gives the bytes on the heap, by samples, that were allocated meanwhile and are held now, by who allocated them. */
export const allocated = async (make: () => Promise<void>): Promise<ReadonlyMap<Part, number>> => {
  const session = new Session()
  session.connect()
  try {
    await session.post("HeapProfiler.enable")
    await session.post("HeapProfiler.startSampling", { samplingInterval: sampleBytes })
    await make()
    collect()
    const { profile } = await session.post("HeapProfiler.stopSampling")
    return sum(profile)
  } finally {
    session.disconnect()
  }
}
