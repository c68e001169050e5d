/** Fetching jobs in a loop: what a funnel and a worker stand on. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { GetJobsError, GetJobsOptions } from "../DisqueCommands.js"
import { InvalidArgument } from "../DisqueError.js"
import type { Job } from "../Job.js"

/** For whom `consume` fetches. */
export interface ConsumeOptions {
  /**
   * Waits until there is room for a job, and reserves it: for one job at least, for `most` at most. The loops of all nodes
   * call it, so that one of them takes only what the others leave.
   */
  readonly demand: (most: number) => Effect.Effect<number>
  /**
   * Takes the jobs that a reservation of `reserved` brought. It is called once for each reservation, with fewer jobs than were
   * reserved, or none, if no more arrived; it cannot be interrupted.
   */
  readonly receive: (jobs: ReadonlyArray<Job>, reserved: number) => Effect.Effect<void>
  /**
   * Whether jobs of queues named first go before those of the others; false by default. That takes a few more commands, however
   * many queues there are. Otherwise each queue has an equal share of the jobs, or as large a one as it is named times:
   * `["fast", "fast", "fast", "slow"]` gives 3 of 4 to `fast` while both have jobs. Shares hold over time and over all nodes,
   * also if there is room for one job only; what one queue leaves goes to the others, and when it has jobs again it begins anew,
   * with no claim to what it missed.
   */
  readonly ranked?: boolean | undefined
  /** The most jobs that one GETJOB takes; 64. */
  readonly count?: number | undefined
  /** How many GETJOBs wait on each node; 1. */
  readonly perNode?: number | undefined
  /** The longest that one GETJOB waits on its node; the `slice` of the pool by default. An idle loop sends one in each. */
  readonly slice?: Duration.DurationInput | undefined
  /**
   * What becomes of a job that arrives when it is not fetched for any more: after the interruption, or when its node has left the
   * cluster. It goes back by ENQUEUE by default, or by NACK. A function takes such jobs over and gives them back itself; it is
   * called at once, and never after the interruption has ended.
   */
  readonly unwanted?: GetJobsOptions["unwanted"] | ((jobs: ReadonlyArray<Job>) => void)
}

/** GETJOB in a loop, on every node of the cluster. */
export type Consume = (
  queues: string | ReadonlyArray<string>,
  options: ConsumeOptions
) => Effect.Effect<never, GetJobsError>

/**
 * The key under which a pool keeps its `Consume`. It is a property, so that a copy of a pool (`{ ...pool, ackJob: … }`) has it
 * too, and a symbol that every copy of this module shares.
 */
export const Consume: unique symbol = Symbol.for("@disco/core/Consume")

/** A pool that jobs can be fetched from in a loop. */
export interface Consuming {
  readonly [Consume]: Consume
}

/**
 * GETJOB in a loop, on every node of the cluster at once, so that a job comes at once wherever it was added; with the option
 * `cycle` of the pool, on one node.
 *
 * It goes on while nodes come and go, and fails if no node lets it. Interrupting it waits until the replies still due are read, a
 * slice and a bit at most, and gives back the jobs in them, or hands them to `unwanted`.
 */
export const consume = (
  pool: object,
  queues: string | ReadonlyArray<string>,
  options: ConsumeOptions
): Effect.Effect<never, GetJobsError> => {
  const { [Consume]: run } = pool as Partial<Consuming>
  return run === undefined ? Effect.fail(notAPool) : run(queues, options)
}

const notAPool = new InvalidArgument({
  subject: "consume",
  argument: "pool",
  value: "an object made by hand",
  expected: "a DisquePool made by DisquePool.make or DisquePool.layer, or a copy of one: { ...pool }"
})
