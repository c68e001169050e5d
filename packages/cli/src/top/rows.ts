/** The queues as rows of a list: which of them, and in which order. */
import { Cluster } from "@disco/core"
import * as Duration from "effect/Duration"
import { printable } from "../output/text.js"

/** What rows can be sorted by, from left to right. */
export const sortKeys = ["name", "length", "oldest", "in", "out", "waiting", "trouble"] as const

export type SortKey = (typeof sortKeys)[number]

export interface Sort {
  readonly by: SortKey
  /** Numbers and trouble begin with the greatest, and names with the first, unless this is set. */
  readonly isReversed: boolean
}

/** A queue, and what is looked at often. */
export interface Row {
  readonly queue: Cluster.ClusterQueue
  /** As it is shown. */
  readonly label: string
  readonly badges: ReadonlyArray<Cluster.Badge>
}

const ranks: Readonly<Record<Cluster.Badge, number>> = {
  "no consumers": 4,
  "partly paused": 3,
  paused: 2,
  growing: 1
}

// In whole seconds, or rows whose ages are about the same would change places each time.
const oldest = ({ queue }: Row): number =>
  queue.oldest === undefined ? -1 : Math.floor(Duration.toMillis(queue.oldest) / 1000)

/** What comes first is greatest. */
const values: Readonly<Record<Exclude<SortKey, "name">, (row: Row) => number>> = {
  length: ({ queue }) => queue.length,
  oldest,
  in: ({ queue }) => queue.rates?.in ?? -1,
  out: ({ queue }) => queue.rates?.out ?? -1,
  waiting: ({ queue }) => queue.blocked,
  trouble: ({ badges: [worst] }) => (worst === undefined ? 0 : ranks[worst])
}

const byName = (a: Row, b: Row): number => (a.queue.name < b.queue.name ? -1 : a.queue.name > b.queue.name ? 1 : 0)

const comparing = ({ by, isReversed }: Sort): ((a: Row, b: Row) => number) => {
  const sign = isReversed ? -1 : 1
  if (by === "name") return (a, b) => sign * byName(a, b)
  const value = values[by]
  return (a, b) =>
    sign * (value(b) - value(a)) || oldest(b) - oldest(a) || b.queue.length - a.queue.length || byName(a, b)
}

/** The queues whose names hold a text, in capitals or not. */
export const make = (queues: ReadonlyArray<Cluster.ClusterQueue>, filter: string, sort: Sort): ReadonlyArray<Row> => {
  const wanted = filter.toLowerCase()
  const rows: Array<Row> = []
  for (const queue of queues) {
    const label = printable(queue.name)
    if (!label.toLowerCase().includes(wanted) && !queue.name.toLowerCase().includes(wanted)) continue
    rows.push({ queue, label, badges: Cluster.badges(queue) })
  }
  return rows.sort(comparing(sort))
}
