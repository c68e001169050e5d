/** How many jobs a second come into a queue and go out of it, from what QSTAT counts. */
import * as Duration from "effect/Duration"
import type { NodeQueueStats } from "../commands/queues.js"

/**
 * Jobs a second, between the last two times that the queue was looked at.
 *
 * @since 0.1.0
 * @category models
 */
export interface QueueRates {
  /** Jobs that were added or queued again. Jobs from other nodes are not among them. */
  readonly in: number
  /** Jobs that went to consumers. Jobs that went to other nodes are not among them. */
  readonly out: number
  /** Jobs that came from other nodes: an estimate, from the import rate that nodes tell. */
  readonly imported: number
  /** The time that the rates are of. */
  readonly over: Duration.Duration
}

/** What a node counted, and when; the time is in milliseconds of a clock that goes forward. */
export interface Count {
  readonly stats: Pick<NodeQueueStats, "age" | "jobsIn" | "jobsOut">
  readonly at: number
}

/** How many jobs came in and went out on a node. */
export interface Flow {
  readonly in: number
  readonly out: number
  readonly seconds: number
}

/** What a node counts of a queue that it does not know. */
export const nothing: Count["stats"] = { age: Duration.zero, jobsIn: 0n, jobsOut: 0n }

/**
 * What came and went between two counts; undefined if no time has passed. A node counts from 0 again after a restart, and when it has
 * forgotten a queue that was empty: then everything that it counts has come since.
 */
export const flow = (before: Count, after: Count): Flow | undefined => {
  const seconds = (after.at - before.at) / 1000
  if (seconds <= 0) return undefined
  const isAnew =
    after.stats.jobsIn < before.stats.jobsIn ||
    after.stats.jobsOut < before.stats.jobsOut ||
    Duration.lessThan(after.stats.age, before.stats.age)
  const since = isAnew ? nothing : before.stats
  return {
    in: Number(after.stats.jobsIn - since.jobsIn),
    out: Number(after.stats.jobsOut - since.jobsOut),
    seconds
  }
}

/** The flow of a queue on one node, and where its jobs came from. */
export interface NodeFlow {
  /** The id of the node; undefined if it is not known. */
  readonly id: string | undefined
  readonly flow: Flow
  readonly importRate: number
  readonly importFrom: ReadonlyArray<string>
}

/**
 * How many of the jobs that came into a queue on a node came from other nodes: as many as the import rate says, and no more than came in,
 * or than went out where they came from.
 */
const imported = ({ flow, importFrom, importRate }: NodeFlow, all: ReadonlyArray<NodeFlow>): number => {
  if (importRate === 0) return 0
  const sources = importFrom.map((id) => all.find((other) => other.id === id))
  const most = sources.reduce((sum, source) => sum + (source?.flow.out ?? Number.POSITIVE_INFINITY), 0)
  return Math.min(flow.in, importRate * flow.seconds, sources.length === 0 ? flow.in : most)
}

/** The rates of a queue on each node, as jobs a second; `in` and `out` are of all jobs there. */
export const nodeRates = (all: ReadonlyArray<NodeFlow>): ReadonlyArray<QueueRates> =>
  all.map((node) => {
    const { flow } = node
    return {
      in: flow.in / flow.seconds,
      out: flow.out / flow.seconds,
      imported: imported(node, all) / flow.seconds,
      over: Duration.seconds(flow.seconds)
    }
  })

/** The rates of a queue on all nodes together. A job that went from node to node counts once. */
export const clusterRates = (nodes: ReadonlyArray<QueueRates>): QueueRates | undefined => {
  if (nodes.length === 0) return undefined
  const sum = (of: (rates: QueueRates) => number) => nodes.reduce((total, rates) => total + of(rates), 0)
  const between = sum((rates) => rates.imported)
  return {
    in: Math.max(0, sum((rates) => rates.in) - between),
    out: Math.max(0, sum((rates) => rates.out) - between),
    imported: between,
    over: nodes.reduce((longest, { over }) => Duration.max(longest, over), Duration.zero)
  }
}
