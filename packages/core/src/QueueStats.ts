/**
 * What nodes know of a queue: one node, or all nodes together.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { NodeQueueStats, PauseState } from "./commands/queues.js"
import { withJson } from "./internal/json.js"

/**
 * What the nodes that were asked know of a queue.
 *
 * @since 0.1.0
 * @category models
 */
export interface QueueStats {
  readonly name: string
  /** The number of waiting jobs, on all of these nodes. */
  readonly length: number
  /** The longest time that one of the nodes has known the queue, in whole seconds. */
  readonly age: Duration.Duration
  /** The time since a job last came in or went out on any of the nodes, in whole seconds. */
  readonly idle: Duration.Duration
  /** The number of clients that wait for a job, on all of the nodes. */
  readonly blocked: number
  /** How many jobs a second the nodes get from other nodes. */
  readonly importRate: number
  /** The number of jobs that were queued on all of the nodes: a job that went from node to node counts on each. */
  readonly jobsIn: bigint
  /** The number of jobs that left the queue on all of the nodes, to clients and to other nodes. */
  readonly jobsOut: bigint
  /** What is paused on at least one of the nodes. */
  readonly pause: PauseState
  /** What each node knows by itself; nodes that do not know the queue are left out. */
  readonly nodes: ReadonlyArray<NodeQueueStats>
}

/** What is taken together of what nodes know. */
type Known = Omit<NodeQueueStats, "fields" | "node">

const paused = (all: ReadonlyArray<Known>): PauseState => {
  const isIn = all.some(({ pause }) => pause === "in" || pause === "all")
  const isOut = all.some(({ pause }) => pause === "out" || pause === "all")
  if (isIn) return isOut ? "all" : "in"
  return isOut ? "out" : "none"
}

/**
 * Adds up what nodes know. There has to be one node at least.
 *
 * @internal
 */
export const totals = (all: readonly [Known, ...Array<Known>]): Omit<QueueStats, "nodes"> => ({
  name: all[0].name,
  length: all.reduce((sum, { length }) => sum + length, 0),
  age: all.reduce((most, { age }) => Duration.max(most, age), all[0].age),
  idle: all.reduce((least, { idle }) => Duration.min(least, idle), all[0].idle),
  blocked: all.reduce((sum, { blocked }) => sum + blocked, 0),
  importRate: all.reduce((sum, { importRate }) => sum + importRate, 0),
  jobsIn: all.reduce((sum, { jobsIn }) => sum + jobsIn, 0n),
  jobsOut: all.reduce((sum, { jobsOut }) => sum + jobsOut, 0n),
  pause: paused(all)
})

/**
 * Takes together what nodes know. There has to be one node at least.
 *
 * @internal
 */
export const merge = (all: readonly [NodeQueueStats, ...Array<NodeQueueStats>]): QueueStats =>
  withJson<QueueStats>({ ...totals(all), nodes: all })
