import { add } from "./add/run.js"
import { cluster } from "./cluster/run.js"
import { embedded } from "./embedded/run.js"
import { flow } from "./flow/run.js"
import { get } from "./get/run.js"
import { memory } from "./memory/run.js"
import { scale } from "./scale/run.js"
import type { Measurement } from "./shared/measurement.js"
import { spans } from "./spans/run.js"

/** What `pnpm bench` measures, in the order of RESULTS.md. */
export const measurements: ReadonlyArray<Measurement> = [add, get, flow, cluster, spans, scale, memory, embedded]
