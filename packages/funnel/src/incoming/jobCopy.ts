/** Adding a job once more: what its node knows of the job, and the options for the copy. */
import { type AddJobOptions, type DisquePool, type Job, JobId } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

type Pool = DisquePool.Service

/** What the node of a job knows of the job. */
export interface Facts {
  readonly addedAt: number
  /** What is left of the TTL. */
  readonly leftMillis: number
  readonly retrySeconds: number
}

/** Asks the node of a job for its facts. `"unknown"` if the node does not know the job, undefined if the node does not answer. */
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

// The TTL of a copy if the node does not say what is left: the default of typed queues, which is longer than that of Disque.
const defaultTtlMillis = 7 * 24 * 60 * 60 * 1000

/**
 * The options for a copy of a job: those of the job, as far as its node knows them. The TTL of a delayed copy is long enough for the
 * delay, and for the renewals of the lease while the job is handled after it.
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
    // Disque accepts an at-most-once job only with a single copy.
    ...(JobId.isAtLeastOnce(job.id)
      ? retry === undefined
        ? {}
        : { retry: Duration.seconds(retry) }
      : { retry: 0, replicate: 1 })
  }
}
