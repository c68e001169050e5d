/** How many jobs there are in each state. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DisqueCommands } from "../DisqueCommands.js"
import type { InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import * as OptionReader from "../internal/optionReader.js"
import type { JobState } from "../Job.js"
import type { NodeFailure } from "./errors.js"
import { allStates, stateOf } from "./jobStates.js"
import { askEach, countdown, knownNodes, readWithin, sort } from "./nodes.js"

/**
 * How many jobs there are in each state.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobCounts {
  /** By their state in the cluster, as `ClusterJob` has it, on the nodes that answered. */
  readonly states: Readonly<Record<JobState, number>>
  /** Whether all jobs were counted: no node had more than the budget allows, and none failed. */
  readonly isComplete: boolean
  /** The nodes whose jobs were not counted, or not all of them. */
  readonly failures: ReadonlyArray<NodeFailure>
}

/**
 * How jobs are counted.
 *
 * @since 0.1.0
 * @category options
 */
export interface JobCountsOptions {
  /** The most jobs that are counted on each node. Their ids are in memory meanwhile. Default: 100,000. */
  readonly budget?: number | undefined
  /** How long the count takes at most. Default: 30 seconds. */
  readonly within?: Duration.DurationInput | undefined
}

const pageSize = 1000

class Count {
  isWhole = true
  private readonly states = new Map<string, JobState>()
  private readonly queue: string | undefined
  private readonly budget: number

  constructor(queue: string | undefined, budget: number) {
    this.queue = queue
    this.budget = budget
  }

  /** JSCAN, for one state after the other: the node tells the ids alone, without the bodies. */
  node(commands: DisqueCommands) {
    let left = this.budget
    return Effect.forEach(
      allStates,
      (state) =>
        commands.jobIds({ queue: this.queue, states: [state], pageSize }).pipe(
          Stream.runForEachWhile((id) =>
            Effect.sync(() => {
              if (left === 0) {
                this.isWhole = false
                return false
              }
              left -= 1
              const known = this.states.get(id)
              this.states.set(id, known === undefined ? state : stateOf([known, state]))
              return true
            })
          )
        ),
      { discard: true }
    )
  }

  get byState(): Record<JobState, number> {
    const counts: Record<JobState, number> = { "wait-repl": 0, queued: 0, active: 0, acked: 0 }
    for (const state of this.states.values()) counts[state] += 1
    return counts
  }
}

export const jobCounts = (
  queue?: string,
  options?: JobCountsOptions
): Effect.Effect<JobCounts, InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const subject = "Cluster.jobCounts"
    const { budget, within } = yield* OptionReader.all(subject, options)
    const name = queue === undefined ? undefined : yield* OptionReader.queue(subject, queue)
    const most = yield* OptionReader.count(subject, "budget", budget ?? 100_000, 1)
    const left = yield* countdown(yield* readWithin(subject, within, "30 seconds"))
    const pool = yield* DisquePool
    const count = new Count(name, most)
    const asked = yield* askEach(pool, yield* knownNodes(pool, left), left, (commands) => count.node(commands))
    const { failures } = sort(asked)
    return { states: count.byState, isComplete: count.isWhole && failures.length === 0, failures }
  })
