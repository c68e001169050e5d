/** Counts what a worker does, under the labels of its queue. */
import * as MetricLabel from "effect/MetricLabel"
import * as Metrics from "../Metrics.js"

/** How an attempt at a job ended; see `Metrics.workerJobs`. */
export type Outcome = "done" | "retried" | "dead" | "lost" | "returned"

type Labels = ReadonlyArray<MetricLabel.MetricLabel>

export class WorkerMetrics {
  // Effect finds the series of a metric by the array of its labels, so each array is made once.
  private readonly labels: Labels
  private readonly outcomeLabels: Readonly<Record<Outcome, Labels>>
  /** How many attempts have ended, by how they did. */
  readonly outcomes: Record<Outcome, number> = { done: 0, retried: 0, dead: 0, lost: 0, returned: 0 }
  private calls = 0

  constructor(queue: string) {
    this.labels = [MetricLabel.make("messaging.destination.name", queue)]
    const withOutcome = (outcome: Outcome): Labels => [...this.labels, MetricLabel.make("outcome", outcome)]
    this.outcomeLabels = {
      done: withOutcome("done"),
      retried: withOutcome("retried"),
      dead: withOutcome("dead"),
      lost: withOutcome("lost"),
      returned: withOutcome("returned")
    }
  }

  /** How many handlers run. */
  get busy(): number {
    return this.calls
  }

  /** An attempt has ended. */
  count(outcome: Outcome): void {
    this.outcomes[outcome] += 1
    Metrics.workerJobs.unsafeUpdate(1, this.outcomeLabels[outcome])
  }

  /** A handler begins with jobs. */
  begin(jobs: number): void {
    this.calls += 1
    Metrics.workerJobsInFlight.unsafeModify(jobs, this.labels)
  }

  /** A handler has ended. */
  end(jobs: number, millis: number): void {
    this.calls -= 1
    Metrics.workerJobsInFlight.unsafeModify(-jobs, this.labels)
    Metrics.processDuration.unsafeUpdate(millis / 1000, this.labels)
  }
}
