/** Adds a letter to a queue in place of the job that it is about. */
import { type AddJobOptions, type DisquePool, JobId } from "@disco/core"
import { type Notices, Time } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import { factsOf } from "../incoming/jobCopy.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { kindOf, squash, textOf } from "../internal/failure.js"
import { defaultSchedule } from "../outgoing/outbox.js"
import { encodeLetter, type Letter, type LetterContents, type Reason, writeLetter } from "./letter.js"

type Pool = DisquePool.Service

/** The inbox of the jobs, as far as letters need it. */
interface Inbox {
  readonly notices: Notices
  readonly timeOfDay: () => number
  readonly acknowledgeLater: (leased: LeasedJob) => void
  readonly letGo: (leased: LeasedJob) => void
  readonly lose: (leased: LeasedJob) => void
}

/** How long the letter about a job that was given up is kept by default. */
export const defaultLetterTtl: Duration.DurationInput = "30 days"

// The schedule ends after a minute of attempts, even if somebody sets the clock meanwhile.
const withClockOfAttempts = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.clock, (clock) => Effect.withClock(effect, Time.clockOfAttempts(clock)))

export class LetterSender {
  private readonly pool: Pool
  private readonly inbox: Inbox

  constructor(pool: Pool, inbox: Inbox) {
    this.pool = pool
    this.inbox = inbox
  }

  /** Adds a letter, then acknowledges its job. Gives the error if the letter could not be added. */
  send(
    leased: LeasedJob,
    queue: string,
    letter: Letter,
    options: AddJobOptions,
    schedule: Schedule.Schedule<unknown>
  ): Effect.Effect<Option.Option<unknown>> {
    return Effect.retry(
      Effect.suspend(() => this.pool.addJob(queue, encodeLetter(letter), options)),
      { while: (error) => error.isRetryable, schedule }
    ).pipe(
      withClockOfAttempts,
      Effect.matchCauseEffect({
        onSuccess: () =>
          Effect.sync(() => {
            this.inbox.acknowledgeLater(leased)
            return Option.none()
          }),
        onFailure: (cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.failCause(cause as Cause.Cause<never>)
            : Effect.succeedSome(squash(cause))
      })
    )
  }

  /**
   * Adds a letter in place of its job, and says whether it could be added. If not, the job comes again after its retry time: it is
   * better done twice than lost, but not tried over and over at once. The job also comes again if its node falls silent between
   * the two commands.
   */
  sendOrLetGo(leased: LeasedJob, queue: string, letter: Letter, options: AddJobOptions): Effect.Effect<boolean> {
    return Effect.flatMap(this.send(leased, queue, letter, options, defaultSchedule), (failure) => {
      if (Option.isNone(failure)) return Effect.succeed(true)
      this.inbox.letGo(leased)
      const end = JobId.isAtLeastOnce(leased.job.id)
        ? "comes again after its retry time"
        : "is lost, as it is delivered once only"
      const error = failure.value
      const log = this.inbox.notices.say(`replace ${queue} ${kindOf(error)}`, (more) =>
        Effect.annotateLogs(
          Effect.logError(`a job could not be moved to ${queue}, and ${end}: ${textOf(error)}${more}`),
          { queue: leased.job.queue, job: leased.job.id }
        )
      )
      return Effect.as(log, false)
    })
  }

  /**
   * Gives a job up: adds a letter with the reason to the queue named, and gives the letter if it could be added. A job that its node
   * does not know is left alone: another client acknowledged or deleted it, or its TTL has ended.
   */
  sendDeadLetter(
    leased: LeasedJob,
    contents: Omit<LetterContents, "facts" | "now" | "job">,
    reason: Reason,
    queue: string,
    ttl: Duration.DurationInput
  ): Effect.Effect<Letter | undefined> {
    return Effect.flatMap(factsOf(this.pool, leased.job), (facts) => {
      if (facts === "unknown") this.inbox.lose(leased)
      if (facts === "unknown" || leased.lost !== undefined) return Effect.succeed(undefined)
      const letter = writeLetter({ ...contents, job: leased.job, facts, now: this.inbox.timeOfDay() }, reason)
      return Effect.map(this.sendOrLetGo(leased, queue, letter, { ttl }), (isSent) => (isSent ? letter : undefined))
    })
  }
}
