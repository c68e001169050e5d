/**
 * What is known of a queue: of one node, or of all nodes together.
 */
import * as Duration from "effect/Duration"
import type { NodeQueueStats, PauseState } from "./commands/queues.js"
import { withJson } from "./internal/json.js"

/** What the nodes that were asked know of a queue. */
export interface QueueStats {
  readonly name: string
  /** The jobs that wait, on all of them. */
  readonly length: number
  /** The time since the first of them knew the queue, in whole seconds. */
  readonly age: Duration.Duration
  /** The time since a job last came in or went out on one of them, in whole seconds. */
  readonly idle: Duration.Duration
  /** The clients that wait for a job, on all of them. */
  readonly blocked: number
  /** Jobs a second that they get from other nodes. */
  readonly importRate: number
  /** The jobs that were queued on all of them: one that went from node to node counts on each. */
  readonly jobsIn: bigint
  /** The jobs that left the queue on all of them, to clients and to other nodes. */
  readonly jobsOut: bigint
  /** What is paused on some of them. */
  readonly pause: PauseState
  /** Each by itself; those that do not know the queue are not among them. */
  readonly nodes: ReadonlyArray<NodeQueueStats>
}

const paused = (all: ReadonlyArray<NodeQueueStats>): PauseState => {
  const isIn = all.some(({ pause }) => pause === "in" || pause === "all")
  const isOut = all.some(({ pause }) => pause === "out" || pause === "all")
  if (isIn) return isOut ? "all" : "in"
  return isOut ? "out" : "none"
}

/** What nodes know, taken together; at least one. */
export const merge = (all: readonly [NodeQueueStats, ...Array<NodeQueueStats>]): QueueStats =>
  withJson<QueueStats>({
    name: all[0].name,
    length: all.reduce((sum, { length }) => sum + length, 0),
    age: all.reduce((most, { age }) => Duration.max(most, age), all[0].age),
    idle: all.reduce((least, { idle }) => Duration.min(least, idle), all[0].idle),
    blocked: all.reduce((sum, { blocked }) => sum + blocked, 0),
    importRate: all.reduce((sum, { importRate }) => sum + importRate, 0),
    jobsIn: all.reduce((sum, { jobsIn }) => sum + jobsIn, 0n),
    jobsOut: all.reduce((sum, { jobsOut }) => sum + jobsOut, 0n),
    pause: paused(all),
    nodes: all
  })
