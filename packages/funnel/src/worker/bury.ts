/** Giving a job up: a letter about it goes to the dead-letter queue, and then the job is acknowledged. */
import type { DisquePool, Job } from "@disco/core"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Held } from "../incoming/held.js"
import type { Inbox } from "../incoming/inbox.js"
import { defaultSchedule } from "../outgoing/outbox.js"
import { type Account, deadQueue, type Facts, type Letter, type Reason, toJson, write } from "./letter.js"

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
  options: Parameters<Pool["addJob"]>[2]
): Effect.Effect<boolean> =>
  Effect.retry(pool.addJob(queue, toJson(letter), options), {
    while: (error) => error.isRetryable,
    schedule: defaultSchedule
  }).pipe(
    Effect.matchEffect({
      onSuccess: () =>
        Effect.sync(() => {
          inbox.acknowledgeLater(held)
          return true
        }),
      onFailure: (error) => {
        inbox.letGo(held)
        return Effect.as(
          inbox.notices.say(`replace ${queue} ${error._tag}`, (more) =>
            Effect.annotateLogs(
              Effect.logError(
                `a job could not be moved to ${queue}, and comes again after its retry time: ${error.message}${more}`
              ),
              { queue: held.job.queue, job: held.job.id }
            )
          ),
          false
        )
      }
    })
  )

/** Gives a job up, and gives the letter about it, where it could be added. */
export const bury = (
  pool: Pool,
  inbox: Inbox,
  held: Held,
  account: Omit<Account, "facts" | "now" | "job">,
  reason: Reason,
  ttl: Duration.DurationInput
): Effect.Effect<Letter | undefined> =>
  Effect.flatMap(factsOf(pool, held.job), (facts) => {
    const letter = write({ ...account, job: held.job, facts, now: inbox.now() }, reason)
    return Effect.map(replace(pool, inbox, held, deadQueue(letter.queue), letter, { ttl }), (isDone) =>
      isDone ? letter : undefined
    )
  })
