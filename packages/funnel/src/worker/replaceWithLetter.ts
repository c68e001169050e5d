/** Putting a letter into a queue in the place of its job: one that is tried again, or is given up. */
import { type AddJobOptions, type DisquePool, JobId } from "@disco/core"
import { Time } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type { Inbox } from "../incoming/inbox.js"
import { factsOf } from "../incoming/jobCopy.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { kindOf, squash, textOf } from "../internal/failure.js"
import { defaultSchedule } from "../outgoing/outbox.js"
import { type Account, type Letter, type Reason, toJson, write } from "./letter.js"

type Pool = Context.Tag.Service<typeof DisquePool>

/** How long a letter is kept, unless told otherwise. */
export const defaultLetterTtl: Duration.DurationInput = "30 days"

// A minute of attempts is one however the clock is set meanwhile.
const inAttempts = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.clock, (clock) => Effect.withClock(effect, Time.clockOfAttempts(clock)))

/** Puts a letter into a queue in the place of its job, which is acknowledged then; gives what went wrong, where that did. */
export const replace = (
  pool: Pool,
  inbox: Inbox,
  held: LeasedJob,
  queue: string,
  letter: Letter,
  options: AddJobOptions,
  schedule: Schedule.Schedule<unknown>
): Effect.Effect<Option.Option<unknown>> =>
  Effect.retry(
    Effect.suspend(() => pool.addJob(queue, toJson(letter), options)),
    { while: (error) => error.isRetryable, schedule }
  ).pipe(
    inAttempts,
    Effect.matchCauseEffect({
      onSuccess: () =>
        Effect.sync(() => {
          inbox.acknowledgeLater(held)
          return Option.none()
        }),
      onFailure: (cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.failCause(cause as Cause.Cause<never>)
          : Effect.succeedSome(squash(cause))
    })
  )

/**
 * Puts a letter into a queue in the place of its job, and says whether that was done. Where it cannot be added, the job comes
 * again after its retry time: it is better done again than lost, and not over and over at once. Where the node falls silent
 * between the two steps, the job comes again too.
 */
export const replaceOrLetGo = (
  pool: Pool,
  inbox: Inbox,
  held: LeasedJob,
  queue: string,
  letter: Letter,
  options: AddJobOptions
): Effect.Effect<boolean> =>
  Effect.flatMap(replace(pool, inbox, held, queue, letter, options, defaultSchedule), (failure) => {
    if (Option.isNone(failure)) return Effect.succeed(true)
    inbox.letGo(held)
    const end = JobId.isAtLeastOnce(held.job.id)
      ? "comes again after its retry time"
      : "is lost, as it is delivered once only"
    const error = failure.value
    const say = inbox.notices.say(`replace ${queue} ${kindOf(error)}`, (more) =>
      Effect.annotateLogs(
        Effect.logError(`a job could not be moved to ${queue}, and ${end}: ${textOf(error)}${more}`),
        { queue: held.job.queue, job: held.job.id }
      )
    )
    return Effect.as(say, false)
  })

/**
 * Gives a job up to the dead-letter queue named, and gives the letter about it, where it could be added. A job that its node does
 * not know is not ours to give up: somebody acknowledged or deleted it, or its TTL has ended.
 */
export const bury = (
  pool: Pool,
  inbox: Inbox,
  held: LeasedJob,
  account: Omit<Account, "facts" | "now" | "job">,
  reason: Reason,
  queue: string,
  ttl: Duration.DurationInput
): Effect.Effect<Letter | undefined> =>
  Effect.flatMap(factsOf(pool, held.job), (facts) => {
    if (facts === "unknown") inbox.lose(held)
    if (facts === "unknown" || held.lost !== undefined) return Effect.succeed(undefined)
    const letter = write({ ...account, job: held.job, facts, now: inbox.timeOfDay() }, reason)
    return Effect.map(replaceOrLetGo(pool, inbox, held, queue, letter, { ttl }), (isDone) =>
      isDone ? letter : undefined
    )
  })
