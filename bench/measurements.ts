import { add } from "./measurements/add.js"
import { alternatives } from "./measurements/alternatives.js"
import { cluster } from "./measurements/cluster.js"
import { embedded } from "./measurements/embedded.js"
import { flow } from "./measurements/flow.js"
import { get } from "./measurements/get.js"
import { latency } from "./measurements/latency.js"
import { memory } from "./measurements/memory.js"
import { persistence } from "./measurements/persistence.js"
import { profile } from "./measurements/profile.js"
import { scale } from "./measurements/scale.js"
import { spans } from "./measurements/spans.js"
import type { Measurement } from "./shared/measurement.js"

/** What `pnpm bench` measures, in the order of RESULTS.md. */
export const measurements: ReadonlyArray<Measurement> = [
  add,
  get,
  flow,
  latency,
  profile,
  cluster,
  spans,
  scale,
  memory,
  embedded,
  persistence,
  alternatives
]
