/**
 * A typed queue: payloads are encoded by a schema when they are added, and decoded by the schema when they are fetched.
 *
 * **On the wire** a payload is what its schema encodes it to, as JSON in UTF-8 with nothing around it, so that other clients can
 * read and write it. Values that JSON does not have (NaN, infinities, a bigint) are refused. `format` chooses another form: `text`
 * for a schema that encodes to a string (UTF-8), `bytes` for a schema that encodes to a `Uint8Array`.
 *
 * **With `traced`**, a payload that is added within a span travels in an envelope. `traceparent` has the form of W3C Trace Context:
 *
 * ```json
 * {"$disco":"traced","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","payload":{"to":"ada"}}
 * ```
 *
 * A queue without `traced` would take the envelope for the payload. So turn `traced` on in the programs that fetch jobs before you
 * turn it on in the programs that add jobs. A queue with `traced` reads plain bodies too.
 *
 * **How long a job lives.** Disque deletes a job once its TTL has passed, whether it was delivered or not, and tells nobody: if no
 * worker runs for that long, jobs are lost. Disque's own default is 1 day. A typed queue gives its jobs 7 days, unless the option
 * `ttl` says otherwise. `oldestAge` tells how long the oldest waiting job has lived: raise an alarm on it well before the TTL.
 *
 * Once half of a job's TTL has passed, Disque lets nobody renew the lease of the job (`LeaseTooOld`). A job with a delay has to be
 * worked on after its delay, so its TTL is raised to 2 × the delay + the smaller of `ttl` and 1 day, if that is more than `ttl`.
 * With the default of 7 days, a delay of 2 days changes nothing (2 × 2 + 1 = 5). A delay of 4 days makes a TTL of 9 days
 * (2 × 4 + 1), which leaves half a day to renew the lease.
 *
 * @since 0.1.0
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
import type { PeekOptions } from "./commands/inspection.js"
import { type AddJobOptions, maxTtlSeconds } from "./commands/jobs.js"
import type { AddJobError, DisqueCommands, GetJobsError, GetJobsOptions } from "./DisqueCommands.js"
import type { CommandError, GetJobTimeout, InvalidArgument } from "./DisqueError.js"
import * as envelope from "./internal/envelope.js"
import * as format from "./internal/format.js"
import { withJson } from "./internal/json.js"
import * as OptionReader from "./internal/optionReader.js"
import type * as Job from "./Job.js"
import type { JobId } from "./JobId.js"

/**
 * A payload that the queue's schema does not accept. The error holds the job and what the schema says. A job that was fetched still
 * has to be settled by the caller: acknowledge it, put it back, or let it come again after its retry time.
 *
 * @example
 * ```ts
 * import { DisqueConnection, JobQueue } from "@disco/core"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * // A job that nobody can read is put aside, so that it does not come again and again.
 * const next = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   return yield* emails.get(disque).pipe(
 *     Effect.tapErrorTag("InvalidPayload", ({ body, job, message }) =>
 *       Effect.gen(function* () {
 *         yield* Effect.logError(message)
 *         if (job === undefined || body === undefined) return
 *         yield* disque.addJob("emails.unreadable", body)
 *         yield* disque.ackJob(job)
 *       })
 *     )
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidPayload extends Data.TaggedError("InvalidPayload")<{
  readonly queue: string
  /** The job that holds the payload; `undefined` if the payload was to be added. */
  readonly job: Job.Job | Job.PeekedJob | undefined
  readonly cause: ParseResult.ParseError
}> {
  readonly remedy = "none"
  readonly isRetryable = false
  /** The body of the job, byte for byte. */
  get body(): Uint8Array | undefined {
    return this.job?.body
  }
  override get message(): string {
    const where = this.job === undefined ? "" : ` of job ${this.job.id}`
    return `the payload${where} does not fit queue ${JSON.stringify(this.queue)}: ${this.cause.message}`
  }
}

/**
 * What the body of a job is read to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Typed<out A> {
  readonly payload: A
  /** The span that the job was added in, as a parent or a link for the work; `undefined` without a span or without `traced`. */
  readonly trace: Tracer.ExternalSpan | undefined
}

/**
 * A delivered job with its payload. It can be acknowledged or put back like any job.
 *
 * @since 0.1.0
 * @category models
 */
export type TypedJob<A> = Job.Job & Typed<A>

/**
 * A job that waits in its queue, with its payload.
 *
 * @since 0.1.0
 * @category models
 */
export type TypedPeekedJob<A> = Job.PeekedJob & Typed<A>

/**
 * A queue whose payloads are described by a schema. Its functions take a connection or a pool.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobQueue<A, I = unknown, R = never> {
  readonly name: string
  readonly payload: Schema.Schema<A, I, R>
  /**
   * Encodes a payload to the body of a job.
   *
   * @example
   * ```ts
   * import { JobQueue } from "@disco/core"
   * import { Effect, Schema } from "effect"
   *
   * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String, at: Schema.Date }) })
   *
   * // The body that a client in another language has to add, for a test of both: {"to":"ada","at":"1970-01-01T00:00:00.000Z"}
   * const body = emails.encode({ to: "ada", at: new Date(0) })
   * ```
   */
  readonly encode: (payload: A) => Effect.Effect<string | Uint8Array, InvalidPayload, R>
  /**
   * Decodes the payload of a job.
   *
   * @example
   * ```ts
   * import { DisqueConnection, JobQueue } from "@disco/core"
   * import { Effect, Schema } from "effect"
   *
   * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }), traced: true })
   *
   * // Jobs that were fetched as bytes, from several queues. `open` gives the job with its payload and its span.
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   const job = yield* disque.getJob(["urgent", "emails"])
   *   const payload = yield* emails.decode(job)
   *   const { trace } = yield* emails.open(job)
   *   return { payload, trace }
   * })
   * ```
   */
  readonly decode: (job: Job.Job | Job.PeekedJob) => Effect.Effect<A, InvalidPayload, R>
  /**
   * Decodes a job: gives it with its payload, and with the span that it was added in. If the schema needs no time and no services,
   * the result is already an `Exit`, so that a caller who opens many jobs need not run an effect for each.
   *
   * @see {@link JobQueue.decode}
   */
  readonly open: <J extends Job.Job | Job.PeekedJob>(job: J) => Effect.Effect<J & Typed<A>, InvalidPayload, R>
  /**
   * The options that a job is added with: those of the queue, then the given ones, and always a TTL. The TTL is 7 days unless an
   * option says otherwise, and at least 2 × the delay + the smaller of the TTL and 1 day. A delay of 2 days leaves it at 7 days, a
   * delay of 4 days makes it 9 days.
   *
   * @example
   * ```ts
   * import { DisquePool, JobQueue } from "@disco/core"
   * import { Effect, Schema } from "effect"
   *
   * const emails = JobQueue.make("emails", { payload: Schema.String, options: { retry: "1 minute" } })
   *
   * // Many jobs at once, with the options of the queue.
   * const addAll = (addresses: ReadonlyArray<string>) =>
   *   Effect.gen(function* () {
   *     const pool = yield* DisquePool
   *     const bodies = yield* Effect.forEach(addresses, emails.encode)
   *     const options = emails.addOptions({ delay: "10 minutes" })
   *     return yield* pool.addJobs(bodies.map((body) => ({ queue: emails.name, body, options })))
   *   })
   * ```
   */
  readonly addOptions: (options?: AddJobOptions) => AddJobOptions & { readonly ttl: Duration.DurationInput }
  /**
   * ADDJOB: adds a payload, with `addOptions(options)`.
   *
   * @see {@link make}
   */
  readonly add: (
    disque: Pick<DisqueCommands, "addJob">,
    payload: A,
    options?: AddJobOptions
  ) => Effect.Effect<JobId, AddJobError | InvalidPayload, R>
  /**
   * GETJOB: takes a job, as `getJob` does. Fails with `InvalidPayload` if the payload does not decode; the error holds the job.
   * When it is interrupted while it decodes, the job goes back.
   *
   * @see {@link make}
   */
  readonly get: (
    disque: Pick<DisqueCommands, "getJob" | "enqueueJob" | "nackJob">,
    options?: Omit<GetJobsOptions, "count">
  ) => Effect.Effect<TypedJob<A>, GetJobTimeout | GetJobsError | InvalidPayload, R>
  /**
   * GETJOB: takes up to `count` jobs, as `getJobs` does. For each it gives the job with its payload, or the error that says why the
   * payload does not decode. When it is interrupted while it decodes, all of the jobs go back.
   *
   * @example
   * ```ts
   * import { DisqueConnection, JobQueue } from "@disco/core"
   * import { Effect, Either, Schema } from "effect"
   *
   * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
   *
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   const waiting = yield* emails.peek(disque, { count: 10 })
   *   const age = yield* emails.oldestAge(disque)
   *   const jobs = yield* emails.getMany(disque, { count: 10, timeout: "1 second" })
   *   // Those that the schema accepts. The others come again after their retry time.
   *   const readable = jobs.filter(Either.isRight).map(({ right }) => right)
   *   yield* disque.ackJob(readable)
   *   return { waiting, age, addresses: readable.map(({ payload }) => payload.to) }
   * })
   * ```
   */
  readonly getMany: (
    disque: Pick<DisqueCommands, "getJobs" | "enqueueJob" | "nackJob">,
    options?: GetJobsOptions
  ) => Effect.Effect<ReadonlyArray<Either.Either<TypedJob<A>, InvalidPayload>>, GetJobsError, R>
  /**
   * QPEEK: shows jobs without taking them. For each it gives the job with its payload, or the error that says why there is none.
   *
   * @see {@link JobQueue.getMany}
   */
  readonly peek: (
    disque: Pick<DisqueCommands, "peek">,
    options?: PeekOptions
  ) => Effect.Effect<ReadonlyArray<Either.Either<TypedPeekedJob<A>, InvalidPayload>>, CommandError | InvalidArgument, R>
  /**
   * How long ago the oldest waiting job was added; `Option.none()` if no job waits.
   *
   * @see {@link JobQueue.getMany}
   */
  readonly oldestAge: (
    disque: Pick<DisqueCommands, "oldestAge">
  ) => Effect.Effect<Option.Option<Duration.Duration>, CommandError | InvalidArgument>
}

interface Shared<A, I, R> {
  readonly payload: Schema.Schema<A, I, R>
  /** How jobs are added, unless the call that adds them says otherwise. Without `ttl`, the TTL is 7 days. */
  readonly options?: AddJobOptions | undefined
}

/**
 * A queue of JSON, for any schema whose encoded side JSON can hold.
 *
 * @since 0.1.0
 * @category options
 */
export interface JsonSpec<A, I, R> extends Shared<A, I, R> {
  readonly format?: "json" | undefined
  /** Whether the span that a job is added in travels with the job; `false` by default. */
  readonly traced?: boolean | undefined
}

/**
 * A queue of text.
 *
 * @since 0.1.0
 * @category options
 */
export interface TextSpec<A, R> extends Shared<A, string, R> {
  readonly format: "text"
}

/**
 * A queue of bytes.
 *
 * @since 0.1.0
 * @category options
 */
export interface BytesSpec<A, R> extends Shared<A, Uint8Array, R> {
  readonly format: "bytes"
}

const defaultTtl = Duration.days(7)
// The most time that a job with a delay is given for the work after the delay.
const mostForWork = Duration.days(1)

// Half of the TTL has to reach beyond the delay, because no lease is renewed after it.
const withTtl = (options: AddJobOptions, own: Duration.DurationInput | undefined) => {
  const ttl = options.ttl ?? own ?? defaultTtl
  const living = { ...options, ttl }
  if (options.delay === undefined) return living
  const delay = Duration.decodeUnknown(options.delay)
  const least = Duration.decodeUnknown(ttl)
  // ADDJOB refuses a value that is not a duration.
  if (Option.isNone(delay) || Option.isNone(least)) return living
  const needed = Duration.toSeconds(delay.value) * 2 + Duration.toSeconds(Duration.min(least.value, mostForWork))
  // Disque wants whole seconds.
  const seconds = Math.min(Math.ceil(needed), maxTtlSeconds)
  return seconds > Duration.toSeconds(least.value) ? { ...living, ttl: Duration.seconds(seconds) } : living
}

/** Writes the encoded side of a payload to a body, and reads it from a body. */
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

interface AnySpec<A, I, R> extends Shared<A, I, R> {
  readonly format?: "json" | "text" | "bytes" | undefined
  readonly traced?: boolean | undefined
}

const subject = "JobQueue"

// A queue is described before any effect runs, so that there is no effect to fail.
const check = <A, I, R>(name: string, spec: AnySpec<A, I, R>): void =>
  Either.getOrThrowWith(
    Either.gen(function* () {
      yield* OptionReader.queue(subject, name)
      const { format = "json", options, payload, traced } = yield* OptionReader.record(subject, "spec", spec)
      if (!Schema.isSchema(payload)) yield* OptionReader.refuse(subject, "payload", payload, "a Schema")
      yield* OptionReader.word(subject, "format", format, ["json", "text", "bytes"])
      if ((yield* OptionReader.flag(subject, "traced", traced)) && format !== "json") {
        yield* OptionReader.refuse(
          subject,
          "traced",
          traced,
          `none with the format ${format}: only JSON has room for it`
        )
      }
      yield* OptionReader.ofJobs(subject, "options", options)
    }),
    (error) => error
  )

/**
 * Describes a queue. It throws an `InvalidArgument` if the name or the specification is not valid.
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
 *   // The error holds the job, which still has to be settled. Here the job is left to come again after its retry time.
 *   Effect.catchTag("InvalidPayload", (invalid) => Effect.logError(invalid.message, invalid.body))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: {
  <A, I, R>(name: string, spec: JsonSpec<A, I, R>): JobQueue<A, I, R>
  <A, R>(name: string, spec: TextSpec<A, R>): JobQueue<A, string, R>
  <A, R>(name: string, spec: BytesSpec<A, R>): JobQueue<A, Uint8Array, R>
} = <A, I, R>(name: string, spec: AnySpec<A, I, R>): JobQueue<A, I, R> => {
  check(name, spec)
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
      // A schema that needs no services and no time gives its result at once.
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

  // A schema may take time, and the fiber may be interrupted meanwhile.
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
