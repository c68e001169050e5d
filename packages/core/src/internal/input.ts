/**
 * Arguments as a person writes them, read into what Disque takes. A reader throws the `InvalidArgument` that names the value and what was
 * expected; {@link checked} makes a value of it. Values of any type are checked, because a caller may be written in JavaScript.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidArgument } from "../DisqueError.js"
import type { JobRef } from "../Job.js"
import { isJobId, type JobId } from "../JobId.js"

const objectText = (value: object): string => {
  if (Duration.isDuration(value)) return Duration.format(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Redacted.isRedacted(value)) return "<redacted>"
  return Array.isArray(value)
    ? `[${value.slice(0, 5).map(show).join(", ")}${value.length > 5 ? ", …" : ""}]`
    : "an object"
}

/** A value in few words. */
export const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
  if (typeof value === "function") return "a function"
  return typeof value === "object" && value !== null ? objectText(value) : String(value)
}

/** Refuses an argument. */
export const refuse = (subject: string, argument: string, value: string, expected: string): never => {
  throw new InvalidArgument({ subject, argument, value, expected })
}

const invalid = (subject: string, argument: string, value: unknown, expected: string): never =>
  refuse(subject, argument, show(value), expected)

/** Makes a function that gives the refusal of a reader as a value, instead of throwing it. */
export const checked =
  <Input extends ReadonlyArray<unknown>, A>(read: (...input: Input) => A) =>
  (...input: Input): Either.Either<A, InvalidArgument> => {
    try {
      return Either.right(read(...input))
    } catch (thrown) {
      if (thrown instanceof InvalidArgument) return Either.left(thrown)
      throw thrown
    }
  }

/** Options: an object, or nothing at all. */
export const options = <A extends object>(subject: string, given: A | undefined): Partial<A> => {
  if (given === undefined) return {}
  return typeof given === "object" && given !== null && !Array.isArray(given)
    ? given
    : invalid(subject, "options", given, "an object")
}

// Duration.decode turns a negative duration into zero, but no value may be rounded in silence.
const isNegative = (input: unknown): boolean => {
  if (typeof input === "number" || typeof input === "bigint") return input < 0
  if (typeof input === "string") return input.trimStart().startsWith("-")
  return Array.isArray(input) && input.some((part) => typeof part === "number" && part < 0)
}

/** A duration in milliseconds; NaN if the input is not a duration, or is negative, infinite, or not whole. */
const milliseconds = (input: Duration.DurationInput): number => {
  if (typeof input === "number") return Number.isSafeInteger(input) && input >= 0 ? input : Number.NaN
  if (isNegative(input)) return Number.NaN
  const duration = Duration.decodeUnknown(input)
  if (Option.isNone(duration)) return Number.NaN
  const millis = Duration.toMillis(duration.value)
  return Number.isSafeInteger(millis) ? millis : Number.NaN
}

/** A wait in milliseconds. */
export const wait = (subject: string, argument: string, input: Duration.DurationInput, least: number): number => {
  const millis = milliseconds(input)
  return millis >= least
    ? millis
    : invalid(subject, argument, input, `a finite duration in whole milliseconds, ${least} ms or more`)
}

/** A duration that Disque keeps in whole seconds. */
export const seconds = (
  subject: string,
  argument: string,
  input: Duration.DurationInput,
  least: number,
  most: number
): number => {
  const millis = milliseconds(input)
  if (millis % 1000 === 0 && millis >= least * 1000 && millis <= most * 1000) return millis / 1000
  const value = typeof input === "number" && !Number.isNaN(millis) ? `${input} ms` : show(input)
  return refuse(subject, argument, value, `a duration in whole seconds, from ${least} s to ${most} s`)
}

/** A whole number within bounds. */
export const count = (subject: string, argument: string, value: number, least: number, most: number): number =>
  Number.isInteger(value) && value >= least && value <= most
    ? value
    : invalid(
        subject,
        argument,
        value,
        most === Number.MAX_SAFE_INTEGER
          ? `a whole number, ${least} or more`
          : `a whole number from ${least} to ${most}`
      )

/** Yes or no; no unless given. */
export const flag = (subject: string, argument: string, value: boolean | undefined): boolean =>
  value === undefined || typeof value === "boolean"
    ? value === true
    : invalid(subject, argument, value, "true or false")

/** One of some words. */
export const oneOf = <A extends string>(subject: string, argument: string, value: A, words: ReadonlyArray<A>): A =>
  words.includes(value) ? value : invalid(subject, argument, value, `one of ${words.join(", ")}`)

/** Disque ends the connection of a client that sends a longer argument, and with it all other commands under way there. */
const mostBytes = 512 * 1024 * 1024
const tooLong = "at most 512 MB"

const halfOfPair = /\p{Surrogate}/u

const encoder = new TextEncoder()

/** How many bytes well-formed text takes in UTF-8, found out without making them all. */
const utf8Length = (text: string): number => {
  const scratch = new Uint8Array(65_536)
  let length = 0
  for (let at = 0; at < text.length; ) {
    // As many characters as there is room for bytes: a pair that is cut at their end has no room, and is read with the next ones.
    const { read, written } = encoder.encodeInto(text.slice(at, at + scratch.length), scratch)
    at += read
    length += written
  }
  return length
}

/** Text that arrives as it is: half of a surrogate pair would be replaced, and what is too long ends the connection. */
export const sendable = (subject: string, argument: string, value: string): string => {
  if (!value.isWellFormed()) {
    const at = value.search(halfOfPair)
    refuse(subject, argument, `text with half of a surrogate pair at ${at}`, "text of whole characters")
  }
  // No character takes more than three bytes, or as half of a pair two.
  if (value.length > mostBytes / 3) {
    const length = utf8Length(value)
    if (length > mostBytes) refuse(subject, argument, `text of ${length} bytes`, tooLong)
  }
  return value
}

/** Bytes that Disque takes, as a copy that later changes of the caller's buffer do not reach. */
export const copyOf = (subject: string, argument: string, bytes: Uint8Array): Uint8Array =>
  bytes.length > mostBytes ? invalid(subject, argument, bytes, tooLong) : new Uint8Array(bytes)

/** Text that is not empty. */
export const text = (subject: string, argument: string, value: string, expected: string): string =>
  typeof value === "string" && value.length > 0
    ? sendable(subject, argument, value)
    : invalid(subject, argument, value, expected)

/** Text of a form. */
export const matching = (
  subject: string,
  argument: string,
  value: string,
  pattern: RegExp,
  expected: string
): string =>
  typeof value === "string" && pattern.test(value)
    ? sendable(subject, argument, value)
    : invalid(subject, argument, value, expected)

/** A secret of one character or more, which no error shows. */
export const secret = (subject: string, argument: string, value: Redacted.Redacted): string => {
  const plain: unknown = Redacted.isRedacted(value) ? Redacted.value(value) : undefined
  return typeof plain === "string" && plain.length > 0
    ? sendable(subject, argument, plain)
    : refuse(subject, argument, "<redacted>", "a Redacted string, at least one character")
}

/** A queue's name. */
export const queue = (subject: string, name: string): string =>
  text(subject, "queue", name, "the name of a queue, at least one character")

// Disque takes a command of 1,048,576 words at most.
const mostQueues = 1_000_000

/** Queues' names, at least one. */
export const queues = (subject: string, names: string | ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!Array.isArray(names)) return [queue(subject, names as string)]
  if (names.length === 0) return refuse(subject, "queues", "none", "the name of at least one queue")
  if (names.length > mostQueues) return refuse(subject, "queues", String(names.length), `${mostQueues} names at most`)
  for (const name of names) queue(subject, name)
  return names
}

/** The id of a job, given by itself or with the job. */
export const jobId = (subject: string, job: JobRef): JobId => {
  const id = typeof job === "object" && job !== null ? job.id : job
  return isJobId(id) ? id : invalid(subject, "job id", id, "D-, 8 hex digits, -, 24 base64 characters, -, 4 hex digits")
}

/** The ids of jobs, at least one. */
export const jobIds = (subject: string, jobs: JobRef | ReadonlyArray<JobRef>): ReadonlyArray<JobId> => {
  if (!Array.isArray(jobs)) return [jobId(subject, jobs as JobRef)]
  if (jobs.length === 0) return refuse(subject, "jobs", "none", "at least one job or job id")
  return (jobs as ReadonlyArray<JobRef>).map((job) => jobId(subject, job))
}

/** The node that a job was fetched from; undefined if the job does not say. */
export const holder = (job: JobRef | undefined): string | undefined =>
  typeof job === "object" && job !== null ? job.node : undefined

/** A body: text, or a copy of bytes. */
export const body = (subject: string, content: string | Uint8Array): string | Uint8Array => {
  if (typeof content === "string") return sendable(subject, "body", content)
  return content instanceof Uint8Array
    ? copyOf(subject, "body", content)
    : invalid(subject, "body", content, "text or a Uint8Array")
}
