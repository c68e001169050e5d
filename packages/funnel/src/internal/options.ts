/** Options as a person writes them, checked where they are given. */
import { InvalidArgument } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { json, textOf } from "./failure.js"

type Checked<A> = Either.Either<A, InvalidArgument>

export const refuse = (subject: string, argument: string, value: unknown, expected: string): Checked<never> =>
  Either.left(
    new InvalidArgument({
      subject,
      argument,
      value: typeof value === "object" && value !== null ? (json(value) ?? textOf(value)) : textOf(value),
      expected
    })
  )

/** A whole number, `least` or more. */
export const count = (subject: string, argument: string, value: number, least: number): Checked<number> =>
  Number.isSafeInteger(value) && value >= least
    ? Either.right(value)
    : refuse(subject, argument, value, `a whole number, ${least} or more`)

/** A finite duration, in milliseconds. */
export const millis = (
  subject: string,
  argument: string,
  input: Duration.DurationInput,
  least: number
): Checked<number> => {
  const decoded = Option.map(Duration.decodeUnknown(input), Duration.toMillis)
  return Option.isSome(decoded) && Number.isFinite(decoded.value) && decoded.value >= least
    ? Either.right(decoded.value)
    : refuse(subject, argument, input, `a finite duration, ${least} ms or more`)
}

/** How long what was fetched ahead waits to be taken, in milliseconds. */
export const prefetchMillis = (subject: string, input: Duration.DurationInput | undefined): Checked<number> =>
  millis(subject, "prefetchTimeToLive", input ?? "10 seconds", 1)

/** One of the words given. */
export const word = <A extends string>(
  subject: string,
  argument: string,
  value: A,
  words: ReadonlyArray<A>
): Checked<A> =>
  words.includes(value) ? Either.right(value) : refuse(subject, argument, value, `one of ${words.join(", ")}`)

/** The queues to take jobs from: one, several in the order of their priority, or several with their weights. */
export type Queues = string | ReadonlyArray<string> | Readonly<Record<string, number>>

export interface QueuePlan {
  /** As GETJOB takes them: it goes through them in turn, so a queue that is named twice gives twice as much. */
  readonly from: ReadonlyArray<string>
  /** Whether a queue named first goes before the others. */
  readonly isRanked: boolean
}

export const queues = (subject: string, input: Queues): Checked<QueuePlan> => {
  const names = typeof input === "string" ? [input] : Array.isArray(input) ? input : Object.keys(input ?? {})
  const isNamed = names.length > 0 && names.every((name) => typeof name === "string" && name.length > 0)
  if (!isNamed) {
    return refuse(subject, "queues", input, "the names of one or more queues, at least one character each")
  }
  if (typeof input === "string" || Array.isArray(input))
    return Either.right({ from: names, isRanked: names.length > 1 })
  const weights = Object.entries(input as Readonly<Record<string, number>>)
  if (!weights.every(([, weight]) => Number.isInteger(weight) && weight >= 1 && weight <= 100)) {
    return refuse(subject, "queues", input, "weights that are whole numbers from 1 to 100")
  }
  // Round by round, so that a short answer of GETJOB is no answer of the first queue alone.
  const most = Math.max(...weights.map(([, weight]) => weight))
  const from: Array<string> = []
  for (let round = 0; round < most; round++) {
    for (const [name, weight] of weights) if (round < weight) from.push(name)
  }
  return Either.right({ from, isRanked: false })
}
