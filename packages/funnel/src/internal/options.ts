/** The options that funnels and workers have in common. */
import type { InvalidArgument } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"

type Checked<A> = Either.Either<A, InvalidArgument>

/** How long what was fetched ahead waits to be taken, in milliseconds. */
export const prefetchMillis = (subject: string, input: Duration.DurationInput | undefined): Checked<number> =>
  OptionReader.duration(subject, "prefetchTimeToLive", input ?? "10 seconds", 1)

/**
 * The queues to take jobs from: one, several in the order of their priority, or several with their weights.
 *
 * @since 0.1.0
 * @category options
 */
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
    return OptionReader.refuse(subject, "queues", input, "the names of one or more queues, at least one character each")
  }
  if (typeof input === "string" || Array.isArray(input))
    return Either.right({ from: names, isRanked: names.length > 1 })
  const weights = Object.entries(input as Readonly<Record<string, number>>)
  if (!weights.every(([, weight]) => Number.isInteger(weight) && weight >= 1 && weight <= 100)) {
    return OptionReader.refuse(subject, "queues", input, "weights that are whole numbers from 1 to 100")
  }
  // Round by round, so that a short answer of GETJOB is no answer of the first queue alone.
  const most = Math.max(...weights.map(([, weight]) => weight))
  const from: Array<string> = []
  for (let round = 0; round < most; round++) {
    for (const [name, weight] of weights) if (round < weight) from.push(name)
  }
  return Either.right({ from, isRanked: false })
}
