/** A job in an envelope, as readable JSON: how it fared, and all that it takes to add it again. */
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
 * - `failed`: it failed as often as it may, or with what is not to be tried again, or its next attempt would come after its TTL
 * - `crashed`: it was delivered again too often without having failed: whoever had it was killed, or lost it
 * - `undecodable`: its body does not fit the schema of its queue
 */
export type Reason = "failed" | "crashed" | "undecodable"

const Seconds = Schema.NonNegative

/** What is known of a job that failed. */
export const Letter = Schema.Struct({
  /** The queue that the job was in at first. */
  queue: Schema.String,
  /** The id that the job had at first. */
  id: Schema.String,
  /** None while it is tried again. */
  reason: Schema.optional(Schema.Literal("failed", "crashed", "undecodable")),
  /** What went wrong last, in words. */
  error: Schema.optional(Schema.String),
  /** How often it was tried. */
  attempts: Schema.NonNegativeInt,
  /** How often it was put back by NACK. */
  nacks: Schema.NonNegativeInt,
  /** How often it was delivered again for other reasons. */
  additionalDeliveries: Schema.NonNegativeInt,
  /** How many of those may have been crashes: no worker gave it back, nor said that it failed. None where that is 0. */
  crashes: Schema.optional(Schema.NonNegativeInt),
  /** When the job was added at first, as far as is known. */
  addedAt: Schema.optional(Schema.String),
  /** When it failed first. */
  firstAt: Schema.String,
  /** When it failed last. */
  lastAt: Schema.String,
  /** How it was added: seconds of RETRY and TTL, as far as is known. */
  retry: Schema.optional(Seconds),
  ttl: Schema.optional(Seconds),
  body: Schema.optional(Schema.String),
  /** The body, where it is no text. */
  bodyBase64: Schema.optional(Schema.String)
})
export type Letter = Schema.Schema.Type<typeof Letter>

const json = Schema.parseJson(Letter)
const encodeJson = Schema.encodeSync(json)
const decodeJson = Schema.decodeEither(json)

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The body as the letter holds it. */
export const enclose = (body: Uint8Array): Pick<Letter, "body" | "bodyBase64"> =>
  Either.getOrElse(
    Either.try((): Pick<Letter, "body" | "bodyBase64"> => ({ body: strict.decode(body) })),
    () => ({ bodyBase64: Encoding.encodeBase64(body) })
  )

/** The body that the letter holds. */
export const enclosed = (letter: Letter): Uint8Array =>
  letter.bodyBase64 === undefined
    ? encoder.encode(letter.body ?? "")
    : Either.getOrElse(Encoding.decodeBase64(letter.bodyBase64), () => new Uint8Array())

export const toJson = (letter: Letter): string => encodeJson(letter)

/** The letter in a job, or why there is none in it. */
export const fromJob = (job: Job.Job | Job.PeekedJob): Either.Either<Letter, InvalidArgument> => {
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

/** A time as the letter has it. */
export const time = (millis: number): string =>
  DateTime.formatIso(DateTime.unsafeMake(Math.max(0, Math.min(millis, latestMillis))))

/** What the letter says of a time, in milliseconds. */
export const millis = (time: string): number | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(time), DateTime.toEpochMillis))

/** What is known of a job, to write a letter about it. */
export interface Account {
  readonly job: Job.Job
  /** What an earlier letter says of it. */
  readonly history: Letter | undefined
  readonly attempts: number
  readonly crashes: number
  /** Milliseconds since 1970, as this machine has them; nodes and other machines may see it otherwise. */
  readonly firstAt: number
  readonly now: number
  /** None where it did not fail. */
  readonly error: string | undefined
  readonly facts: Facts | undefined
}

// The id carries the TTL in minutes, up to this many.
const mostTtlMinutes = 0xffff
// It is rounded down, and to an odd or even number.
const ttlSlackMinutes = 2

/**
 * The whole TTL of a job, in seconds: what is left of it, and its age. The age is the difference of the clocks of two machines, and
 * may be anything: the TTL is not less than what is left, and not more than the id says.
 */
const ttlOf = (job: Job.Job, { addedAt, leftMillis }: Facts, now: number): number => {
  const left = Math.max(0, leftMillis)
  const minutes = Duration.toMinutes(JobId.ttl(job.id))
  const most = minutes + 1 >= mostTtlMinutes ? Number.MAX_SAFE_INTEGER : (minutes + ttlSlackMinutes) * 60_000
  return Math.round(Math.max(left, Math.min(left + Math.max(0, now - addedAt), most)) / 1000)
}

export const write = (account: Account, reason?: Reason): Letter => {
  const { facts, history, job, now } = account
  const known =
    facts === undefined
      ? JobId.isAtLeastOnce(job.id)
        ? {}
        : { retry: 0 }
      : { addedAt: time(facts.addedAt), retry: facts.retrySeconds, ttl: ttlOf(job, facts, now) }
  return {
    ...(history ?? { queue: job.queue, id: job.id, ...known, ...enclose(job.body) }),
    ...(reason === undefined ? {} : { reason }),
    ...(account.error === undefined ? {} : { error: account.error }),
    attempts: account.attempts,
    nacks: job.nacks + (history?.nacks ?? 0),
    additionalDeliveries: job.additionalDeliveries + (history?.additionalDeliveries ?? 0),
    ...(account.crashes === 0 ? {} : { crashes: account.crashes }),
    firstAt: time(Math.min(account.firstAt, now)),
    lastAt: time(now)
  }
}

export const deadQueue = (queue: string): string => `${queue}.dead`
export const retryQueue = (queue: string): string => `${queue}.retry`
