/** The nodes of the cluster. */
import * as Schema from "effect/Schema"
import { Count, MaybeMoment, Millis, Moment } from "./values.js"

export const NodeFigures = Schema.Struct({
  version: Schema.String,
  uptimeMillis: Millis,
  /** In bytes. */
  memory: Count,
  /** The limit that the node keeps (`maxmemory`), in bytes; null if it has none, or did not tell it. */
  maxMemory: Schema.NullOr(Count),
  /** Jobs in any state, and acknowledgements of jobs. */
  jobs: Count,
  queues: Count,
  clients: Count,
  /** How many of the clients wait, for a job or for copies of one. */
  blockedClients: Count,
  /** How long a PING took. */
  roundTripMillis: Millis,
  /** Commands a second, as the node counts them. */
  commandsPerSecond: Count
})
export type NodeFigures = typeof NodeFigures.Type

export const ClusterNode = Schema.Struct({
  address: Schema.String,
  id: Schema.NullOr(Schema.String),
  state: Schema.Literal("up", "leaving", "suspected", "failed", "unreachable"),
  /** 1: fine. 5: no link to it. 10: suspected to fail. 100: failed or leaving. */
  priority: Count,
  /** Null if the node does not answer: `why` says why. */
  figures: Schema.NullOr(NodeFigures),
  why: Schema.NullOr(Schema.String),
  /** Since when it does not answer; null if it does. */
  failingSince: MaybeMoment,
  /** When another node last heard from it. */
  lastHeard: MaybeMoment,
  /** How the other nodes see it. */
  views: Schema.Array(
    Schema.Struct({ from: Schema.String, flags: Schema.Array(Schema.String), isConnected: Schema.Boolean })
  )
})
export type ClusterNode = typeof ClusterNode.Type

/** Jobs that go from one node to another, because consumers wait there. */
export const Flow = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  /** Jobs a second: an estimate. */
  rate: Schema.Number,
  /** The queues with the most of them, 5 at most. */
  queues: Schema.Array(Schema.String)
})
export type Flow = typeof Flow.Type

/** A node that is emptied, so that it can be stopped without losing a job. */
export const Drain = Schema.Struct({
  node: Schema.String,
  startedAt: Moment,
  /**
   * - `running`: jobs are moved, or waited for
   * - `safe`: the node can be stopped
   * - `failed`: `failure` says why; drain it again to go on. The node is still a leaving one
   * - `stopped`: it was told to stay
   */
  state: Schema.Literal("running", "safe", "failed", "stopped"),
  /** Whether jobs that this node alone has are moved to others, or waited for. */
  moves: Schema.Boolean,
  /** What is on the node, as it was last looked at; null before the first look. */
  counts: Schema.NullOr(
    Schema.Struct({
      jobs: Count,
      /** Jobs that this node alone has. */
      alone: Count,
      /** How many of those are in the hands of consumers: they are waited for. */
      delivered: Count,
      /** Jobs whose copies or acknowledgements are under way. */
      unfinished: Count,
      /** Jobs that wait here, and have a copy elsewhere. */
      queued: Count
    })
  ),
  moved: Count,
  /** Jobs that are still here, and may have been added elsewhere too. */
  maybeTwice: Count,
  failure: Schema.NullOr(Schema.String)
})
export type Drain = typeof Drain.Type

export const ClusterAnswer = Schema.Struct({
  /** When the nodes were asked; null if none ever answered. */
  at: MaybeMoment,
  nodes: Schema.Array(ClusterNode),
  flows: Schema.Array(Flow),
  /** Of each node, the last one that was started here. */
  drains: Schema.Array(Drain)
})
export type ClusterAnswer = typeof ClusterAnswer.Type

const Node = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(300))

export const DrainRequest = Schema.Struct({
  /** Its address or id. */
  node: Node,
  moves: Schema.Boolean
})
export type DrainRequest = typeof DrainRequest.Type

export const UndrainRequest = Schema.Struct({ node: Node })
export type UndrainRequest = typeof UndrainRequest.Type
