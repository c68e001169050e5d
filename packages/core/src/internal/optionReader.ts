/**
 * The one reader of options, for all packages: everything that a program passes as an option is checked here. Each function takes
 * what the option belongs to, its name and its value, and gives the value as the code needs it, or the `InvalidArgument` that
 * names the option, the value and what was expected. Nothing is rounded or replaced in silence.
 */
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import { type AddJobOptions, addJob, maxTtlSeconds } from "../commands/jobs.js"
import { InvalidArgument } from "../DisqueError.js"
import * as input from "./input.js"

type Read<A> = Either.Either<A, InvalidArgument>

/** Refuses a value that the words given stand for. */
export const refuseText = (subject: string, option: string, value: string, expected: string): Read<never> =>
  Either.left(new InvalidArgument({ subject, argument: option, value, expected }))

/** Refuses a value. */
export const refuse = (subject: string, option: string, value: unknown, expected: string): Read<never> =>
  refuseText(subject, option, input.show(value), expected)

/** All options of a call: an object, or nothing at all. */
export const all = <A extends object>(subject: string, given: A | undefined): Read<Partial<A>> =>
  given === undefined || isRecord(given) ? Either.right(given ?? {}) : refuse(subject, "options", given, "an object")

/** An object with something under names. */
export const record = <A extends object>(subject: string, option: string, value: A): Read<A> =>
  isRecord(value) ? Either.right(value) : refuse(subject, option, value, "an object")

const isRecord = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** A duration in whole milliseconds, `least` or more, as a number of milliseconds. */
export const duration = input.checked(input.wait)

const readCount = input.checked(input.count)

/** A whole number, from `least` to `most`. */
export const count = (
  subject: string,
  option: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER
): Read<number> => readCount(subject, option, value, least, most)

/** One of the words given. */
export const word = input.checked(input.oneOf) as <A extends string>(
  subject: string,
  option: string,
  value: A,
  words: ReadonlyArray<A>
) => Read<A>

/** A schedule. */
export const schedule = <Out, In, R>(
  subject: string,
  option: string,
  value: Schedule.Schedule<Out, In, R>
): Read<Schedule.Schedule<Out, In, R>> =>
  Schedule.isSchedule(value) ? Either.right(value) : refuse(subject, option, value, "a Schedule")

/** Yes or no; no unless given. */
export const flag = input.checked(input.flag)

/** Text that is not empty. */
export const text = input.checked(input.text)

/** A secret of one character or more, which no error shows. */
export const secret = input.checked(input.secret)

/** A function of the user's, or none. */
export const callback = <A>(subject: string, option: string, value: A, expected: string): Read<A> =>
  value === undefined || typeof value === "function" ? Either.right(value) : refuse(subject, option, value, expected)

/** The name of a queue. */
export const queue = input.checked(input.queue)

/** The names of queues, one or more. */
export const queues = input.checked(input.queues)

// A delay fits or not by the TTL, which the options of a job may still change.
const longLived: AddJobOptions = { ttl: maxTtlSeconds * 1000 }

/** How jobs are added, unless the options of a job say otherwise: each of them by itself has to be one that ADDJOB takes. */
export const ofJobs = (subject: string, option: string, value: AddJobOptions | undefined): Read<AddJobOptions> =>
  Either.gen(function* () {
    if (value === undefined) return {}
    yield* record(subject, option, value)
    for (const [name, given] of Object.entries(value)) {
      yield* Either.mapLeft(
        addJob.make("q", "", { ...longLived, [name]: given }),
        (error) => new InvalidArgument({ ...error, subject, argument: `${option}.${name}` })
      )
    }
    return value
  })
