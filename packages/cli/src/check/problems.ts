/** What is wrong with queues and nodes, by the bounds that the user has set. */
import type { Cluster } from "@disco/core"
import { deadQueueOf, isOwnQueue, queueOfDead } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { age, count, counted } from "../output/format.js"
import { printable } from "../output/text.js"
import { above, type Bounds, below, type Problem } from "./verdict.js"

export interface Limits {
  /** The names of the queues to look at; all if there are none. */
  readonly queues: ReadonlyArray<string>
  readonly maxLength: Bounds | undefined
  /** In milliseconds. */
  readonly maxAge: Bounds | undefined
  readonly minConsumers: Bounds | undefined
  readonly maxDead: Bounds | undefined
  readonly clusterSize: number | undefined
}

/** Queues that hold what was given up: nobody consumes them, and they have a bound of their own. */
const isDead = (name: string): boolean => queueOfDead(name) !== undefined

/** A queue that nobody knows is empty, and has no consumers. */
type Known = Pick<Cluster.ClusterQueue, "name" | "length" | "blocked" | "oldest" | "rates">

const empty = (name: string): Known => ({ name, length: 0, blocked: 0, oldest: undefined, rates: undefined })

const ofQueue = (queue: Known, { maxAge, maxLength, minConsumers }: Limits): ReadonlyArray<Problem> => {
  const problems: Array<Problem> = []
  const name = printable(queue.name)
  if (maxLength !== undefined) {
    problems.push({
      severity: above(queue.length, maxLength),
      what: `${name} has ${counted(queue.length, "job")}`
    })
  }
  if (maxAge !== undefined && queue.oldest !== undefined) {
    problems.push({
      severity: above(Duration.toMillis(queue.oldest), maxAge),
      what: `the oldest job of ${name} is ${age(queue.oldest)} old`
    })
  }
  // Consumers that are busy do not wait: that they are there shows in what goes out.
  if (minConsumers !== undefined && !(queue.rates !== undefined && queue.rates.out > 0)) {
    problems.push({
      severity: below(queue.blocked, minConsumers),
      what: `${name} has ${queue.blocked === 0 ? "no consumers" : `only ${counted(queue.blocked, "consumer")}`}`
    })
  }
  return problems
}

/** What is wrong, without what is fine. */
export const problemsOf = (
  { nodes, queues }: Cluster.QueueSnapshot,
  members: ReadonlyArray<Cluster.Member>,
  limits: Limits
): ReadonlyArray<Problem> => {
  const byName = new Map<string, Known>(queues.map((queue) => [queue.name, queue]))
  const wanted =
    limits.queues.length > 0
      ? limits.queues.map((name) => byName.get(name) ?? empty(name))
      : queues.filter(({ name }) => !isDead(name) && !isOwnQueue(name))
  const problems: Array<Problem> = wanted.flatMap((queue) => ofQueue(queue, limits))
  if (limits.maxDead !== undefined) {
    const dead =
      limits.queues.length > 0
        ? limits.queues.map(deadQueueOf).map((name) => byName.get(name) ?? empty(name))
        : queues.filter(({ name }) => isDead(name))
    for (const { length, name } of dead) {
      problems.push({
        severity: above(length, limits.maxDead),
        what: `${printable(name)} has ${counted(length, "dead letter")}`
      })
    }
  }
  const up = members.filter(({ state }) => state === "up")
  const { clusterSize } = limits
  if (clusterSize !== undefined && up.length < clusterSize) {
    problems.push({ severity: "CRITICAL", what: `${up.length} of ${count(clusterSize)} nodes are up` })
  }
  for (const { address, figures, state } of members) {
    if (state === "up") continue
    const why = Either.isLeft(figures) ? ` (${figures.left.message})` : ""
    problems.push({ severity: "WARNING", what: `${address} is ${state}${why}` })
  }
  for (const { address, error, isComplete } of nodes) {
    // What is not known may be beyond every bound.
    const asksQueues = [limits.maxLength, limits.maxAge, limits.minConsumers, limits.maxDead].some(
      (each) => each !== undefined
    )
    if (!asksQueues || isComplete) continue
    const why = error === undefined ? "has more queues than are looked at" : "did not tell its queues"
    problems.push({ severity: "UNKNOWN", what: `${address} ${why}` })
  }
  return problems.filter(({ severity }) => severity !== "OK")
}
