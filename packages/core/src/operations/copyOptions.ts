/** How a job is added once more: with its options, as far as a node knows them. */
import * as Duration from "effect/Duration"
import { type AddJobOptions, maxTtlSeconds } from "../commands/jobs.js"
import type { JobInfo } from "../Job.js"
import * as JobId from "../JobId.js"

/** What is left of the delay of a job, in milliseconds, by the clock of its node in milliseconds; 0 if the job was queued before. */
export const delayLeft = ({ ctime, delay, nextRequeueWithin, state }: JobInfo, now: number): number => {
  if (state !== "active" || nextRequeueWithin === null) return 0
  return Math.max(0, Number(ctime / 1_000_000n) + Duration.toMillis(delay) - now)
}

/**
 * The options of a copy: the retry time and the number of copies of the job, and what is left of its TTL and of its delay. A cluster
 * takes no more copies than it has nodes for.
 */
export const copyOptions = (info: JobInfo, delayMillis = 0, mostCopies = Number.POSITIVE_INFINITY): AddJobOptions => {
  const delay = Math.ceil(delayMillis / 1000)
  const left = Math.max(1, Math.ceil(Duration.toSeconds(info.ttl)))
  const isAtMostOnce = !JobId.isAtLeastOnce(info.id)
  return {
    ...(delay === 0 ? {} : { delay: Duration.seconds(delay) }),
    ttl: Duration.seconds(Math.min(maxTtlSeconds, Math.max(left, delay + 1))),
    retry: isAtMostOnce ? 0 : info.retry,
    // A job that is delivered once at most has one copy.
    replicate: isAtMostOnce ? 1 : Math.max(1, Math.min(info.replicate, mostCopies))
  }
}
