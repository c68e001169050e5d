/**
 * What Disco counts and measures. The names are those of OpenTelemetry's conventions for messaging, if there is one. The metrics
 * are Effect metrics: an exporter of metrics finds them by itself, and `Metric.value` reads them.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

/**
 * The time from sending a command to its reply, in seconds. The attribute `messaging.operation.name` is the command in lower case
 * (`addjob`). If the command failed, `error.type` is the tag of the error.
 *
 * @example
 * ```ts
 * import { Metrics } from "@disco/core"
 * import { Metric } from "effect"
 *
 * const addjob = Metric.value(Metric.tagged(Metrics.operationDuration, "messaging.operation.name", "addjob"))
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const operationDuration = Metric.histogram(
  "messaging.client.operation.duration",
  MetricBoundaries.fromIterable([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]),
  "The time from sending a command to its reply, in seconds"
)

/**
 * Jobs added, by queue (`messaging.destination.name`). The letters of a worker count too, by the queue that they are added to.
 *
 * @example
 * ```ts
 * import { Metrics } from "@disco/core"
 * import { Effect, Metric } from "effect"
 *
 * // The jobs that this process has added to one queue, and taken from it. Exporters find all metrics by themselves.
 * const counts = Effect.all({
 *   sent: Metric.value(Metric.tagged(Metrics.sentMessages, "messaging.destination.name", "emails")),
 *   received: Metric.value(Metric.tagged(Metrics.consumedMessages, "messaging.destination.name", "emails"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const sentMessages = Metric.counter("messaging.client.sent.messages", {
  description: "Jobs added",
  incremental: true
})

/**
 * Jobs received, by queue (`messaging.destination.name`): one for each delivery, also to funnels and workers. What becomes of the
 * jobs of a worker is counted by `disco.worker.jobs`.
 *
 * @see {@link sentMessages}
 * @since 0.1.0
 * @category metrics
 */
export const consumedMessages = Metric.counter("messaging.client.consumed.messages", {
  description: "Jobs received",
  incremental: true
})

/**
 * Jobs that arrived when nobody waited for them any more, and were given back.
 *
 * @example
 * ```ts
 * import { Metrics } from "@disco/core"
 * import { Effect, Metric } from "effect"
 *
 * // Those without labels. Of `closedLinks` there is one for each `reason`.
 * const figures = Effect.all({
 *   returned: Metric.value(Metrics.returnedJobs),
 *   opened: Metric.value(Metrics.openedLinks),
 *   lost: Metric.value(Metric.tagged(Metrics.closedLinks, "reason", "lost"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const returnedJobs = Metric.counter("disco.jobs.returned", {
  description: "Jobs that arrived for nobody and were given back",
  incremental: true
})

/**
 * Links to nodes that were opened.
 *
 * @see {@link returnedJobs}
 * @since 0.1.0
 * @category metrics
 */
export const openedLinks = Metric.counter("disco.links.opened", {
  description: "Links to nodes that were opened",
  incremental: true
})

/**
 * Links to nodes that ended, by `reason`: surplus, expired, silent, lost.
 *
 * @see {@link returnedJobs}
 * @since 0.1.0
 * @category metrics
 */
export const closedLinks = Metric.counter("disco.links.closed", {
  description: "Links to nodes that ended before their connection or pool did",
  incremental: true
})
