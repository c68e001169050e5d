import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

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
