/** Jobs: those of a queue, or one. */
import * as Schema from "effect/Schema"
import { QueueParams } from "./queues.js"
import { Body, Count, JobState, MaybeMillis, MaybeMoment, Millis, Moment, NodeProblem } from "./values.js"

export const JobId = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(100))

/** A job at the head of a queue. */
export const HeadJob = Schema.Struct({
  id: JobId,
  /** The node whose queue it waits in: each node has a queue of its own. */
  node: Schema.String,
  /** Its beginning: 2 kB at most. */
  body: Body
})
export type HeadJob = typeof HeadJob.Type

export const HeadParams = Schema.Struct({
  ...QueueParams.fields,
  /** The most jobs of each node. Default: 10. */
  count: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 50))),
  /** Whether to begin with the jobs that are delivered next (`oldest`, the default) or with the last ones. */
  from: Schema.optional(Schema.Literal("oldest", "newest"))
})
export type HeadParams = typeof HeadParams.Type

/** The jobs that wait, as each node has them in its order. */
export const Head = Schema.Struct({
  at: Moment,
  jobs: Schema.Array(HeadJob),
  failures: Schema.Array(NodeProblem)
})
export type Head = typeof Head.Type

/** What a list of jobs shows of one. */
export const JobRow = Schema.Struct({
  id: JobId,
  /** Null if the nodes know only that the job was acknowledged. */
  queue: Schema.NullOr(Schema.String),
  state: JobState,
  /** The node that told of the job. */
  node: Schema.String,
  ageMillis: MaybeMillis,
  nacks: Count,
  additionalDeliveries: Count,
  /** The time left until it is deleted. */
  ttlMillis: Millis,
  /** The time until it is queued again; null if it will not be. */
  nextRequeueMillis: MaybeMillis,
  /** How many nodes that answered have a copy. */
  copies: Count,
  /** Its beginning: 2 kB at most. Null if the nodes know only that the job was acknowledged. */
  body: Schema.NullOr(Body)
})
export type JobRow = typeof JobRow.Type

export const JobsParams = Schema.Struct({
  ...QueueParams.fields,
  /** Jobs in this state; default: in any. */
  state: Schema.optional(JobState),
  /** The most jobs. Default: 50. */
  limit: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 200)))
})
export type JobsParams = typeof JobsParams.Type

/** Jobs of a queue, in no order. */
export const JobsPage = Schema.Struct({
  at: Moment,
  jobs: Schema.Array(JobRow),
  /** False if there may be more: the limit was reached, or the time was up. */
  isComplete: Schema.Boolean,
  failures: Schema.Array(NodeProblem)
})
export type JobsPage = typeof JobsPage.Type

/**
 * Something that happens to a job.
 *
 * - `created`: added by its producer
 * - `delay`: the delay ends, and the job is queued
 * - `queued`: waits in its queue since then
 * - `delivered`: went to a consumer, or was renewed by it (WORKING)
 * - `requeue`: is queued again, unless it is acknowledged by then
 * - `expiry`: is deleted, done or not
 */
export const JobEvent = Schema.Struct({
  kind: Schema.Literal("created", "delay", "queued", "delivered", "requeue", "expiry"),
  /** By the clock of the node `node`; null if it is known that it happened, and not when. */
  at: MaybeMoment,
  isPast: Schema.Boolean,
  /** A sentence for people. */
  text: Schema.String
})
export type JobEvent = typeof JobEvent.Type

export const JobCopy = Schema.Struct({ node: Schema.String, state: JobState })
export type JobCopy = typeof JobCopy.Type

/** The payload of a job, as the Schema of its `JobQueue` reads it. */
export const Decoded = Schema.Union(
  Schema.Struct({ isValid: Schema.Literal(true), /** The payload as JSON. */ json: Schema.String }),
  Schema.Struct({ isValid: Schema.Literal(false), /** Why it cannot be decoded. */ message: Schema.String })
)
export type Decoded = typeof Decoded.Type

/** All that is known of a job. */
export const Job = Schema.Struct({
  id: JobId,
  /** Null if the nodes know only that the job was acknowledged. */
  queue: Schema.NullOr(Schema.String),
  state: JobState,
  /** The state, for people: `queued on 127.0.0.1:7711`. */
  stateText: Schema.String,
  /** The node that knows best what comes next. */
  node: Schema.String,
  /** The time of that node. */
  now: Moment,
  createdAt: MaybeMoment,
  /** In the order of time. */
  timeline: Schema.Array(JobEvent),
  /** How often a consumer put it back (NACK). */
  nacks: Count,
  /** How often it was delivered again for other reasons. */
  additionalDeliveries: Count,
  /** Whether it is delivered once at most (RETRY 0). */
  isAtMostOnce: Schema.Boolean,
  replicate: Count,
  delayMillis: Millis,
  retryMillis: Millis,
  ttlMillis: Millis,
  nextRequeueMillis: MaybeMillis,
  copies: Schema.Array(JobCopy),
  /** Nodes that may have a copy, and did not answer. */
  unknown: Schema.Array(Schema.String),
  /** Its first 1 MB. Null if the nodes know only that the job was acknowledged. */
  body: Schema.NullOr(Body),
  /** Null if the program registered no `JobQueue`, or if payloads are hidden. */
  decoded: Schema.NullOr(Decoded)
})
export type Job = typeof Job.Type

export const JobParams = Schema.Struct({ id: JobId })
export type JobParams = typeof JobParams.Type

/** A job; `job` is null if no node that answered knows it, or any more. */
export const JobAnswer = Schema.Struct({
  at: Moment,
  job: Schema.NullOr(Job),
  failures: Schema.Array(NodeProblem)
})
export type JobAnswer = typeof JobAnswer.Type

/** A job to be added, for a test. */
export const AddRequest = Schema.Struct({
  name: QueueParams.fields.name,
  /** As text, or as bytes in base64. 1 MB at most. */
  body: Schema.Union(
    Schema.Struct({ encoding: Schema.Literal("text"), content: Schema.String }),
    Schema.Struct({ encoding: Schema.Literal("base64"), content: Schema.String })
  ),
  delaySeconds: Schema.optional(Schema.NonNegativeInt),
  retrySeconds: Schema.optional(Schema.NonNegativeInt),
  ttlSeconds: Schema.optional(Schema.NonNegativeInt),
  replicate: Schema.optional(Schema.NonNegativeInt)
})
export type AddRequest = typeof AddRequest.Type

export const AddAnswer = Schema.Struct({ id: JobId })
export type AddAnswer = typeof AddAnswer.Type

export const JobChange = Schema.Literal("enqueue", "nack", "acknowledge", "delete")
export type JobChange = typeof JobChange.Type

export const JobsRequest = Schema.Struct({
  change: JobChange,
  /** 100 at most. */
  ids: Schema.NonEmptyArray(JobId).pipe(Schema.maxItems(100))
})
export type JobsRequest = typeof JobsRequest.Type

/** What became of each job. */
export const JobsAnswer = Schema.Struct({
  jobs: Schema.Array(
    Schema.Struct({
      id: JobId,
      /**
       * - `done`: it took effect
       * - `unchanged`: there was nothing to do, or it cannot be done to this job
       * - `unknown`: no node knows the job
       * - `failed`: a node did not do its part
       */
      outcome: Schema.Literal("done", "unchanged", "unknown", "failed"),
      /** What happened, in words that follow the id: `was acknowledged on 127.0.0.1:7711`. */
      text: Schema.String
    })
  )
})
export type JobsAnswer = typeof JobsAnswer.Type
