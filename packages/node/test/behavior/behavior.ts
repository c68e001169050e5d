import { addJobs } from "./addJobs.js"
import { administration } from "./administration.js"
import type { Backend } from "./Backend.js"
import { cluster } from "./cluster.js"
import { commands } from "./commands.js"
import { funnel } from "./funnel.js"
import { interruptions } from "./interruptions.js"
import { pool } from "./pool.js"
import { worker } from "./worker.js"

/** What holds on every backend. */
export const behavior = (backend: Backend): void => {
  commands(backend)
  addJobs(backend)
  administration(backend)
  interruptions(backend)
  pool(backend)
  cluster(backend)
  funnel(backend)
  worker(backend)
}
