import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { median } from "./statistics.js"

/** About as much as 64 records of 100 bytes take. */
const piece = new Uint8Array(16 * 1024)

/** How long it takes to write a little more to a file in the folder and to sync it, in milliseconds: the median of `count` times. */
export const timeOfSync = (dir: string, count: number): number => {
  const file = openSync(join(dir, "sync"), "w")
  const times = Array.from({ length: count }, () => {
    const started = performance.now()
    writeSync(file, piece)
    fdatasyncSync(file)
    return performance.now() - started
  })
  closeSync(file)
  return median(times)
}
