/** The metrics of a worker, made once for its queue. */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"

/** What became of a job: it was done, is tried again, was given up, was taken from us, or went back as we closed. */
export const outcomes = ["done", "retried", "dead", "lost", "returned"] as const
export type Outcome = (typeof outcomes)[number]

const label = "messaging.destination.name"
const boundaries = MetricBoundaries.fromIterable([
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30, 60, 300]
])

// A metric whose key has its tags is looked up once; one that is tagged later, each time.
export class Meters {
  private readonly counters: ReadonlyMap<Outcome, Metric.Metric.Counter<number>>
  private readonly duration: Metric.Metric.Histogram<number>
  private readonly inFlight: Metric.Metric.Gauge<number>

  constructor(queue: string) {
    // Not `messaging.client.consumed.messages`: the client has counted each of them there, as it received it.
    const had = MetricKey.tagged(
      MetricKey.counter("disco.worker.jobs", {
        description: "Jobs that workers had, by queue and outcome",
        incremental: true
      }),
      label,
      queue
    )
    this.counters = new Map(
      outcomes.map((outcome) => [outcome, Metric.fromMetricKey(MetricKey.tagged(had, "outcome", outcome))])
    )
    const duration = MetricKey.histogram(
      "messaging.process.duration",
      boundaries,
      "How long handlers take, in seconds, by queue"
    )
    this.duration = Metric.fromMetricKey(MetricKey.tagged(duration, label, queue))
    const inFlight = MetricKey.gauge("disco.worker.jobs_in_flight", {
      description: "Jobs in the hands of handlers, by queue"
    })
    this.inFlight = Metric.fromMetricKey(MetricKey.tagged(inFlight, label, queue))
  }

  count(outcome: Outcome): void {
    this.counters.get(outcome)?.unsafeUpdate(1, [])
  }

  // The gauge is that of all workers of the queue.
  begin(jobs: number): void {
    this.inFlight.unsafeModify(jobs, [])
  }

  end(jobs: number, millis: number): void {
    this.inFlight.unsafeModify(-jobs, [])
    this.duration.unsafeUpdate(millis / 1000, [])
  }
}
