/** The queues of one look, with what is derived of them: once for all viewers. */
import { Cluster } from "@disco/core"
import * as Duration from "effect/Duration"
import type { Badge, QueueGroup, QueueTotals } from "../api/queues.js"

export interface ListedQueue {
  readonly queue: Cluster.ClusterQueue
  readonly badges: ReadonlyArray<Badge>
  readonly oldestMillis: number | null
}

const mostGroups = 100

const listed = (queue: Cluster.ClusterQueue): ListedQueue => ({
  queue,
  badges: Cluster.badges(queue),
  oldestMillis: queue.oldest === undefined ? null : Duration.toMillis(queue.oldest)
})

/** The beginning of a name that it shares with others of its group; undefined if it has none. */
export const prefixOf = (name: string): string | undefined => {
  const end = name.search(/[.:/]/)
  return end <= 0 ? undefined : name.slice(0, end + 1)
}

/** The sum of what is known; null if nothing is. */
const sum = (values: ReadonlyArray<number | undefined>): number | null => {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0)
}

const totalsOf = (listed: ReadonlyArray<ListedQueue>): QueueTotals => {
  const badges = { "no consumers": 0, "partly paused": 0, paused: 0, growing: 0 }
  for (const each of listed) for (const badge of each.badges) badges[badge] += 1
  return {
    queues: listed.length,
    length: listed.reduce((total, { queue }) => total + queue.length, 0),
    in: sum(listed.map(({ queue }) => queue.rates?.in)),
    out: sum(listed.map(({ queue }) => queue.rates?.out)),
    blocked: listed.reduce((total, { queue }) => total + queue.blocked, 0),
    oldestMillis: listed.reduce<number | null>(
      (most, { oldestMillis }) =>
        oldestMillis !== null && (most === null || oldestMillis > most) ? oldestMillis : most,
      null
    ),
    badges
  }
}

const groupsOf = (listed: ReadonlyArray<ListedQueue>): ReadonlyArray<QueueGroup> => {
  const groups = new Map<string, Array<ListedQueue>>()
  for (const each of listed) {
    const prefix = prefixOf(each.queue.name)
    if (prefix === undefined) continue
    const group = groups.get(prefix)
    if (group === undefined) groups.set(prefix, [each])
    else group.push(each)
  }
  return [...groups]
    .filter(([, { length }]) => length > 1)
    .map(([prefix, members]) => {
      const { badges, in: incoming, length, out, queues } = totalsOf(members)
      const present = (Object.keys(badges) as Array<Badge>).filter((badge) => badges[badge] > 0)
      return { prefix, queues, length, in: incoming, out, badges: present }
    })
    .sort((a, b) => b.length - a.length || (a.prefix < b.prefix ? -1 : 1))
    .slice(0, mostGroups)
}

export class QueueList {
  readonly at: number | undefined
  readonly isComplete: boolean
  readonly listed: ReadonlyArray<ListedQueue>
  readonly nodes: ReadonlyArray<Cluster.SampledNode>
  readonly totals: QueueTotals
  readonly groups: ReadonlyArray<QueueGroup>
  private readonly byName: ReadonlyMap<string, ListedQueue>

  private constructor(snapshot: Omit<Cluster.QueueSnapshot, "at">, at: number | undefined, before?: QueueList) {
    this.at = at
    this.nodes = snapshot.nodes
    this.isComplete = snapshot.nodes.every(({ isComplete }) => isComplete)
    this.listed = snapshot.queues.map((queue) => {
      const known = before?.find(queue.name)
      return known?.queue === queue ? known : listed(queue)
    })
    this.byName = new Map(this.listed.map((each) => [each.queue.name, each]))
    this.totals = totalsOf(this.listed)
    this.groups = groupsOf(this.listed)
  }

  static readonly empty = new QueueList({ queues: [], nodes: [] }, undefined)

  /** The list of a look. Queues of which nothing is known anew since the list before are those of that list. */
  static readonly of = (snapshot: Cluster.QueueSnapshot, at: number, before: QueueList): QueueList =>
    new QueueList(snapshot, at, before)

  find(name: string): ListedQueue | undefined {
    return this.byName.get(name)
  }

  /** The address of the node with an id. */
  addressOf(id: string): string {
    return this.nodes.find((node) => node.id === id)?.address ?? id.slice(0, 8)
  }
}
