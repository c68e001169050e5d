/** The metrics of a worker, made once for its queue. */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

/** What became of a job: it was done, is tried again, was given up, was taken from us, or went back as we closed. */
export const outcomes = ["done", "retried", "dead", "lost", "returned"] as const
export type Outcome = (typeof outcomes)[number]

const consumed = Metric.counter("messaging.client.consumed.messages", {
  description: "Jobs that a worker had, by queue and outcome",
  incremental: true
})
const duration = Metric.histogram(
  "messaging.process.duration",
  MetricBoundaries.fromIterable([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]),
  "How long handlers take, in seconds, by queue"
)
const inFlight = Metric.gauge("disco.worker.jobs_in_flight", { description: "Jobs in the hands of handlers, by queue" })

export class Meters {
  private readonly counters: ReadonlyMap<Outcome, Metric.Metric.Counter<number>>
  private readonly duration: Metric.Metric.Histogram<number>
  private readonly inFlight: Metric.Metric.Gauge<number>
  private running = 0

  constructor(queue: string) {
    const key = "messaging.destination.name"
    const ofQueue = Metric.tagged(consumed, key, queue)
    this.counters = new Map(outcomes.map((outcome) => [outcome, Metric.tagged(ofQueue, "outcome", outcome)]))
    this.duration = Metric.tagged(duration, key, queue)
    this.inFlight = Metric.tagged(inFlight, key, queue)
  }

  count(outcome: Outcome): void {
    this.counters.get(outcome)?.unsafeUpdate(1, [])
  }

  begin(jobs: number): void {
    this.running += jobs
    this.inFlight.unsafeUpdate(this.running, [])
  }

  end(jobs: number, millis: number): void {
    this.running -= jobs
    this.inFlight.unsafeUpdate(this.running, [])
    this.duration.unsafeUpdate(millis / 1000, [])
  }
}
