/** What the screens of queues show, of the last look. */
import { Cluster } from "@disco/core"
import { matches } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import type { History, QueueAnswer, QueueNode, QueueOrder, QueueRow, QueuesPage, QueuesParams } from "../api/queues.js"
import { fineMillis } from "../sampling/history.js"
import { type ListedQueue, prefixOf } from "../sampling/queueList.js"
import type { Sampler } from "../sampling/sampler.js"

const rowOf = ({ badges, oldestMillis, queue }: ListedQueue, sampler: Sampler, now: number): QueueRow => ({
  name: queue.name,
  length: queue.length,
  oldestMillis,
  in: queue.rates?.in ?? null,
  out: queue.rates?.out ?? null,
  imported: queue.rates?.imported ?? null,
  blocked: queue.blocked,
  pause: queue.pause,
  pausedOn: queue.pauses.filter(({ pause }) => pause !== "none").map(({ node, pause }) => ({ node, pause })),
  badges,
  sparkline: sampler.history.sparkline(queue.name, now)
})

const isWanted = ({ badge, prefix, search }: QueuesParams): ((listed: ListedQueue) => boolean) => {
  const text = search?.trim().toLowerCase() ?? ""
  const isPattern = /[*?]/.test(text)
  return ({ badges, queue: { name } }) => {
    if (badge !== undefined && !badges.includes(badge)) return false
    if (prefix !== undefined && prefixOf(name) !== prefix) return false
    if (text === "") return true
    return isPattern ? matches(text, name.toLowerCase()) : name.toLowerCase().includes(text)
  }
}

type Compare = (a: ListedQueue, b: ListedQueue) => number

const byName: Compare = (a, b) => (a.queue.name < b.queue.name ? -1 : a.queue.name > b.queue.name ? 1 : 0)

const from =
  (value: (listed: ListedQueue) => number | null | undefined): Compare =>
  (a, b) =>
    (value(a) ?? -1) - (value(b) ?? -1) || byName(a, b)

/** From the least to the most; problems: from the worst on. */
const orders: Record<QueueOrder, Compare> = {
  problems: (a, b) => Cluster.worstFirst(a.queue, b.queue),
  name: byName,
  length: from(({ queue }) => queue.length),
  oldest: from(({ oldestMillis }) => oldestMillis),
  in: from(({ queue }) => queue.rates?.in),
  out: from(({ queue }) => queue.rates?.out),
  blocked: from(({ queue }) => queue.blocked)
}

/** The order in which people expect values: names from A on, and figures from the most on. */
const usual: Record<QueueOrder, "up" | "down"> = {
  problems: "up",
  name: "up",
  length: "down",
  oldest: "down",
  in: "down",
  out: "down",
  blocked: "down"
}

/** A part of the list of queues. */
export const queuesPage = (sampler: Sampler, params: QueuesParams, now: number): QueuesPage => {
  const { list } = sampler
  const { limit = 100, offset = 0, order = "problems" } = params
  const compare = orders[order]
  const direction = params.direction ?? usual[order]
  const found = list.listed.filter(isWanted(params)).sort(direction === "up" ? compare : (a, b) => compare(b, a))
  return {
    at: list.at ?? null,
    isComplete: list.isComplete,
    totals: list.totals,
    matching: found.length,
    queues: found.slice(offset, offset + limit).map((listed) => rowOf(listed, sampler, now)),
    groups: list.groups,
    sparklineMillis: fineMillis
  }
}

const nodeOf = (node: Cluster.NodeQueue, addressOf: (id: string) => string): QueueNode => ({
  node: node.node,
  length: node.length,
  oldestMillis: node.oldest === undefined ? null : Duration.toMillis(node.oldest),
  in: node.rates?.in ?? null,
  out: node.rates?.out ?? null,
  imported: node.rates?.imported ?? null,
  importFrom: node.importFrom.map(addressOf),
  blocked: node.blocked,
  pause: node.pause,
  ageMillis: Duration.toMillis(node.age),
  idleMillis: Duration.toMillis(node.idle)
})

/** All figures of a queue. */
export const queueAnswer = (
  sampler: Sampler,
  name: string,
  typedQueues: ReadonlyArray<string>,
  now: number
): QueueAnswer => {
  const { list } = sampler
  const listed = list.find(name)
  const side = (suffix: string) => {
    const found = list.find(`${name}.${suffix}`)
    return found === undefined ? null : { name: found.queue.name, length: found.queue.length }
  }
  return {
    at: list.at ?? null,
    sparklineMillis: fineMillis,
    queue:
      listed === undefined
        ? null
        : {
            ...rowOf(listed, sampler, now),
            ageMillis: Duration.toMillis(listed.queue.age),
            idleMillis: Duration.toMillis(listed.queue.idle),
            jobsIn: String(listed.queue.jobsIn),
            jobsOut: String(listed.queue.jobsOut),
            nodes: listed.queue.nodes.map((node) => nodeOf(node, (id) => list.addressOf(id))),
            retry: side("retry"),
            dead: side("dead"),
            isTyped: typedQueues.includes(name)
          }
  }
}

/** What was measured of a queue. */
export const historyAnswer = (sampler: Sampler, name: string, now: number): History => ({
  startedAt: sampler.startedAt,
  ...sampler.history.series(name, sampler.startedAt, now)
})
