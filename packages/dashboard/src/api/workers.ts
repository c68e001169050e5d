/** Workers, and the jobs that they gave up. */
import * as Schema from "effect/Schema"
import { QueueParams } from "./queues.js"
import { Body, Count, MaybeMillis, MaybeMoment, Millis, Moment } from "./values.js"

/** A worker that reports. */
export const WorkerRow = Schema.Struct({
  /** Of this worker, as long as it runs. */
  id: Schema.String,
  queue: Schema.String,
  /** What the program calls itself: `host/process` unless it says otherwise. */
  program: Schema.String,
  /** Whether it runs in the process of this dashboard. */
  isHere: Schema.Boolean,
  startedAt: Moment,
  /** When it last reported. */
  reportedAt: Moment,
  /** Whether its next report is overdue: the process may have ended. */
  isStale: Schema.Boolean,
  isPaused: Schema.Boolean,
  concurrency: Count,
  /** How many handlers run. */
  busy: Count,
  /** Jobs that were done since it started, and a second since its report before. */
  succeeded: Count,
  rate: Schema.NullOr(Schema.Number),
  /** Attempts that failed, since it started. */
  failed: Count,
  /** Jobs that it gave up, since it started. */
  dead: Count,
  /** Jobs that another delivery took from it. */
  leasesLost: Count,
  /** How long ago a GETJOB of it was last answered, jobs or not; null if none was yet. */
  lastFetchMillis: MaybeMillis
})
export type WorkerRow = typeof WorkerRow.Type

/** A queue of letters about jobs that were given up. */
export const DeadQueue = Schema.Struct({
  /** The queue that the jobs were in. */
  queue: Schema.String,
  /** Its queue of letters: `<queue>.dead`. */
  dead: Schema.String,
  letters: Count,
  oldestMillis: MaybeMillis
})
export type DeadQueue = typeof DeadQueue.Type

export const WorkersAnswer = Schema.Struct({
  /** When the reports were read; null if no node ever answered. */
  at: MaybeMoment,
  workers: Schema.Array(WorkerRow),
  /** The most letters first. */
  dead: Schema.Array(DeadQueue),
  /** How often workers report. */
  reportMillis: Millis
})
export type WorkersAnswer = typeof WorkersAnswer.Type

export const DeadReason = Schema.Literal("failed", "crashed", "undecodable")
export type DeadReason = typeof DeadReason.Type

/** A job that was given up. */
export const DeadLetter = Schema.Struct({
  /** Of the letter. */
  id: Schema.String,
  /** Of the job. */
  jobId: Schema.String,
  queue: Schema.String,
  reason: Schema.NullOr(DeadReason),
  error: Schema.NullOr(Schema.String),
  attempts: Count,
  nacks: Count,
  additionalDeliveries: Count,
  addedAt: MaybeMoment,
  firstAt: MaybeMoment,
  lastAt: MaybeMoment,
  /** The body of the job; its first 64 kB. */
  body: Body
})
export type DeadLetter = typeof DeadLetter.Type

export const DeadParams = Schema.Struct({
  /** The queue that the jobs were in, without `.dead`. */
  queue: QueueParams.fields.name,
  reason: Schema.optional(DeadReason),
  /** A part of the error, or of the id of the job or letter, in any case. */
  search: Schema.optional(Schema.String.pipe(Schema.maxLength(1024))),
  /** The most letters. Default: 50. */
  limit: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 200)))
})
export type DeadParams = typeof DeadParams.Type

/** Letters that fit, the oldest first. */
export const DeadLetters = Schema.Struct({
  at: Moment,
  /** How many letters the queue has, whether they fit or not. */
  total: Count,
  letters: Schema.Array(DeadLetter),
  /** False if there may be more that fit: the limit was reached. */
  isComplete: Schema.Boolean
})
export type DeadLetters = typeof DeadLetters.Type

/** Which letters: those with these ids, or all that fit. */
export const DeadSelection = Schema.Union(
  Schema.Struct({
    queue: QueueParams.fields.name,
    /** Ids of letters, 1000 at most. */
    ids: Schema.NonEmptyArray(Schema.String.pipe(Schema.maxLength(100))).pipe(Schema.maxItems(1000))
  }),
  Schema.Struct({
    queue: QueueParams.fields.name,
    all: Schema.Literal(true),
    reason: Schema.optional(DeadReason),
    search: Schema.optional(Schema.String.pipe(Schema.maxLength(1024)))
  })
)
export type DeadSelection = typeof DeadSelection.Type

/** How many letters it was done to. One request does 1000 at most: `mayHaveMore` says to ask again. */
export const DeadAnswer = Schema.Struct({ count: Count, mayHaveMore: Schema.Boolean })
export type DeadAnswer = typeof DeadAnswer.Type
