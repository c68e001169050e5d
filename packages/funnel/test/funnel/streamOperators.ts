import { DisquePool, type Job } from "@disco/core"
import { Effect, Either, Stream } from "effect"
import type { Funnel } from "../../src/index.js"

export type Handler = (job: Job.Job) => Effect.Effect<void, string>

export type Operator = (
  incoming: Stream.Stream<Funnel.FunnelJob, Funnel.FunnelError>,
  handler: Handler
) => Stream.Stream<void, Funnel.FunnelError | string>

export const operators: Record<string, Operator> = {
  "mapEffect, one at a time": (incoming, handler) => Stream.mapEffect(incoming, handler),
  ...Object.fromEntries(
    [4, 16, 64].flatMap(
      (concurrency): ReadonlyArray<readonly [string, Operator]> => [
        [
          `mapEffect, ${concurrency} at a time`,
          (incoming, handler) => Stream.mapEffect(incoming, handler, { concurrency })
        ],
        [
          `mapEffect, ${concurrency} at a time, unordered`,
          (incoming, handler) => Stream.mapEffect(incoming, handler, { concurrency, unordered: true })
        ],
        [
          `flatMap, ${concurrency} at a time`,
          (incoming, handler) => Stream.flatMap(incoming, (job) => Stream.fromEffect(handler(job)), { concurrency })
        ]
      ]
    )
  ),
  "mapEffect, 16 at a time, and buffer": (incoming, handler) =>
    Stream.buffer(Stream.mapEffect(incoming, handler, { concurrency: 16 }), { capacity: 16 })
}

export const several = Object.entries(operators).filter(([name]) => !name.includes("one at a time"))

export const bodyOf = (job: Job.Job) => Number(new TextDecoder().decode(job.body))

export const addMany = (count: number, from = 0) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const bodies = Array.from({ length: count }, (_, i) => String(from + i))
    const added = yield* pool.addJobs(bodies.map((body) => ({ queue: "work", body, options: { retry: "1 hour" } })))
    return added.map(Either.getOrThrow)
  })
