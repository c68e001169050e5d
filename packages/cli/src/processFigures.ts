import { machine, release, type } from "node:os"
import type { ProcessFigures } from "@disco/embedded"

/** What INFO of the nodes that `disco` runs tells of its process. */
export const processFigures: ProcessFigures = {
  id: process.pid,
  os: `${type()} ${release()} ${machine()}`,
  executable: process.execPath,
  residentMemory: () => process.memoryUsage.rss(),
  cpuSeconds: () => {
    const { system, user } = process.cpuUsage()
    return { system: system / 1e6, user: user / 1e6 }
  }
}
