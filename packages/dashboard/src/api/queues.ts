/** Queues: all of them, or one. */
import * as Schema from "effect/Schema"
import { Count, Digits, MaybeMillis, MaybeMoment, Millis, Moment, NodeProblem, Pause, Rate } from "./values.js"

/** What is the matter with a queue. */
export const Badge = Schema.Literal("no consumers", "partly paused", "paused", "growing")
export type Badge = typeof Badge.Type

/** What the list of queues shows of one. */
export const QueueRow = Schema.Struct({
  name: Schema.String,
  /** How many jobs wait. */
  length: Count,
  /** How long ago the oldest waiting job was added; null if none waits, or if it is not known yet. */
  oldestMillis: MaybeMillis,
  in: Rate,
  out: Rate,
  /** Jobs a second that go from node to node; they are neither in `in` nor in `out`. */
  imported: Rate,
  /** How many clients wait for a job. */
  blocked: Count,
  /** What is paused on at least one node. */
  pause: Pause,
  /** The nodes on which something is paused. */
  pausedOn: Schema.Array(Schema.Struct({ node: Schema.String, pause: Pause })),
  /** The worst first; none if all is well. */
  badges: Schema.Array(Badge),
  /** The length in the last five minutes, the newest last, one for each `sparklineMillis`; null where it is not known. */
  sparkline: Schema.Array(Schema.NullOr(Schema.Number))
})
export type QueueRow = typeof QueueRow.Type

/** The queues whose names begin in the same way, up to the first `.`, `:` or `/`. */
export const QueueGroup = Schema.Struct({
  /** With its last character, as in `emails:`. */
  prefix: Schema.String,
  queues: Count,
  length: Count,
  in: Rate,
  out: Rate,
  /** What is the matter with any of them. */
  badges: Schema.Array(Badge)
})
export type QueueGroup = typeof QueueGroup.Type

/** All queues together. */
export const QueueTotals = Schema.Struct({
  queues: Count,
  length: Count,
  in: Rate,
  out: Rate,
  blocked: Count,
  /** The age of the oldest job of all. */
  oldestMillis: MaybeMillis,
  /** How many queues have each badge. */
  badges: Schema.Struct({ "no consumers": Count, "partly paused": Count, paused: Count, growing: Count })
})
export type QueueTotals = typeof QueueTotals.Type

/** The order of the list. `problems` puts those in the most trouble first. */
export const QueueOrder = Schema.Literal("problems", "name", "length", "oldest", "in", "out", "blocked")
export type QueueOrder = typeof QueueOrder.Type

/** The parameters of the list: each is one of the address, as `?search=mail&order=length&limit=50`. */
export const QueuesParams = Schema.Struct({
  /** A part of the name, in any case; or a pattern of the whole name, if it has a `*` or `?`. */
  search: Schema.optional(Schema.String.pipe(Schema.maxLength(1024))),
  /** Queues of this group alone: see `QueueGroup`. */
  prefix: Schema.optional(Schema.String.pipe(Schema.maxLength(1024))),
  /** Queues with this badge alone. */
  badge: Schema.optional(Badge),
  order: Schema.optional(QueueOrder),
  /** From the least to the most, or from A to Z. Default: that for names, and from the most for the others. */
  direction: Schema.optional(Schema.Literal("up", "down")),
  offset: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 1_000_000))),
  /** The most rows. Default: 100. */
  limit: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 500)))
})
export type QueuesParams = typeof QueuesParams.Type

/** A part of the list of queues. */
export const QueuesPage = Schema.Struct({
  /** When the nodes were asked; null if none ever answered. */
  at: MaybeMoment,
  /** Whether all queues are known. With very many of them, the first minutes are not enough. */
  isComplete: Schema.Boolean,
  totals: QueueTotals,
  /** How many queues fit the parameters; `queues` has those from `offset` on. */
  matching: Count,
  queues: Schema.Array(QueueRow),
  /** The groups with the most jobs, 100 at most; of all queues, whatever the parameters are. */
  groups: Schema.Array(QueueGroup),
  /** The time between two points of a sparkline. */
  sparklineMillis: Millis
})
export type QueuesPage = typeof QueuesPage.Type

/** What one node knows of a queue. */
export const QueueNode = Schema.Struct({
  node: Schema.String,
  length: Count,
  oldestMillis: MaybeMillis,
  /** Jobs a second on this node, those from and to other nodes among them. */
  in: Rate,
  out: Rate,
  imported: Rate,
  /** The nodes that jobs came from lately. */
  importFrom: Schema.Array(Schema.String),
  blocked: Count,
  pause: Pause,
  ageMillis: Millis,
  idleMillis: Millis
})
export type QueueNode = typeof QueueNode.Type

/** The jobs of a queue that wait elsewhere: `<name>.retry` or `<name>.dead`. */
export const SideQueue = Schema.Struct({ name: Schema.String, length: Count })
export type SideQueue = typeof SideQueue.Type

/** All figures of a queue. */
export const QueueFigures = Schema.Struct({
  ...QueueRow.fields,
  /** For how long a node has known the queue. */
  ageMillis: Millis,
  /** How long ago a job last came in or went out. */
  idleMillis: Millis,
  /** Since the nodes know the queue; jobs that went from node to node count on each. */
  jobsIn: Digits,
  jobsOut: Digits,
  nodes: Schema.Array(QueueNode),
  /** Null if there is no such queue. */
  retry: Schema.NullOr(SideQueue),
  dead: Schema.NullOr(SideQueue),
  /** Whether this program registered the `JobQueue`: its jobs are decoded. */
  isTyped: Schema.Boolean
})
export type QueueFigures = typeof QueueFigures.Type

export const QueueParams = Schema.Struct({ name: Schema.String.pipe(Schema.minLength(1), Schema.maxLength(65_536)) })
export type QueueParams = typeof QueueParams.Type

/** A queue; `queue` is null as long as no node knows it. */
export const QueueAnswer = Schema.Struct({
  at: MaybeMoment,
  sparklineMillis: Millis,
  queue: Schema.NullOr(QueueFigures)
})
export type QueueAnswer = typeof QueueAnswer.Type

/**
 * What was measured of a queue, since the dashboard started and for an hour at most: each array has one value for each moment of `at`.
 * Older moments are further apart. Null where something is not known: no node answered, or it was not looked.
 */
export const History = Schema.Struct({
  startedAt: Moment,
  at: Schema.Array(Moment),
  length: Schema.Array(Schema.NullOr(Schema.Number)),
  in: Schema.Array(Schema.NullOr(Schema.Number)),
  out: Schema.Array(Schema.NullOr(Schema.Number))
})
export type History = typeof History.Type

export const PauseRequest = Schema.Struct({
  name: QueueParams.fields.name,
  /** Replaces what is paused on each node. `none` lets the queue go on. */
  pause: Pause
})
export type PauseRequest = typeof PauseRequest.Type

/** What is paused now, as each node said when it was asked afterwards. */
export const PauseAnswer = Schema.Struct({
  changes: Schema.Array(Schema.Struct({ node: Schema.String, before: Pause, after: Pause }))
})
export type PauseAnswer = typeof PauseAnswer.Type

/** How many jobs are in each state. */
export const JobCounts = Schema.Struct({
  at: Moment,
  states: Schema.Struct({ "wait-repl": Count, queued: Count, active: Count, acked: Count }),
  /** False if there are more than were counted: the scan has a budget. */
  isComplete: Schema.Boolean,
  failures: Schema.Array(NodeProblem)
})
export type JobCounts = typeof JobCounts.Type
