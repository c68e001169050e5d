/** The options of a funnel, and how they are checked. */
import type { AddJobOptions } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type * as Schedule from "effect/Schedule"
import type { Queues } from "../internal/options.js"
import * as common from "../internal/options.js"
import { defaultSchedule } from "../outgoing/outbox.js"

/**
 * The options of all funnels.
 *
 * @since 0.1.0
 * @category options
 */
export interface CommonOptions {
  /**
   * `auto` (the default): the funnel acknowledges a job when its consumer is done with it. `manual`: only `ack` and `nack` settle a
   * job, and the close of the funnel puts back the jobs that are left.
   */
  readonly acknowledge?: "auto" | "manual" | undefined
  /** How jobs are acknowledged; by ACKJOB. FASTACK costs less, but more jobs are delivered twice when nodes fail. */
  readonly ackWith?: "ackjob" | "fastack" | undefined
  /**
   * How jobs go back that were not done; by NACK. ENQUEUE counts them in `additionalDeliveries` and not in `nacks`, which a `Worker`
   * takes for failures: choose it for a program that only looks at jobs.
   */
  readonly putBackWith?: "nack" | "enqueue" | undefined
  /**
   * How many jobs the operators after `incoming` may have pulled and not finished when they pull another job. Default: 0, and 16 once
   * several jobs are seen to be in work at once, each for a second at most. `incoming` says which operators need this option.
   */
  readonly ahead?: number | undefined
  /**
   * How many jobs are fetched ahead of those that consumers have, and kept under their leases; 16, and up to 256 if consumers are
   * faster than one GETJOB after another. With 0, a job is fetched only when a consumer waits for it.
   */
  readonly prefetch?: number | undefined
  /**
   * How long a job that was fetched ahead waits for a consumer; 10 seconds. After that it goes back for others to take, and no jobs are
   * fetched ahead until consumers are faster than that.
   */
  readonly prefetchTimeToLive?: Duration.DurationInput | undefined
  /** The most jobs fetched by one GETJOB; `prefetch`, up to 128. */
  readonly fetchCount?: number | undefined
  /**
   * The longest that one GETJOB waits on its node; the `slice` of the pool. The close waits for the GETJOB that is under way, for half
   * of `closeWithin` at most.
   */
  readonly fetchTimeout?: Duration.DurationInput | undefined
  /** How many GETJOBs wait on each node; 1. */
  readonly fetchers?: number | undefined
  /** How many offered jobs wait to be added; 256. */
  readonly outgoingCapacity?: number | undefined
  /** How many jobs are under way to the nodes at a time; 256. */
  readonly batch?: number | undefined
  /** How long a node may take to make the copies of a job that is added; 5 seconds. */
  readonly addTimeout?: Duration.DurationInput | undefined
  /** When a failed attempt to add a job is repeated, if that can help; for a minute, at growing intervals. */
  readonly addSchedule?: Schedule.Schedule<unknown, unknown> | undefined
  /** The options with which outgoing jobs are added. The options of a job go before these. */
  readonly defaults?: AddJobOptions | undefined
  /**
   * The longest that the close may take; 10 seconds. The log says what is not done by then. If a run of `incoming` ends together with the
   * funnel, the time counts from the end of that run, and the run takes half of the time at most.
   */
  readonly closeWithin?: Duration.DurationInput | undefined
}

/**
 * The options of a funnel.
 *
 * @since 0.1.0
 * @category options
 */
export interface FunnelOptions extends CommonOptions {
  /** The queues to take jobs from: those named first before the others, or by weights as in `{ urgent: 3, normal: 1 }`. */
  readonly queues: Queues
}

const subject = "Funnel"

const defaultPrefetch = 16
const mostPrefetchByDefault = 256

/** Checks the options of a funnel. For a typed queue, `queue` has its name. */
export const check = (options: CommonOptions & { readonly queues?: Queues }, queue?: string) =>
  Either.gen(function* () {
    const given = yield* OptionReader.all(subject, options)
    const plan = yield* common.queues(subject, queue ?? (given.queues as Queues))
    const prefetch = yield* OptionReader.count(subject, "prefetch", given.prefetch ?? defaultPrefetch, 0)
    const mostPrefetch = given.prefetch ?? mostPrefetchByDefault
    return {
      plan,
      prefetch,
      mostPrefetch,
      prefetchMillis: yield* common.prefetchMillis(subject, given.prefetchTimeToLive),
      fetchCount: yield* OptionReader.count(
        subject,
        "fetchCount",
        given.fetchCount ?? Math.max(1, Math.min(128, mostPrefetch)),
        1
      ),
      ahead: given.ahead === undefined ? undefined : yield* OptionReader.count(subject, "ahead", given.ahead, 0),
      acknowledge: yield* OptionReader.word(subject, "acknowledge", given.acknowledge ?? "auto", ["auto", "manual"]),
      ackWith: yield* OptionReader.word(subject, "ackWith", given.ackWith ?? "ackjob", ["ackjob", "fastack"]),
      putBackWith: yield* OptionReader.word(subject, "putBackWith", given.putBackWith ?? "nack", ["nack", "enqueue"]),
      fetchTimeout:
        given.fetchTimeout === undefined
          ? undefined
          : yield* OptionReader.duration(subject, "fetchTimeout", given.fetchTimeout, 1),
      fetchers: yield* OptionReader.count(subject, "fetchers", given.fetchers ?? 1, 1),
      capacity: yield* OptionReader.count(subject, "outgoingCapacity", given.outgoingCapacity ?? 256, 1),
      batch: yield* OptionReader.count(subject, "batch", given.batch ?? 256, 1),
      closeMillis: yield* OptionReader.duration(subject, "closeWithin", given.closeWithin ?? "10 seconds", 0),
      schedule: yield* OptionReader.schedule(subject, "addSchedule", given.addSchedule ?? defaultSchedule),
      addOptions: {
        ...(given.addTimeout === undefined
          ? {}
          : { timeout: yield* OptionReader.duration(subject, "addTimeout", given.addTimeout, 1) }),
        ...(yield* OptionReader.ofJobs(subject, "defaults", given.defaults))
      }
    }
  })

export const checkGroup = (size: number, within: Duration.DurationInput) =>
  Either.all({
    size: OptionReader.count("incomingGrouped", "size", size, 1),
    withinMillis: OptionReader.duration("incomingGrouped", "within", within, 0)
  })

export type Checked = Either.Either.Right<ReturnType<typeof check>>

export const checkConcurrency = (options: { readonly concurrency?: number | undefined } | undefined) =>
  Either.flatMap(OptionReader.all("forEach", options), ({ concurrency }) =>
    OptionReader.count("forEach", "concurrency", concurrency ?? 1, 1)
  )
