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

  /** An attempt has ended. */
  count(outcome: Outcome): void {
    Metrics.workerJobs.unsafeUpdate(1, this.outcomeLabels[outcome])
  }

  /** A handler begins with jobs. */
  begin(jobs: number): void {
    Metrics.workerJobsInFlight.unsafeModify(jobs, this.labels)
  }

  /** A handler has ended. */
  end(jobs: number, millis: number): void {
    Metrics.workerJobsInFlight.unsafeModify(-jobs, this.labels)
    Metrics.processDuration.unsafeUpdate(millis / 1000, this.labels)
  }
}
