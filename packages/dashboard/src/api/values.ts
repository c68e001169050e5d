/** What the answers of the API are made of. Everything is plain JSON: what a Schema decodes here is what was encoded. */
import * as Schema from "effect/Schema"

/** A span of time, in milliseconds. */
export const Millis = Schema.Number.annotations({ description: "milliseconds" })

/** A moment. */
export const Moment = Schema.Number.annotations({ description: "milliseconds since 1970" })

export const Count = Schema.NonNegativeInt

/** Jobs a second; null until they are known. */
export const Rate = Schema.NullOr(Schema.Number).annotations({ description: "jobs a second; null if not known yet" })

/** A 64-bit integer, in digits: JavaScript does not read such numbers exactly. */
export const Digits = Schema.String.annotations({ description: "an integer, in decimal digits" })

/** A time that may not be known. */
export const MaybeMillis = Schema.NullOr(Millis)
export const MaybeMoment = Schema.NullOr(Moment)

/** What is paused of a queue. */
export const Pause = Schema.Literal("none", "in", "out", "all")
export type Pause = typeof Pause.Type

/** The state of a job, on a node or in the cluster. */
export const JobState = Schema.Literal("wait-repl", "queued", "active", "acked")
export type JobState = typeof JobState.Type

/** A node that did not do its part, and why. */
export const NodeProblem = Schema.Struct({ node: Schema.String, message: Schema.String })
export type NodeProblem = typeof NodeProblem.Type

/**
 * Bytes that somebody else chose: text if they are UTF-8, or else base64.
 *
 * `content` is null if this dashboard hides payloads. `isCut` says that `content` is the beginning of more: `bytes` is the whole size.
 */
export const Body = Schema.Struct({
  bytes: Count,
  encoding: Schema.Literal("text", "base64"),
  content: Schema.NullOr(Schema.String),
  isCut: Schema.Boolean
})
export type Body = typeof Body.Type
