/** What a worker tells others about its jobs: the log, the hooks of the user, and the count of outcomes. */
import type { Job } from "@disco/core"
import type { Line, Notices } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { causeText, kindOf, textOf } from "../internal/failure.js"
import { quietly } from "../internal/quietly.js"
import type { Restore } from "../internal/runtime.js"
import type { FailedAttempt, WorkerDefinition } from "./definition.js"
import type { Letter, Reason } from "./letter.js"
import type { WorkerMetrics } from "./workerMetrics.js"

type Hooks<A, E, B> = Pick<WorkerDefinition<A, E, B>, "onFailure" | "onDeadLetter">

export class JobReports<A, E, B> {
  private readonly notices: Notices
  private readonly metrics: WorkerMetrics
  private readonly hooks: Hooks<A, E, B>

  constructor(notices: Notices, metrics: WorkerMetrics, hooks: Hooks<A, E, B>) {
    this.notices = notices
    this.metrics = metrics
    this.hooks = hooks
  }

  /** Logs a line about a job; lines of one kind are counted and logged once a minute. */
  log(kind: string, job: Job.Job, line: Line): Effect.Effect<void> {
    return this.notices.say(kind, (more) => Effect.annotateLogs(line(more), "job", job.id))
  }

  /** A job failed. */
  failed(failure: FailedAttempt<A, E>, restore: Restore): Effect.Effect<void> {
    const { attempt, error, job } = failure
    const text = `a job failed (attempt ${attempt}): ${textOf(error)}`
    return Effect.zipRight(
      this.run(() => this.hooks.onFailure(failure), job, restore),
      Effect.zipRight(
        quietly(Effect.annotateLogs(Effect.logDebug(text), "job", job.id)),
        Effect.suspend(() => this.log(`failed ${kindOf(error)}`, job, (more) => Effect.logWarning(`${text}${more}`)))
      )
    )
  }

  /** A job was given up, and its letter was added. */
  gaveUp(job: Job.Job, letter: Letter, reason: Reason, restore: Restore): Effect.Effect<void> {
    this.metrics.count("dead")
    const { attempts } = letter
    const log = this.notices.say(`dead ${reason}`, (more) =>
      Effect.annotateLogs(
        Effect.logError(
          `a job was given up (${reason}, ${attempts} ${attempts === 1 ? "attempt" : "attempts"}): ${letter.error}${more}`
        ),
        "job",
        letter.id
      )
    )
    return Effect.zipRight(
      log,
      this.run(() => this.hooks.onDeadLetter(letter), job, restore)
    )
  }

  /** The lease of a job is lost. */
  lost({ job, lost }: LeasedJob): Effect.Effect<void> {
    this.metrics.count("lost")
    return lost === undefined
      ? Effect.void
      : this.log(`lost ${lost.reason}`, job, (more) => Effect.logWarning(`${lost.message}${more}`))
  }

  private run(hook: () => Effect.Effect<void>, job: Job.Job, restore: Restore): Effect.Effect<void> {
    return Effect.catchAllCause(restore(Effect.suspend(hook)), (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.void
        : this.log("hook died", job, (more) => Effect.logError("a hook of the worker died", causeText(cause, more)))
    )
  }
}
