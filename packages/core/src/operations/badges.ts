/** What is the matter with a queue, and which queues are in the most trouble. */
import * as Duration from "effect/Duration"
import * as Order from "effect/Order"
import { isOwnQueue, queueOfDead } from "../internal/ownQueues.js"
import type { ClusterQueue } from "./queues.js"

/**
 * What is the matter with a queue.
 *
 * - `no consumers`: jobs wait, no client waits for one, and nothing goes out
 * - `partly paused`: not the same is paused on all nodes
 * - `paused`: the same is paused on all nodes
 * - `growing`: jobs wait, and more come in than go out, by a tenth or more
 *
 * Queues of Disco's own are never `no consumers` or `growing`, because their jobs are looked at and expire: `disco.workers` of
 * `Worker.Reporting`, and `disco.ids.…` of `PersistedQueueStore`. Queues of dead letters (`<name>.dead`) are never `no consumers`,
 * because letters wait for somebody to look at them.
 *
 * @since 0.1.0
 * @category models
 */
export type Badge = "no consumers" | "partly paused" | "paused" | "growing"

// Without rates, a queue in which nothing has come or gone for so long has no consumers.
const idleMillis = 5000

const hasNoConsumers = ({ blocked, idle, length, name, rates }: ClusterQueue): boolean =>
  !isOwnQueue(name) &&
  queueOfDead(name) === undefined &&
  length > 0 &&
  blocked === 0 &&
  (rates === undefined ? Duration.toMillis(idle) >= idleMillis : rates.out === 0)

const isGrowing = ({ length, name, rates }: ClusterQueue): boolean =>
  !isOwnQueue(name) && length > 0 && rates !== undefined && rates.in > 0 && rates.in - rates.out >= rates.in / 10

const isPartlyPaused = ({ pauses: [first, ...others] }: ClusterQueue): boolean =>
  others.some(({ pause }) => pause !== first?.pause)

const isPaused = (queue: ClusterQueue): boolean =>
  queue.pauses[0] !== undefined && queue.pauses[0].pause !== "none" && !isPartlyPaused(queue)

/** The worst first. */
const tests: ReadonlyArray<readonly [Badge, (queue: ClusterQueue) => boolean]> = [
  ["no consumers", hasNoConsumers],
  ["partly paused", isPartlyPaused],
  ["paused", isPaused],
  ["growing", isGrowing]
]

export const badges = (queue: ClusterQueue): ReadonlyArray<Badge> =>
  tests.flatMap(([badge, holds]) => (holds(queue) ? [badge] : []))

const rank = (queue: ClusterQueue): number => {
  const worst = tests.findIndex(([, holds]) => holds(queue))
  return worst < 0 ? tests.length : worst
}

const greatest = Order.reverse(Order.number)

export const worstFirst: Order.Order<ClusterQueue> = Order.combineAll([
  Order.mapInput(Order.number, rank),
  Order.mapInput(greatest, ({ oldest }: ClusterQueue) => (oldest === undefined ? 0 : Duration.toMillis(oldest))),
  Order.mapInput(greatest, ({ length }: ClusterQueue) => length),
  Order.mapInput(Order.string, ({ name }: ClusterQueue) => name)
])
