/**
 * Jobs that come again and again: a payload is added whenever a schedule says so.
 */
import { type AddJobOptions, DisquePool, type JobQueue } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schedule from "effect/Schedule"
import { defaultSchedule } from "./outgoing/outbox.js"

/** What is added, and when. */
export interface RecurringOptions<A, E, R> {
  /** When to add a payload: `Schedule.cron("0 6 * * *")`, `Schedule.spaced("1 hour")`. The first waits for its time too. */
  readonly schedule: Schedule.Schedule<unknown, unknown, R>
  /** The payload of the next job. */
  readonly payload: Effect.Effect<A, E, R>
  readonly options?: AddJobOptions | undefined
}

/**
 * Adds jobs to a queue for as long as the schedule goes on.
 *
 * Each process that runs it adds its own: three of them make three jobs for each time. Run it in one, or let the handler see
 * that the work is done already. What falls into a time at which it does not run is not made up for. A payload that fails, or
 * cannot be added for a minute, is reported in the log and left out.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Recurring } from "@disco/funnel"
 * import { DateTime, Effect, Schedule, Schema } from "effect"
 *
 * const reports = JobQueue.make("reports", { payload: Schema.Struct({ day: Schema.String }) })
 *
 * const everyMorning = Recurring.run(reports, {
 *   schedule: Schedule.cron("0 6 * * *"),
 *   payload: Effect.map(DateTime.now, (now) => ({ day: DateTime.formatIsoDateUtc(now) }))
 * })
 * ```
 */
export const run = <A, I, RQ, E, R>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  options: RecurringOptions<A, E, R>
): Effect.Effect<void, never, DisquePool | R | RQ> =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const add = Effect.flatMap(options.payload, (payload) =>
      Effect.retry(queue.add(pool, payload, options.options), {
        while: (error) => error.isRetryable,
        schedule: defaultSchedule
      })
    ).pipe(
      Effect.catchAllCause((cause) =>
        Effect.annotateLogs(Effect.logError("a recurring job could not be added", cause), "queue", queue.name)
      )
    )
    yield* Effect.schedule(add, options.schedule)
  })

/** The same as a layer: jobs are added from when it is built until its scope closes. */
export const layer = <A, I, RQ, E, R>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  options: RecurringOptions<A, E, R>
): Layer.Layer<never, never, DisquePool | R | RQ> =>
  Layer.scopedDiscard(Effect.forkScoped(Effect.interruptible(run(queue, options))))
