import { DisquePool, Job } from "@disco/core"
import { Effect } from "effect"
import { left } from "../utils/jobs.js"

export const add = (queue: string, count: number) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => pool.addJob(queue, String(n), { retry: "1 hour" }))
  )

/** The bodies of what is in the queue. */
export const bodies = (queue: string) =>
  Effect.map(left(queue), (jobs) => jobs.map((job) => Number(Job.text(job))).sort((a, b) => a - b))

export const number = (job: Job.Job) => Number(Job.text(job))
