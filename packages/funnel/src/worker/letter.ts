/** A job in an envelope, as readable JSON: how it fared, and all that it takes to add it again. */
import { InvalidArgument, type Job } from "@disco/core"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * Why a job was given up.
 *
 * - `failed`: it failed as often as it may, or its next attempt would come after its TTL
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
const decodeJson = Schema.decode(json)

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
export const fromJob = (job: Job.Job | Job.PeekedJob) => {
  const text = new TextDecoder().decode(job.body)
  return Effect.mapError(
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

/** A time as the letter has it. */
export const time = (millis: number): string => DateTime.formatIso(DateTime.unsafeMake(millis))

/** What the letter says of a time, in milliseconds. */
export const millis = (time: string): number | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(time), DateTime.toEpochMillis))

/** What is known of a job, to write a letter about it. */
export interface Account {
  readonly job: Job.Job
  /** What an earlier letter says of it. */
  readonly history: Letter | undefined
  readonly attempts: number
  readonly firstAt: number
  readonly now: number
  readonly error: string
  readonly facts: Facts | undefined
}

/** What its node knows of a job. */
export interface Facts {
  readonly addedAt: number
  /** What is left of its TTL. */
  readonly leftMillis: number
  readonly retrySeconds: number
}

export const write = (account: Account, reason?: Reason): Letter => {
  const { facts, history, job } = account
  const ageMillis = facts === undefined ? 0 : account.now - facts.addedAt
  const known =
    facts === undefined
      ? {}
      : {
          addedAt: time(facts.addedAt),
          retry: facts.retrySeconds,
          ttl: Math.round((facts.leftMillis + ageMillis) / 1000)
        }
  return {
    ...(history ?? { queue: job.queue, id: job.id, ...known, ...enclose(job.body) }),
    ...(reason === undefined ? {} : { reason }),
    error: account.error,
    attempts: account.attempts,
    nacks: job.nacks + (history?.nacks ?? 0),
    additionalDeliveries: job.additionalDeliveries + (history?.additionalDeliveries ?? 0),
    firstAt: time(account.firstAt),
    lastAt: time(account.now)
  }
}

export const deadQueue = (queue: string): string => `${queue}.dead`
export const retryQueue = (queue: string): string => `${queue}.retry`
