/**
 * The metrics of workers, beside those of `Metrics` in `@disco/core`, which count each job as it is added and delivered. Each
 * metric has the label `messaging.destination.name`: the queue that the worker was made for.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

/**
 * Attempts at jobs that workers have ended, by `outcome`:
 *
 * - `done`: the handler succeeded, or acknowledged the job itself
 * - `retried`: the handler failed, and the job waits for its next attempt
 * - `dead`: the job was given up, and its letter is in the queue `<name>.dead`
 * - `lost`: the lease of the job was lost
 * - `returned`: the worker gave the job back, as it closed, paused, or did not begin the job in time
 *
 * @example
 * ```ts
 * import { Metrics } from "@disco/funnel"
 * import { Effect, Metric } from "effect"
 *
 * // What the workers of a queue have done in this process. Exporters find all metrics by themselves.
 * const label = "messaging.destination.name"
 * const figures = Effect.all({
 *   done: Metric.value(Metrics.workerJobs.pipe(Metric.tagged(label, "emails"), Metric.tagged("outcome", "done"))),
 *   busy: Metric.value(Metric.tagged(Metrics.workerJobsInFlight, label, "emails")),
 *   times: Metric.value(Metric.tagged(Metrics.processDuration, label, "emails"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const workerJobs = Metric.counter("disco.worker.jobs", {
  description: "Jobs that workers had, by queue and outcome",
  incremental: true
})

/**
 * Jobs that handlers work on now, in all workers of the queue in this process.
 *
 * @see {@link workerJobs}
 * @since 0.1.0
 * @category metrics
 */
export const workerJobsInFlight = Metric.gauge("disco.worker.jobs_in_flight", {
  description: "Jobs in the hands of handlers, by queue"
})

/**
 * How long each call of a handler took, in seconds. A batch is one call.
 *
 * @see {@link workerJobs}
 * @since 0.1.0
 * @category metrics
 */
export const processDuration = Metric.histogram(
  "messaging.process.duration",
  MetricBoundaries.fromIterable([...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5], ...[1, 2.5, 5, 10, 30, 60, 300]]),
  "How long handlers take, in seconds, by queue"
)
