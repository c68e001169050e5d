/** Giving a job up: a letter about it goes to the dead-letter queue, and then the job is acknowledged. */
import type { DisquePool, Job } from "@disco/core"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Held } from "./held.js"
import type { Inbox } from "./inbox.js"
import { deadQueue, enclose, type Letter, type Reason, time, toJson } from "./letter.js"
import { defaultSchedule } from "./outbox.js"

type Pool = Context.Tag.Service<typeof DisquePool>

/** How long a letter is kept, unless told otherwise. */
export const defaultLetterTtl = Duration.days(30)

export interface Burial {
  readonly reason: Reason
  readonly error: { readonly message: string }
  /** What earlier letters said of the job. */
  readonly history?: Letter | undefined
  readonly attempts?: number | undefined
}

/** What the node knows of a job, for its letter. */
export const facts = (pool: Pool, job: Job.Job) =>
  Effect.map(
    Effect.orElseSucceed(pool.show(job), () => Option.none<Job.JobInfo>()),
    Option.map((info) => ({
      addedAt: Number(info.ctime / 1_000_000n),
      leftMillis: Duration.toMillis(info.ttl),
      retrySeconds: Duration.toSeconds(info.retry),
      replicate: info.replicate
    }))
  )

/**
 * Gives what buries jobs. A job whose letter cannot be added goes back: it is better done again than lost. Where the node does
 * not answer between the two steps, the job may come again and leave another letter.
 */
export const makeBury =
  (pool: Pool, ttl: Duration.Duration = defaultLetterTtl) =>
  (inbox: Inbox, held: Held, burial: Burial): Effect.Effect<Option.Option<Letter>> =>
    Effect.gen(function* () {
      const { job } = held
      const { history } = burial
      const known = Option.getOrUndefined(yield* facts(pool, job))
      const now = inbox.now()
      const leftSeconds = known === undefined ? undefined : Math.ceil(known.leftMillis / 1000)
      const letter: Letter = {
        queue: history?.queue ?? job.queue,
        id: history?.id ?? job.id,
        reason: burial.reason,
        error: burial.error.message,
        attempts: burial.attempts ?? 1,
        nacks: job.nacks + (history?.nacks ?? 0),
        additionalDeliveries: job.additionalDeliveries + (history?.additionalDeliveries ?? 0),
        firstAt: history?.firstAt ?? time(known?.addedAt ?? now),
        lastAt: time(now),
        ...(known === undefined
          ? {}
          : { retry: known.retrySeconds, ttl: Math.max(leftSeconds ?? 0, Math.round((now - known.addedAt) / 1000)) }),
        ...(history === undefined ? enclose(job.body) : { body: history.body, bodyBase64: history.bodyBase64 })
      }
      yield* Effect.retry(pool.addJob(deadQueue(letter.queue), toJson(letter), { ttl }), {
        while: (error) => error.isRetryable,
        schedule: defaultSchedule
      })
      yield* inbox.acknowledge(held)
      return Option.some(letter)
    }).pipe(
      Effect.catchAll((error) =>
        Effect.zipRight(
          inbox.notices.say(`bury ${error._tag}`, (more) =>
            Effect.annotateLogs(
              Effect.logError(`a job could not be given up, and comes again: ${error.message}${more}`),
              {
                queue: held.job.queue,
                job: held.job.id
              }
            )
          ),
          Effect.sync(() => {
            inbox.putBackLater(held)
            return Option.none()
          })
        )
      )
    )
