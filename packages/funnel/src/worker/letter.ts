/** A letter about a job, as readable JSON: what happened to the job, and all that is needed to add it again. */
import { InvalidArgument, type Job, JobId } from "@disco/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Facts } from "../incoming/jobCopy.js"

/**
 * Why a job was given up.
 *
 * - `failed`: it failed as often as it may, or with an error that is not tried again, or its next attempt would come after its TTL
 * - `crashed`: it was delivered again too often without having failed: the process that had it was killed, or lost its lease
 * - `undecodable`: its body does not fit the schema of its queue
 *
 * @since 0.1.0
 * @category models
 */
export type Reason = "failed" | "crashed" | "undecodable"

const Seconds = Schema.NonNegative

/**
 * The schema of letters.
 *
 * @since 0.1.0
 * @category models
 */
export const Letter = Schema.Struct({
  /** The first queue of the job. */
  queue: Schema.String,
  /** The first id of the job. */
  id: Schema.String,
  /** Why the job was given up; absent while it is tried again. */
  reason: Schema.optional(Schema.Literal("failed", "crashed", "undecodable")),
  /** The message of the last error. */
  error: Schema.optional(Schema.String),
  /** How often the job was tried. */
  attempts: Schema.NonNegativeInt,
  /** How often the job was put back by NACK. */
  nacks: Schema.NonNegativeInt,
  /** How often the job was delivered again for other reasons. */
  additionalDeliveries: Schema.NonNegativeInt,
  /** How many of those may have been crashes, as no worker gave the job back or reported a failure; absent if 0. */
  crashes: Schema.optional(Schema.NonNegativeInt),
  /** When the job was first added, if known. */
  addedAt: Schema.optional(Schema.String),
  /** When the job failed first. */
  firstAt: Schema.String,
  /** When the job failed last. */
  lastAt: Schema.String,
  /** RETRY and TTL with which the job was added, in seconds, if known. */
  retry: Schema.optional(Seconds),
  ttl: Schema.optional(Seconds),
  body: Schema.optional(Schema.String),
  /** The body in base64, if it is not UTF-8 text. */
  bodyBase64: Schema.optional(Schema.String)
})
/**
 * What a letter says of a job.
 *
 * @since 0.1.0
 * @category models
 */
export type Letter = Schema.Schema.Type<typeof Letter>

const json = Schema.parseJson(Letter)
const encodeJson = Schema.encodeSync(json)
const decodeJson = Schema.decodeEither(json)

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The fields of a letter for the body of its job. */
const enclose = (body: Uint8Array): Pick<Letter, "body" | "bodyBase64"> =>
  Either.getOrElse(
    Either.try((): Pick<Letter, "body" | "bodyBase64"> => ({ body: strict.decode(body) })),
    () => ({ bodyBase64: Encoding.encodeBase64(body) })
  )

/** The body of the job of a letter. */
export const bodyOf = (letter: Letter): Uint8Array =>
  letter.bodyBase64 === undefined
    ? encoder.encode(letter.body ?? "")
    : Either.getOrElse(Encoding.decodeBase64(letter.bodyBase64), () => new Uint8Array())

export const encodeLetter = (letter: Letter): string => encodeJson(letter)

/** The letter in the body of a job, or why the body is not a letter. */
export const decodeLetter = (job: Job.Job | Job.PeekedJob): Either.Either<Letter, InvalidArgument> => {
  const text = new TextDecoder().decode(job.body)
  return Either.mapLeft(
    decodeJson(text),
    (error) =>
      new InvalidArgument({
        subject: `queue ${JSON.stringify(job.queue)}`,
        argument: `job ${job.id}`,
        value: `${job.body.length} bytes`,
        expected: `a letter: ${error.message}`
      })
  )
}

const latestMillis = 8.64e15

/** A time as letters write it. */
const formatTime = (millis: number): string =>
  DateTime.formatIso(DateTime.unsafeMake(Math.max(0, Math.min(millis, latestMillis))))

/** A time that a letter writes, in milliseconds since 1970. */
export const parseTime = (time: string): number | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(time), DateTime.toEpochMillis))

/** What is known of a job, to write a letter about it. */
export interface LetterContents {
  readonly job: Job.Job
  /** The letter that the job came in, if it came in one. */
  readonly earlier: Letter | undefined
  readonly attempts: number
  readonly crashes: number
  /** Milliseconds since 1970 by the clock of this machine; the clocks of nodes and other machines may differ. */
  readonly firstAt: number
  readonly now: number
  /** The message of the last error, if the job failed. */
  readonly error: string | undefined
  readonly facts: Facts | undefined
}

// The id of a job carries its TTL in minutes, up to this many.
const mostTtlMinutes = 0xffff
// That number is rounded down, and made odd or even.
const ttlSlackMinutes = 2

/**
 * The whole TTL of a job, in seconds: its age and what is left. The age is the difference of the clocks of two machines, and may be
 * any number: so the TTL is at least what is left, and at most what the id says.
 */
const ttlOf = (job: Job.Job, { addedAt, leftMillis }: Facts, now: number): number => {
  const left = Math.max(0, leftMillis)
  const minutes = Duration.toMinutes(JobId.ttl(job.id))
  const most = minutes + 1 >= mostTtlMinutes ? Number.MAX_SAFE_INTEGER : (minutes + ttlSlackMinutes) * 60_000
  return Math.round(Math.max(left, Math.min(left + Math.max(0, now - addedAt), most)) / 1000)
}

/** Writes a letter. `reason` says why the job is given up. */
export const writeLetter = (contents: LetterContents, reason?: Reason): Letter => {
  const { earlier, facts, job, now } = contents
  const known =
    facts === undefined
      ? JobId.isAtLeastOnce(job.id)
        ? {}
        : { retry: 0 }
      : { addedAt: formatTime(facts.addedAt), retry: facts.retrySeconds, ttl: ttlOf(job, facts, now) }
  return {
    ...(earlier ?? { queue: job.queue, id: job.id, ...known, ...enclose(job.body) }),
    ...(reason === undefined ? {} : { reason }),
    ...(contents.error === undefined ? {} : { error: contents.error }),
    attempts: contents.attempts,
    nacks: job.nacks + (earlier?.nacks ?? 0),
    additionalDeliveries: job.additionalDeliveries + (earlier?.additionalDeliveries ?? 0),
    ...(contents.crashes === 0 ? {} : { crashes: contents.crashes }),
    firstAt: formatTime(Math.min(contents.firstAt, now)),
    lastAt: formatTime(now)
  }
}

/** The queue of the letters about jobs that wait for their next attempt. */
export const retryQueueOf = (queue: string): string => `${queue}.retry`
