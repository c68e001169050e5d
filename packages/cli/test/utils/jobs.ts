import { DisquePool, type Job } from "@disco/core"
import { Effect } from "effect"

/** Takes all jobs that wait in a queue on the nodes of the cluster, in no order. */
export const takeAll = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* pool.health
    const taken = yield* Effect.forEach(nodes, ({ address }) =>
      pool.on(address).getJobs(queue, { count: 1000, timeout: 0 })
    )
    // A job may wait on several nodes.
    const byId = new Map<string, Job.Job>(taken.flat().map((job) => [job.id, job]))
    return [...byId.values()]
  })

/** Pauses a queue on all nodes: it takes no jobs. */
export const pauseIn = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* pool.health
    yield* Effect.forEach(nodes, ({ address }) => pool.on(address).pause(queue, "in"))
  })
