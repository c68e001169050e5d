/**
 * The one reader of options, for all packages: everything that a program passes as an option is checked here. Each function takes
 * what the option belongs to, its name and its value, and gives the value as the code needs it, or the `InvalidArgument` that
 * names the option, the value and what was expected. Nothing is rounded or replaced in silence.
 */
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import { InvalidArgument } from "../DisqueError.js"
import * as input from "./input.js"

type Read<A> = Either.Either<A, InvalidArgument>

/** Refuses a value that the words given stand for. */
export const refuseText = (subject: string, option: string, value: string, expected: string): Read<never> =>
  Either.left(new InvalidArgument({ subject, argument: option, value, expected }))

/** Refuses a value. */
export const refuse = (subject: string, option: string, value: unknown, expected: string): Read<never> =>
  refuseText(subject, option, input.show(value), expected)

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

/** The names of queues, one or more. */
export const queues = input.checked(input.queues)
