/** Putting a letter into a queue in the place of its job: one that is tried again, or is given up. */
import { type AddJobOptions, type DisquePool, type Job, JobId } from "@disco/core"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Held } from "../incoming/held.js"
import type { Inbox } from "../incoming/inbox.js"
import { kindOf, squash, textOf } from "../internal/failure.js"
import { defaultSchedule } from "../outgoing/outbox.js"
import { type Account, type Facts, type Letter, type Reason, toJson, write } from "./letter.js"

type Pool = Context.Tag.Service<typeof DisquePool>

/** How long a letter is kept, unless told otherwise. */
export const defaultLetterTtl: Duration.DurationInput = "30 days"

/** What the node knows of a job; nothing where it does not answer. */
export const factsOf = (pool: Pool, job: Job.Job): Effect.Effect<Facts | undefined> =>
  Effect.match(pool.show(job), {
    onFailure: () => undefined,
    onSuccess: Option.match({
      onNone: () => undefined,
      onSome: (info) => ({
        addedAt: Number(info.ctime / 1_000_000n),
        leftMillis: Duration.toMillis(info.ttl),
        retrySeconds: Duration.toSeconds(info.retry)
      })
    })
  })

/**
 * What a copy of a job is added with: what its node knows of it, so that it is delivered as the job was. A copy that is delayed
 * lives long enough to be handled after it, and to have its lease renewed meanwhile.
 */
export const copyOptions = (
  job: Job.Job,
  facts: Facts | undefined,
  delayMillis: number,
  ttlMillis: number
): AddJobOptions => {
  const delay = Math.ceil(delayMillis / 1000)
  const left = Math.ceil(Math.max(1000, facts?.leftMillis ?? ttlMillis) / 1000)
  const retry = facts?.retrySeconds
  return {
    ...(delay === 0 ? {} : { delay: Duration.seconds(delay) }),
    ttl: Duration.seconds(delay === 0 ? left : Math.max(left, 2 * (delay + (retry ?? 0)) + 1)),
    // Disque delivers a job once only where there is one copy of it.
    ...(JobId.isAtLeastOnce(job.id)
      ? retry === undefined
        ? {}
        : { retry: Duration.seconds(retry) }
      : { retry: 0, replicate: 1 })
  }
}

/**
 * Puts a letter into a queue in the place of its job, and says whether that was done. Where it cannot be added, the job comes
 * again after its retry time: it is better done again than lost, and not over and over at once. Where the node falls silent
 * between the two steps, the job comes again too.
 */
export const replace = (
  pool: Pool,
  inbox: Inbox,
  held: Held,
  queue: string,
  letter: Letter,
  options: AddJobOptions
): Effect.Effect<boolean> =>
  Effect.retry(
    Effect.suspend(() => pool.addJob(queue, toJson(letter), options)),
    { while: (error) => error.isRetryable, schedule: defaultSchedule }
  ).pipe(
    Effect.matchCauseEffect({
      onSuccess: () =>
        Effect.sync(() => {
          inbox.acknowledgeLater(held)
          return true
        }),
      onFailure: (cause) => {
        if (Cause.isInterruptedOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        inbox.letGo(held)
        const error = squash(cause)
        const end = JobId.isAtLeastOnce(held.job.id)
          ? "and comes again after its retry time"
          : "and is lost, as it is delivered once only"
        return Effect.as(
          inbox.notices.say(`replace ${queue} ${kindOf(error)}`, (more) =>
            Effect.annotateLogs(
              Effect.logError(`a job could not be moved to ${queue}, ${end}: ${textOf(error)}${more}`),
              {
                queue: held.job.queue,
                job: held.job.id
              }
            )
          ),
          false
        )
      }
    })
  )

/** Gives a job up to the dead-letter queue named, and gives the letter about it, where it could be added. */
export const bury = (
  pool: Pool,
  inbox: Inbox,
  held: Held,
  account: Omit<Account, "facts" | "now" | "job">,
  reason: Reason,
  queue: string,
  ttl: Duration.DurationInput
): Effect.Effect<Letter | undefined> =>
  Effect.flatMap(factsOf(pool, held.job), (facts) => {
    const letter = write({ ...account, job: held.job, facts, now: inbox.timeOfDay() }, reason)
    return Effect.map(replace(pool, inbox, held, queue, letter, { ttl }), (isDone) => (isDone ? letter : undefined))
  })
