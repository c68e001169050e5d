/**
 * What Disco counts and measures, by the names of OpenTelemetry's conventions for messaging where they have one. The metrics
 * are those of Effect: a metrics exporter finds them by itself, and `Metric.value` reads them.
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

/**
 * The time from sending a command to its reply, in seconds. `messaging.operation.name` is the command in small letters
 * (`addjob`), `error.type` the tag of the error where it failed.
 */
export const operationDuration = Metric.histogram(
  "messaging.client.operation.duration",
  MetricBoundaries.fromIterable([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]),
  "The time from sending a command to its reply, in seconds"
)

/** Jobs added, by `messaging.destination.name`, the queue: letters too, by the queue that they are in. */
export const sentMessages = Metric.counter("messaging.client.sent.messages", {
  description: "Jobs added",
  incremental: true
})

/**
 * Jobs received, by `messaging.destination.name`, the queue: once for each delivery, whoever it was for. What becomes of them in
 * a worker is in `disco.worker.jobs`.
 */
export const consumedMessages = Metric.counter("messaging.client.consumed.messages", {
  description: "Jobs received",
  incremental: true
})

/** Jobs that arrived after nobody wanted them any more, and went back. */
export const returnedJobs = Metric.counter("disco.jobs.returned", {
  description: "Jobs that arrived for nobody and were given back",
  incremental: true
})

/** Links to nodes that were opened. */
export const openedLinks = Metric.counter("disco.links.opened", {
  description: "Links to nodes that were opened",
  incremental: true
})

/** Links to nodes that ended, by `reason`: surplus, expired, silent, lost. */
export const closedLinks = Metric.counter("disco.links.closed", {
  description: "Links to nodes that ended before their connection or pool did",
  incremental: true
})
