/**
 * What holds on every way to a node, as tests: for whoever writes another link, another dialer or another server. The tests of Disco
 * itself run from here, on embedded nodes and on real ones.
 *
 * It needs vitest 3 and `@effect/vitest`. Call {@link behavior} in a test file.
 *
 * @since 0.1.0
 */
import { addJobs } from "./behavior/addJobs.js"
import { administration } from "./behavior/administration.js"
import { type Backend, type Prepared, prepare } from "./behavior/backend.js"
import { cluster } from "./behavior/cluster.js"
import { commands } from "./behavior/commands.js"
import { funnel } from "./behavior/funnel.js"
import { interruptions } from "./behavior/interruptions.js"
import { pool } from "./behavior/pool.js"
import { worker } from "./behavior/worker.js"

export type { Backend } from "./behavior/backend.js"

const parts = { commands, addJobs, administration, interruptions, pool, cluster, funnel, worker } satisfies Record<
  string,
  (backend: Prepared) => void
>

/**
 * A part of the suite.
 *
 * @since 0.1.0
 * @category models
 */
export type Part = keyof typeof parts

const all = Object.keys(parts) as ReadonlyArray<Part>

/**
 * Declares the tests of the suite for a backend: all of them, or those of some parts.
 *
 * - `commands`, `addJobs`: the typed commands, one by one and many at once
 * - `administration`: what is told of nodes, queues and jobs, and what is done to them
 * - `interruptions`: what becomes of jobs that arrive for nobody
 * - `pool`, `cluster`: what a pool does, and what is asked of all nodes
 * - `funnel`, `worker`: what stands on a pool
 *
 * @example
 * ```ts
 * import { DisqueConnection, DisquePool } from "@disco/core"
 * import { EmbeddedDisque } from "@disco/embedded"
 * import { behavior } from "@disco/testing/behavior"
 * import { Layer } from "effect"
 *
 * // In place of these, your dialer.
 * const dialer = EmbeddedDisque.layerDialer.pipe(Layer.provide(EmbeddedDisque.layer()))
 *
 * behavior({
 *   name: "over my link",
 *   time: "virtual",
 *   layer: Layer.merge(
 *     DisqueConnection.layer(),
 *     DisquePool.layer({ maxActive: 2, acquireTimeout: "500 millis" })
 *   ).pipe(Layer.provide(dialer))
 * })
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const behavior = (backend: Backend, only: ReadonlyArray<Part> = all): void => {
  const prepared = prepare(backend)
  for (const part of only) parts[part](prepared)
}
