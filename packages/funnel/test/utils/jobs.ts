import { type AddJobError, DisquePool, type GetJobsError, type Job, type JobId, JobQueue } from "@disco/core"
import { Effect, Schema } from "effect"

/** A queue of numbers. */
export const numbers = JobQueue.make("numbers", {
  payload: Schema.Struct({ n: Schema.Number }),
  options: { retry: "1 minute" }
})

export const addAll = (
  count: number
): Effect.Effect<Array<JobId.JobId>, AddJobError | JobQueue.InvalidPayload, DisquePool> =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => numbers.add(pool, { n }))
  )

/** Takes the jobs that are in a queue. */
export const left = (queue: string): Effect.Effect<ReadonlyArray<Job.Job>, GetJobsError, DisquePool> =>
  Effect.flatMap(DisquePool, (pool) => pool.getJobs(queue, { count: 1000, timeout: 0 }))

/** How many of the jobs the node knows, whatever their state: 0 when all are acknowledged. */
export const known = (ids: ReadonlyArray<string>) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.map(
      Effect.forEach(ids, (id) => pool.show(id)),
      (infos) => infos.filter((info) => info._tag === "Some").length
    )
  )
