/** Whether the cluster answers. */
import * as Schema from "effect/Schema"
import { MaybeMoment, Moment } from "./values.js"

/** A node that was tried. */
export const TriedNode = Schema.Struct({
  address: Schema.String,
  isAnswering: Schema.Boolean,
  /** Since when it does not answer; null if it does. */
  since: MaybeMoment,
  /** Why not; null if it does. */
  why: Schema.NullOr(Schema.String)
})
export type TriedNode = typeof TriedNode.Type

/** Whether the cluster answers, and which nodes were tried. */
export const Status = Schema.Struct({
  /** The time of this server. */
  now: Moment,
  /** When the dashboard began to look: figures of the past go back to it at most. */
  startedAt: Moment,
  /** When the cluster was last looked at; null before the first time. */
  sampledAt: MaybeMoment,
  /**
   * - `starting`: the nodes were not asked yet
   * - `up`: all nodes answer
   * - `partly`: some nodes do not answer
   * - `down`: no node answers. It is tried again by itself
   */
  state: Schema.Literal("starting", "up", "partly", "down"),
  nodes: Schema.Array(TriedNode)
})
export type Status = typeof Status.Type
