/** Fetching jobs in a loop: what a funnel and a worker stand on. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { GetJobsError, GetJobsOptions } from "../DisqueCommands.js"
import { InvalidArgument } from "../DisqueError.js"
import type { Job } from "../Job.js"

/** What `consume` fetches, and what becomes of the jobs. */
export interface ConsumeOptions {
  /**
   * Waits until there is room for jobs, and reserves it for 1 to `most` jobs. The loops of all nodes share the room: each takes only
   * what the others leave.
   */
  readonly demand: (most: number) => Effect.Effect<number>
  /**
   * Takes the jobs that a reservation of `reserved` brought. This is called once for each reservation, with an empty array if no job
   * arrived, and cannot be interrupted.
   */
  readonly receive: (jobs: ReadonlyArray<Job>, reserved: number) => Effect.Effect<void>
  /**
   * Whether jobs of queues named first go before those of the others; false by default. Ranks take a few more commands, however many
   * queues there are. Without ranks, each queue has a share of the jobs in proportion to how often it is named:
   * `["fast", "fast", "fast", "slow"]` gives 3 of 4 jobs to `fast` while both queues have jobs. Shares hold over time and over all
   * nodes, even if there is room for one job only. If a queue is empty, the others get its share. A queue that has jobs again begins
   * anew, and does not catch up on what it missed.
   */
  readonly ranked?: boolean | undefined
  /** The most jobs that one GETJOB takes; 64. */
  readonly count?: number | undefined
  /** How many GETJOBs wait on each node; 1. */
  readonly perNode?: number | undefined
  /** The longest that one GETJOB waits on its node; the `slice` of the pool by default. An idle loop sends one in each. */
  readonly slice?: Duration.DurationInput | undefined
  /**
   * What becomes of an unwanted job: one that arrives after the interruption, or when its node has left the cluster. The job goes back
   * by ENQUEUE (the default) or by NACK. A function takes such jobs over and gives them back itself; it is called at once, and never
   * after the interruption has ended.
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
 * The loop goes on while nodes come and go, and fails if no node allows it. Its interruption waits until the replies that are due have
 * been read, a little longer than a slice at most, and gives back the jobs in them, or hands them to `unwanted`.
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
