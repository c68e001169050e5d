/** A job whose handler failed: it waits for its next attempt, here or in the retry queue, or is given up. */
import type { DisquePool, Job } from "@disco/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { factsOf } from "../incoming/jobCopy.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { causeText, squash, textOf } from "../internal/failure.js"
import type { Restore } from "../internal/runtime.js"
import type { Attempt } from "./attempt.js"
import type { AttemptRecords } from "./attemptRecords.js"
import { afterFailures } from "./backoff.js"
import type { DeadLettering } from "./deadLettering.js"
import type { WorkerDefinition } from "./definition.js"
import { giveUpIn, HandlerDied } from "./errors.js"
import type { JobReports } from "./jobReports.js"
import type { JobReturns } from "./jobReturns.js"
import type { Letter } from "./letter.js"
import type { ParkedJobs } from "./parkedJobs.js"
import type { RetryQueue } from "./retryQueue.js"
import type { WorkerMetrics } from "./workerMetrics.js"

type Pool = DisquePool.Service

/** The inbox of the jobs, as far as failures need it. */
interface Inbox {
  readonly timeOfDay: () => number
  readonly lose: (leased: LeasedJob) => void
}

interface Needs<A, E, B> {
  readonly pool: Pool
  readonly inbox: Inbox
  readonly records: AttemptRecords
  readonly parked: ParkedJobs
  readonly retryQueue: RetryQueue
  readonly deadLettering: DeadLettering<A, E, B>
  readonly returns: JobReturns
  readonly reports: JobReports<A, E, B>
  readonly metrics: WorkerMetrics
}

type Options<A, E, B> = Pick<WorkerDefinition<A, E, B>, "attempts" | "schedule" | "isRetryable">

/** The wait until the next attempt: undefined if there is none. */
type Next = { readonly delay: number | undefined } | "interrupted"

/** What went wrong: the error that the handler failed with or gave up with, or the way in which it died. */
const errorOf = <E>(cause: Cause.Cause<E>): E | HandlerDied => {
  const giveUp = giveUpIn(cause)
  if (giveUp !== undefined) return giveUp.error as E
  return Option.getOrElse(Cause.failureOption(cause), () => new HandlerDied({ cause: squash(cause) }))
}

export class FailureHandling<A, E, B> {
  private readonly needs: Needs<A, E, B>
  private readonly options: Options<A, E, B>

  constructor(needs: Needs<A, E, B>, options: Options<A, E, B>) {
    this.needs = needs
    this.options = options
  }

  /** Retries a job, or gives it up. If the fiber is interrupted meanwhile, the job goes back. */
  readonly handle = Effect.fnUntraced(function* (
    this: FailureHandling<A, E, B>,
    attempt: Attempt<A>,
    cause: Cause.Cause<E>,
    restore: Restore
  ) {
    const { deadLettering, metrics, parked, reports, returns } = this.needs
    const { leased, inHand, letter, payload } = attempt
    const error = errorOf(cause)
    const next = yield* this.nextAttempt(attempt, error, cause, restore)
    if (next === "interrupted") return returns.giveBack(leased)
    const { delay } = next
    yield* reports.failed({ job: inHand.job, payload, error, attempt: inHand.attempt, againMillis: delay }, restore)
    if (leased.lost !== undefined) return yield* reports.lost(leased)
    if (delay === undefined) return yield* deadLettering.giveUp(leased, letter, error, "failed", restore)
    if (parked.park(leased, letter, delay)) return metrics.count("retried")
    yield* this.addToRetryQueue(leased, letter, delay, error, restore)
  })

  /** Records the failure, and asks the budget, `retryable` and the schedule for the next attempt. */
  private readonly nextAttempt = Effect.fnUntraced(function* (
    this: FailureHandling<A, E, B>,
    { firstAt: before, leased, inHand: { attempt, job } }: Attempt<A>,
    error: E | HandlerDied,
    cause: Cause.Cause<E>,
    restore: Restore
  ) {
    const { inbox, records, reports } = this.needs
    const { id } = leased.job
    const now = inbox.timeOfDay()
    const firstAt = Math.min(before ?? now, now)
    const known = records.progressOf(id)
    const isOver = !(yield* this.mayRetry(cause, job))
    const failure = { attempts: attempt, firstAt, error: textOf(error), isOver }
    // This attempt counts, whatever happens next.
    records.failed(id, { ...failure, progress: undefined })
    if (isOver || attempt >= this.options.attempts) return { delay: undefined } satisfies Next
    const walked = yield* Effect.exit(
      restore(afterFailures(this.options.schedule, attempt, error, firstAt, now, known))
    )
    if (Exit.isSuccess(walked)) {
      const { delay } = walked.value
      records.failed(id, { ...failure, isOver: delay === undefined, progress: walked.value })
      return { delay } satisfies Next
    }
    if (Cause.isInterruptedOnly(walked.cause)) return "interrupted" as const
    yield* reports.log("schedule died", job, (more) =>
      Effect.logError(`the schedule of the retries died: the job is given up: ${causeText(walked.cause, more)}`)
    )
    return { delay: undefined } satisfies Next
  })

  /** Whether `giveUp` and `retryable` allow another attempt. */
  private mayRetry(cause: Cause.Cause<E>, job: Job.Job): Effect.Effect<boolean> {
    if (giveUpIn(cause) !== undefined) return Effect.succeed(false)
    const failure = Cause.failureOption(cause)
    if (Option.isNone(failure)) return Effect.succeed(true)
    return Effect.catchAllDefect(
      Effect.sync(() => this.options.isRetryable(failure.value) !== false),
      (defect) =>
        Effect.as(
          this.needs.reports.log("retryable died", job, (more) =>
            Effect.logError(`\`retryable\` died, and the job is tried again: ${causeText(Cause.die(defect), more)}`)
          ),
          true
        )
    )
  }

  /** Lets a job wait in the retry queue; gives it up if its TTL ends before its next attempt. */
  private readonly addToRetryQueue = Effect.fnUntraced(function* (
    this: FailureHandling<A, E, B>,
    leased: LeasedJob,
    letter: Letter | undefined,
    delay: number,
    error: unknown,
    restore: Restore
  ) {
    const { deadLettering, inbox, metrics, pool, records, reports, retryQueue, returns } = this.needs
    const facts = yield* factsOf(pool, leased.job)
    if (facts === "unknown") inbox.lose(leased)
    if (facts === "unknown" || leased.lost !== undefined) return yield* reports.lost(leased)
    if (facts !== undefined && delay >= facts.leftMillis) {
      const late = new Error(`${textOf(error)} (its TTL ends before the next attempt, in ${Math.ceil(delay / 1000)} s)`)
      return yield* deadLettering.giveUp(leased, letter, late, "failed", restore)
    }
    const added = yield* Effect.exit(restore(retryQueue.add(leased, letter, facts, Math.max(1000, delay))))
    if (Exit.isFailure(added)) return returns.giveBack(leased)
    if (!added.value) return
    records.forget(leased.job.id)
    metrics.count("retried")
  })
}
