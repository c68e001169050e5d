/** Lists letters, and leaves them in their queue. */
import type { CommandError, DisquePool, InvalidArgument } from "@disco/core"
import { type Chosen, Nodes, portion, Search } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import type { Chooser, Entry } from "./selection.js"

const defaultLimit = 100

/** The most jobs that one QPEEK shows. */
const mostShown = 1000

/** Keeps the letters whose last failure is the longest ago, each of them once. */
class Oldest<E extends Entry> {
  private kept = new Map<string, E>()
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  add(chosen: ReadonlyArray<Chosen<E>>): void {
    for (const { item } of chosen) this.kept.set(item.id, item)
    if (this.kept.size > 2 * this.limit) this.kept = new Map(this.entries.map((entry) => [entry.id, entry]))
  }

  get entries(): ReadonlyArray<E> {
    return [...this.kept.values()]
      .sort((a, b) => (a.letter.lastAt < b.letter.lastAt ? -1 : a.letter.lastAt > b.letter.lastAt ? 1 : 0))
      .slice(0, this.limit)
  }
}

/** The letters that are chosen, of all nodes. */
export const listed = <E extends Entry, R>(
  pool: DisquePool.Service,
  queue: string,
  chooser: Chooser<E, R>
): Effect.Effect<ReadonlyArray<E>, CommandError | InvalidArgument, R> =>
  Effect.gen(function* () {
    const { missing } = chooser
    const limit = chooser.limit ?? Math.max(defaultLimit, missing?.size ?? 0)
    const { nodes: known } = yield* pool.health
    const nodes = new Nodes(known.map(({ address }) => address))
    const oldest = new Oldest<E>(limit)
    const keep = (jobs: Parameters<typeof chooser.choose>[0]) =>
      Effect.map(chooser.choose(jobs), (chosen) => {
        oldest.add(chosen)
        return chosen.length
      })
    // Letters whose ids are known need no search.
    if (missing !== undefined) {
      yield* nodes.each((node) => Effect.flatMap(new Search(pool, node, queue).byId(missing), keep), "at once")
    }
    // The front of each queue has the oldest letters of its node. The rest is searched only if too few of them are chosen.
    const look = (node: string) =>
      Effect.gen(function* () {
        if (missing?.size === 0) return
        const search = new Search(pool, node, queue)
        const count = Math.min(Math.max(limit, portion), mostShown)
        const jobs = yield* search.front(count)
        const kept = yield* keep(jobs)
        if (jobs.length < count || kept >= limit) return
        yield* search.all((jobs) => Effect.map(keep(jobs), () => missing?.size !== 0))
      })
    yield* nodes.each(look, "at once")
    yield* nodes.report(queue, "letters")
    return oldest.entries
  })
