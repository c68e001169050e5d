/** Arguments as a person writes them, checked and turned into what Disque takes. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { InvalidArgument } from "../DisqueError.js"
import type { JobRef } from "../Job.js"
import { isJobId, type JobId } from "../JobId.js"

type Checked<A> = Either.Either<A, InvalidArgument>

const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
  if (Duration.isDuration(value)) return Duration.format(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return Array.isArray(value) ? `[${value.map(show).join(", ")}]` : String(value)
}

const refuse = (subject: string, argument: string, value: string, expected: string): Checked<never> =>
  Either.left(new InvalidArgument({ subject, argument, value, expected }))

const invalid = (subject: string, argument: string, value: unknown, expected: string): Checked<never> =>
  refuse(subject, argument, show(value), expected)

// Duration.decode turns what is negative into zero, and we promise to round nothing in silence.
const isNegative = (input: unknown): boolean => {
  if (typeof input === "number" || typeof input === "bigint") return input < 0
  if (typeof input === "string") return input.trimStart().startsWith("-")
  return Array.isArray(input) && input.some((part) => part < 0)
}

/** A duration in milliseconds: finite, not negative, and not a fraction of one. */
const milliseconds = (
  subject: string,
  argument: string,
  input: Duration.DurationInput,
  expected: string
): Checked<number> => {
  if (isNegative(input) || Number.isNaN(input)) return invalid(subject, argument, input, expected)
  const duration = Duration.decodeUnknown(input)
  if (Option.isNone(duration)) return invalid(subject, argument, input, expected)
  const millis = Duration.toMillis(duration.value)
  return Number.isSafeInteger(millis) ? Either.right(millis) : invalid(subject, argument, input, expected)
}

/** A wait in milliseconds. */
export const wait = (
  subject: string,
  argument: string,
  input: Duration.DurationInput,
  least: number
): Checked<number> => {
  const expected = `a duration in whole milliseconds, ${least === 0 ? "0" : `${least} ms`} or more`
  return Either.filterOrLeft(
    milliseconds(subject, argument, input, expected),
    (millis) => millis >= least,
    () => new InvalidArgument({ subject, argument, value: show(input), expected })
  )
}

/** What Disque keeps in seconds. */
export const seconds = (
  subject: string,
  argument: string,
  input: Duration.DurationInput,
  least: number
): Checked<number> => {
  const expected = `a duration in whole seconds, ${least} s or more`
  return Either.flatMap(milliseconds(subject, argument, input, expected), (millis) =>
    millis % 1000 === 0 && millis >= least * 1000
      ? Either.right(millis / 1000)
      : refuse(subject, argument, typeof input === "number" ? `${input} ms` : show(input), expected)
  )
}

/** A whole number within bounds. */
export const count = (
  subject: string,
  argument: string,
  value: number,
  least: number,
  most: number
): Checked<number> =>
  Number.isInteger(value) && value >= least && value <= most
    ? Either.right(value)
    : invalid(subject, argument, value, `a whole number from ${least} to ${most}`)

/** A queue's name. */
export const queue = (subject: string, name: string): Checked<string> =>
  typeof name === "string" && name.length > 0
    ? Either.right(name)
    : invalid(subject, "queue", name, "the name of a queue, at least one character")

/** Queues' names, at least one. */
export const queues = (subject: string, names: string | ReadonlyArray<string>): Checked<ReadonlyArray<string>> => {
  const all = typeof names === "string" ? [names] : names
  if (all.length === 0) return refuse(subject, "queues", "none", "the name of at least one queue")
  for (const name of all) {
    const checked = queue(subject, name)
    if (Either.isLeft(checked)) return Either.left(checked.left)
  }
  return Either.right(all)
}

/** The id of a job, given by itself or with the job. */
export const jobId = (subject: string, job: JobRef): Checked<JobId> => {
  const id = typeof job === "object" ? job.id : job
  return isJobId(id)
    ? Either.right(id)
    : invalid(subject, "job id", id, "D-, 8 hex digits, -, 24 base64 characters, -, 4 hex digits")
}

const encoder = new TextEncoder()

/** A body, as bytes that later changes of the caller's buffer do not reach. */
export const body = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? encoder.encode(content) : content.slice()
