/** Adding a job once more, as it is: what its node knows of it, and what a copy is added with. */
import { type AddJobOptions, type DisquePool, type Job, JobId } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

type Pool = DisquePool.Service

/** What its node knows of a job. */
export interface Facts {
  readonly addedAt: number
  /** What is left of its TTL. */
  readonly leftMillis: number
  readonly retrySeconds: number
}

/** What its node says of a job: nothing where it does not answer. */
export const factsOf = (pool: Pool, job: Job.Job): Effect.Effect<Facts | "unknown" | undefined> =>
  Effect.match(pool.show(job), {
    onFailure: () => undefined,
    onSuccess: Option.match({
      onNone: () => "unknown" as const,
      onSome: (info) =>
        info.state === "acked"
          ? "unknown"
          : {
              addedAt: Number(info.ctime / 1_000_000n),
              leftMillis: Duration.toMillis(info.ttl),
              retrySeconds: Duration.toSeconds(info.retry)
            }
    })
  })

// Of a queue with a type: longer than that of Disque, for jobs whose node does not say.
const defaultTtlMillis = 7 * 24 * 60 * 60 * 1000

/**
 * What a copy of a job is added with: what its node knows of it, so that it is delivered as the job was. A copy that is delayed
 * lives long enough to be handled after it, and to have its lease renewed meanwhile.
 */
export const copyOptions = (
  job: Job.Job,
  facts: Facts | undefined,
  delayMillis: number,
  ttlMillis = defaultTtlMillis
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
