/**
 * A queue whose jobs have a type: payloads are encoded by a schema when they are added and decoded when they are fetched.
 *
 * **On the wire** a payload is what its schema encodes it to, as JSON in UTF-8 and nothing around it, so that other clients read
 * and write it. What JSON does not have (NaN, infinities, a bigint) is refused. `format` chooses another way: `text` for a schema
 * that encodes to a string (UTF-8), `bytes` for one that encodes to a `Uint8Array`.
 *
 * **With `traced`**, a payload that is added within a span travels in an envelope, `traceparent` being that of W3C Trace Context:
 *
 * ```json
 * {"$disco":"traced","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","payload":{"to":"ada"}}
 * ```
 *
 * A queue without `traced` takes the envelope for the payload: turn it on where jobs are fetched before it is where they are
 * added. A queue with `traced` reads plain bodies too.
 *
 * **How long a job lives.** Disque deletes a job once its TTL has passed, whether somebody has had it or not, and tells nobody:
 * where no worker runs for that long, jobs are lost. By itself it gives a job 1 day; a queue here gives it 7, unless the option
 * `ttl` says otherwise. `oldestAge` tells how long the first job in the queue has lived: let it raise an alarm well before.
 *
 * Once half of its TTL has passed, Disque lets nobody renew the lease of a job (`LeaseTooOld`). So that a job with a delay can be
 * worked on when the delay is over, its TTL is raised to 2 × the delay + the smaller of `ttl` and 1 day, where that is more than
 * `ttl`. Of the 7 days, a delay of 2 days makes nothing else (2 × 2 + 1 = 5), and one of 4 days makes 9 (2 × 4 + 1), half a day
 * of which is for renewing the lease.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { type AddJobOptions, maxTtlSeconds, type PeekOptions } from "./commands/jobs.js"
import type { AddJobError, DisqueCommands, GetJobsError, GetJobsOptions } from "./DisqueCommands.js"
import type { CommandError, GetJobTimeout, InvalidArgument } from "./DisqueError.js"
import * as envelope from "./internal/envelope.js"
import * as format from "./internal/format.js"
import { withJson } from "./internal/json.js"
import type * as Job from "./Job.js"
import type { JobId } from "./JobId.js"

/**
 * A payload that the queue's schema does not accept, with all there is to look into it. A job that was fetched is still in the
 * hands of who fetched it: acknowledge it, put it back, or let it come again after its retry time.
 */
export class InvalidPayload extends Data.TaggedError("InvalidPayload")<{
  readonly queue: string
  /** The job that holds it; none where the payload was to be added. */
  readonly job: Job.Job | Job.PeekedJob | undefined
  readonly cause: ParseResult.ParseError
}> {
  readonly remedy = "none"
  readonly isRetryable = false
  /** The payload as it came, byte for byte. */
  get body(): Uint8Array | undefined {
    return this.job?.body
  }
  override get message(): string {
    const where = this.job === undefined ? "" : ` of job ${this.job.id}`
    return `the payload${where} does not fit queue ${JSON.stringify(this.queue)}: ${this.cause.message}`
  }
}

/** What is read from a body. */
export interface Typed<out A> {
  readonly payload: A
  /** The span that the job was added in, where the queue is `traced` and it was: a parent or a link for the work. */
  readonly trace: Tracer.ExternalSpan | undefined
}

/** A delivered job and its payload: it can be acknowledged, and so on, as any job. */
export type TypedJob<A> = Job.Job & Typed<A>

/** A job that waits in its queue, and its payload. */
export type TypedPeekedJob<A> = Job.PeekedJob & Typed<A>

/** A queue whose payloads are described by a schema. Its functions take a connection or a pool. */
export interface JobQueue<A, I = unknown, R = never> {
  readonly name: string
  readonly payload: Schema.Schema<A, I, R>
  /** The body of a job. */
  readonly encode: (payload: A) => Effect.Effect<string | Uint8Array, InvalidPayload, R>
  /** The payload of a job. */
  readonly decode: (job: Job.Job | Job.PeekedJob) => Effect.Effect<A, InvalidPayload, R>
  /**
   * A job with its payload, and the span that it was added in. Where the schema takes no time and no services, this is an `Exit`
   * already: who opens many jobs need not run it.
   */
  readonly open: <J extends Job.Job | Job.PeekedJob>(job: J) => Effect.Effect<J & Typed<A>, InvalidPayload, R>
  /**
   * What a job is added with: the queue's own options, those given over them, and always a TTL. It is 7 days unless told
   * otherwise, and at least 2 × the delay + the smaller of itself and 1 day: 7 days with a delay of 2 days, 9 with one of 4.
   */
  readonly addOptions: (options?: AddJobOptions) => AddJobOptions & { readonly ttl: Duration.DurationInput }
  /** ADDJOB: adds a payload, with `addOptions(options)`. */
  readonly add: (
    disque: Pick<DisqueCommands, "addJob">,
    payload: A,
    options?: AddJobOptions
  ) => Effect.Effect<JobId, AddJobError | InvalidPayload, R>
  /**
   * GETJOB: takes a job, as `getJob` does. It fails with `InvalidPayload` where the payload does not decode; the job is in the
   * error. Interrupting it while it decodes puts the job back.
   */
  readonly get: (
    disque: Pick<DisqueCommands, "getJob" | "enqueueJob" | "nackJob">,
    options?: Omit<GetJobsOptions, "count">
  ) => Effect.Effect<TypedJob<A>, GetJobTimeout | GetJobsError | InvalidPayload, R>
  /**
   * GETJOB: takes up to `count` jobs, as `getJobs` does. Each is by itself a job with its payload, or the error that says why it
   * has none. Interrupting it while it decodes puts all of them back.
   */
  readonly getMany: (
    disque: Pick<DisqueCommands, "getJobs" | "enqueueJob" | "nackJob">,
    options?: GetJobsOptions
  ) => Effect.Effect<ReadonlyArray<Either.Either<TypedJob<A>, InvalidPayload>>, GetJobsError, R>
  /** QPEEK: shows jobs without taking them, each with its payload or the error that says why it has none. */
  readonly peek: (
    disque: Pick<DisqueCommands, "peek">,
    options?: PeekOptions
  ) => Effect.Effect<ReadonlyArray<Either.Either<TypedPeekedJob<A>, InvalidPayload>>, CommandError | InvalidArgument, R>
  /** How long ago the oldest of the jobs that wait was added; none where no job waits. */
  readonly oldestAge: (
    disque: Pick<DisqueCommands, "oldestAge">
  ) => Effect.Effect<Option.Option<Duration.Duration>, CommandError | InvalidArgument>
}

interface Shared<A, I, R> {
  readonly payload: Schema.Schema<A, I, R>
  /** How jobs are added, unless told otherwise where they are. Their TTL is 7 days where it is left open. */
  readonly options?: AddJobOptions | undefined
}

/** A queue of JSON; any schema whose encoded side JSON can hold will do. */
export interface JsonSpec<A, I, R> extends Shared<A, I, R> {
  readonly format?: "json" | undefined
  /** Whether the span that a job is added in travels with it; not unless told so. */
  readonly traced?: boolean | undefined
}

/** A queue of text. */
export interface TextSpec<A, R> extends Shared<A, string, R> {
  readonly format: "text"
}

/** A queue of bytes. */
export interface BytesSpec<A, R> extends Shared<A, Uint8Array, R> {
  readonly format: "bytes"
}

const defaultTtl = Duration.days(7)
// What the work itself has, where there is a delay before it.
const mostForWork = Duration.days(1)

// Half of the TTL is to reach beyond the delay: after that, no lease is renewed.
const withTtl = (options: AddJobOptions, own: Duration.DurationInput | undefined) => {
  const ttl = options.ttl ?? own ?? defaultTtl
  const living = { ...options, ttl }
  if (options.delay === undefined) return living
  const delay = Duration.decodeUnknown(options.delay)
  const least = Duration.decodeUnknown(ttl)
  // What is no duration is for ADDJOB to refuse.
  if (Option.isNone(delay) || Option.isNone(least)) return living
  const needed = Duration.toSeconds(delay.value) * 2 + Duration.toSeconds(Duration.min(least.value, mostForWork))
  // Disque wants whole seconds.
  const seconds = Math.min(Math.ceil(needed), maxTtlSeconds)
  return seconds > Duration.toSeconds(least.value) ? { ...living, ttl: Duration.seconds(seconds) } : living
}

/** How a payload's encoded side gets into a body, and out of it. */
interface Codec {
  readonly write: (encoded: unknown) => Effect.Effect<string | Uint8Array, ParseResult.ParseError>
  readonly read: (body: Uint8Array) => Either.Either<envelope.Opened, ParseResult.ParseError>
}

const plain = (
  read: Either.Either<unknown, ParseResult.ParseError>
): Either.Either<envelope.Opened, ParseResult.ParseError> =>
  Either.isRight(read) ? Either.right({ payload: read.right, trace: undefined }) : Either.left(read.left)

const codecs: Record<"json" | "traced" | "text" | "bytes", Codec> = {
  json: { write: format.toJson, read: (body) => plain(format.fromJson(body)) },
  traced: {
    write: (encoded) =>
      Effect.flatMap(format.toJson(encoded), (json) =>
        Effect.map(Effect.serviceOption(Tracer.ParentSpan), (span) =>
          envelope.wrap(encoded, json, Option.getOrUndefined(span))
        )
      ),
    read: (body) => Either.map(format.fromJson(body), envelope.open)
  },
  text: { write: format.toText, read: (body) => plain(format.fromText(body)) },
  bytes: { write: format.toBytes, read: (body) => plain(Either.right(body)) }
}

const isReady = <A, E, R>(result: Effect.Effect<A, E, R>): result is Either.Either<A, E> => Either.isEither(result)

const typed = <J extends Job.Job | Job.PeekedJob, A>(job: J, payload: A, trace: Typed<A>["trace"]): J & Typed<A> => {
  const opened = withJson(job) as J & { -readonly [Field in keyof Typed<A>]: Typed<A>[Field] }
  opened.payload = payload
  opened.trace = trace
  return opened
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
 *   const job = yield* emails.get(disque, { timeout: "2 seconds" })
 *   yield* disque.ackJob(job)
 *   return job.payload.subject
 * }).pipe(
 *   // The job is in the error, and still to be settled: here it is left to come again after its retry time.
 *   Effect.catchTag("InvalidPayload", (invalid) => Effect.logError(invalid.message, invalid.body))
 * )
 * ```
 */
export const make: {
  <A, I, R>(name: string, spec: JsonSpec<A, I, R>): JobQueue<A, I, R>
  <A, R>(name: string, spec: TextSpec<A, R>): JobQueue<A, string, R>
  <A, R>(name: string, spec: BytesSpec<A, R>): JobQueue<A, Uint8Array, R>
} = <A, I, R>(
  name: string,
  spec: Shared<A, I, R> & {
    readonly format?: "json" | "text" | "bytes" | undefined
    readonly traced?: boolean | undefined
  }
): JobQueue<A, I, R> => {
  const codec = codecs[spec.traced === true ? "traced" : (spec.format ?? "json")]
  const encodePayload = Schema.encode(spec.payload)
  const decodePayload = ParseResult.decodeUnknown(spec.payload)

  const encode = (payload: A) =>
    Effect.mapError(
      Effect.flatMap(encodePayload(payload), codec.write),
      (cause) => new InvalidPayload({ queue: name, job: undefined, cause })
    )

  const refuse = (job: Job.Job | Job.PeekedJob, cause: ParseResult.ParseError) =>
    Exit.fail(new InvalidPayload({ queue: name, job, cause }))

  const open = <J extends Job.Job | Job.PeekedJob>(job: J): Effect.Effect<J & Typed<A>, InvalidPayload, R> => {
    const read = codec.read(job.body)
    if (Either.isLeft(read)) return refuse(job, read.left)
    const { payload, trace } = read.right
    try {
      // What a schema finds without services and without waiting it gives at once, and so does this.
      const decoded = decodePayload(payload)
      if (!isReady(decoded)) {
        return Effect.matchEffect(decoded, {
          onFailure: (issue) => refuse(job, ParseResult.parseError(issue)),
          onSuccess: (payload) => Effect.succeed(typed(job, payload, trace))
        })
      }
      return Either.isRight(decoded)
        ? Exit.succeed(typed(job, decoded.right, trace))
        : refuse(job, ParseResult.parseError(decoded.left))
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  const openAll = <J extends Job.Job | Job.PeekedJob>(jobs: ReadonlyArray<J>) =>
    Effect.forEach(jobs, (job) => Effect.either(open(job)))

  // A schema may take its time, and be interrupted in it.
  const orPutBack = <B, E>(
    disque: Pick<DisqueCommands, "enqueueJob" | "nackJob">,
    jobs: ReadonlyArray<Job.Job>,
    unwanted: GetJobsOptions["unwanted"],
    decoding: Effect.Effect<B, E, R>
  ): Effect.Effect<B, E, R> =>
    Effect.onInterrupt(decoding, () =>
      jobs.length === 0
        ? Effect.void
        : Effect.ignoreLogged(unwanted === "nack" ? disque.nackJob(jobs) : disque.enqueueJob(jobs))
    )

  const addOptions = (options?: AddJobOptions) => withTtl({ ...spec.options, ...options }, spec.options?.ttl)

  return {
    name,
    payload: spec.payload,
    encode,
    decode: (job) => Effect.map(open(job), ({ payload }) => payload),
    open,
    addOptions,
    add: (disque, payload, options) =>
      Effect.flatMap(encode(payload), (body) => disque.addJob(name, body, addOptions(options))),
    get: (disque, options) =>
      Effect.flatMap(disque.getJob(name, options), (job) => orPutBack(disque, [job], options?.unwanted, open(job))),
    getMany: (disque, options) =>
      Effect.flatMap(disque.getJobs(name, options), (jobs) =>
        orPutBack(disque, jobs, options?.unwanted, openAll(jobs))
      ),
    peek: (disque, options) => Effect.flatMap(disque.peek(name, options), openAll),
    oldestAge: (disque) => disque.oldestAge(name)
  }
}
