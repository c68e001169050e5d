import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
/** Collects what nothing holds any more. */
export const collect = runInNewContext("gc") as () => void

/** What this process keeps on the heap and in buffers once the rest has been collected, in bytes. */
export const heapAfterGc = (): number => {
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
