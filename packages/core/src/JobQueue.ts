/**
 * A queue whose jobs have a type: payloads are encoded as JSON when they are added and decoded when they are fetched.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { AddJobOptions } from "./commands/jobs.js"
import type { AddJobError, DisqueCommands } from "./DisqueCommands.js"
import * as Job from "./Job.js"
import type { JobId } from "./JobId.js"

/** A payload that the queue's schema does not accept, with all there is to look into it. */
export class InvalidPayload extends Data.TaggedError("InvalidPayload")<{
  readonly queue: string
  /** The job that holds it; none where the payload was to be added. */
  readonly job: Job.Job | undefined
  readonly cause: ParseResult.ParseError
}> {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    const where = this.job === undefined ? "" : ` of job ${this.job.id}`
    return `the payload${where} does not fit queue ${JSON.stringify(this.queue)}: ${this.cause.message}`
  }
}

/** A queue whose payloads are described by a schema. */
export interface JobQueue<A, I = unknown, R = never> {
  readonly name: string
  readonly payload: Schema.Schema<A, I, R>
  /** The body of a job: the payload as JSON in UTF-8. */
  readonly encode: (payload: A) => Effect.Effect<string, InvalidPayload, R>
  /** The payload of a job. */
  readonly decode: (job: Job.Job) => Effect.Effect<A, InvalidPayload, R>
  /** ADDJOB: adds a payload, over a connection or a pool. */
  readonly add: (
    disque: Pick<DisqueCommands, "addJob">,
    payload: A,
    options?: AddJobOptions
  ) => Effect.Effect<JobId, AddJobError | InvalidPayload, R>
}

/**
 * Describes a queue.
 *
 * @example
 * ```ts
 * import { DisqueConnection, JobQueue } from "@disco/core"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", {
 *   payload: Schema.Struct({ to: Schema.String, subject: Schema.String }),
 *   options: { retry: "1 minute" }
 * })
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   yield* emails.add(disque, { to: "ada@example.com", subject: "Hello" })
 *   const job = yield* disque.getJob(emails.name, { timeout: "2 seconds" })
 *   const email = yield* emails.decode(job)
 *   return email.subject
 * })
 * ```
 */
export const make = <A, I, R>(
  name: string,
  spec: {
    readonly payload: Schema.Schema<A, I, R>
    /** How jobs are added, unless told otherwise where they are. */
    readonly options?: AddJobOptions | undefined
  }
): JobQueue<A, I, R> => {
  const json = Schema.parseJson(spec.payload)
  const encodeJson = Schema.encode(json)
  const decodeJson = Schema.decode(json)
  const encode = (payload: A) =>
    Effect.mapError(encodeJson(payload), (cause) => new InvalidPayload({ queue: name, job: undefined, cause }))
  return {
    name,
    payload: spec.payload,
    encode,
    decode: (job) =>
      Effect.mapError(decodeJson(Job.text(job)), (cause) => new InvalidPayload({ queue: name, job, cause })),
    add: (disque, payload, options) =>
      Effect.flatMap(encode(payload), (body) => disque.addJob(name, body, { ...spec.options, ...options }))
  }
}
