/** The faults of a chaos run: what may go wrong with nodes and links, picked by chance, one after another. */
import { DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedNode } from "@disco/embedded"
import { Chunk, Effect, Layer, Random, type Scope, Stream } from "effect"
import type { FaultProxy } from "../utils/faultProxy.js"

/** A cluster that things can be done to. */
export interface Target {
  readonly disque: EmbeddedDisque.Service
  readonly proxies: ReadonlyArray<FaultProxy>
}

/** What was done, how often. */
export type FaultCounts = Map<string, number>

const millis = (least: number, most: number) => Random.nextIntBetween(least, most)

export interface Faults {
  /** Makes one fault. */
  readonly next: Effect.Effect<void>
  /** Waits until everything works again. */
  readonly heal: Effect.Effect<void>
  /** The ids of the jobs that are still there. */
  readonly remaining: Effect.Effect<ReadonlySet<string>>
}

/** A pool over links in the process, which no fault of the network reaches. */
const insider = (disque: EmbeddedDisque.Service): Effect.Effect<DisquePool.Service, unknown, Scope.Scope> =>
  Effect.provide(
    DisquePool.make({ commandTimeout: "200 millis" }),
    Layer.provide(EmbeddedDisque.layerDialer, Layer.succeed(EmbeddedDisque, disque))
  )

/**
 * Makes faults, one after another and never two of a kind that would take the last holder of a job: a node is killed only
 * where every job that it holds is on another one too, because Disque does not copy jobs again.
 */
export const make = (
  { disque, proxies }: Target,
  counts: FaultCounts
): Effect.Effect<
  {
    readonly next: Effect.Effect<void>
    readonly heal: Effect.Effect<void>
    readonly remaining: Effect.Effect<ReadonlySet<string>>
  },
  unknown,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const pool = yield* insider(disque)
    const down = new Set<EmbeddedNode>()
    const leaving = new Set<EmbeddedNode>()
    const busy = new Set<EmbeddedNode>()

    const jobsOn = (node: EmbeddedNode) =>
      down.has(node)
        ? Effect.succeed(new Set<string>())
        : pool
            .on(node.address)
            .jobIds({ pageSize: 100_000 })
            .pipe(
              Stream.runCollect,
              Effect.map((ids) => new Set<string>(Chunk.toReadonlyArray(ids))),
              Effect.orElseSucceed(() => new Set<string>())
            )

    const count = (kind: string) =>
      Effect.sync(() => {
        counts.set(kind, (counts.get(kind) ?? 0) + 1)
      })

    /** Does something to a node for a while. */
    const during = (
      node: EmbeddedNode,
      [least, most]: readonly [number, number],
      begin: Effect.Effect<unknown>,
      end: Effect.Effect<unknown>
    ): Effect.Effect<void> =>
      Effect.gen(function* () {
        busy.add(node)
        yield* begin
        const free = Effect.sync(() => busy.delete(node))
        yield* Effect.flatMap(millis(least, most), Effect.sleep).pipe(
          Effect.ensuring(Effect.zipRight(end, free)),
          Effect.forkIn(scope)
        )
      })

    const kill = (node: EmbeddedNode) =>
      Effect.gen(function* () {
        if (down.size > 0 || leaving.size > 0) return false
        const others = yield* Effect.forEach(
          disque.nodes.filter((other) => other !== node),
          jobsOn
        )
        for (const id of yield* jobsOn(node)) if (!others.some((ids) => ids.has(id))) return false
        down.add(node)
        yield* during(
          node,
          [200, 1500],
          disque.kill(node),
          Effect.zipRight(
            disque.restart(node),
            Effect.sync(() => down.delete(node))
          )
        )
        return true
      })

    const leave = (node: EmbeddedNode) =>
      Effect.gen(function* () {
        if (leaving.size > 0 || down.size > 0) return false
        leaving.add(node)
        const set = (isLeaving: boolean) => Effect.ignore(pool.on(node.address).cluster.setLeaving(isLeaving))
        yield* during(
          node,
          [300, 2000],
          set(true),
          Effect.zipRight(
            set(false),
            Effect.sync(() => leaving.delete(node))
          )
        )
        return true
      })

    const pick = <A>(all: ReadonlyArray<A>): Effect.Effect<A> =>
      Effect.map(Random.nextIntBetween(0, all.length), (i) => all[i] as A)

    const kinds = [
      ...Array<string>(8).fill("a link cut"),
      ...Array<string>(2).fill("all links of a node cut"),
      ...Array<string>(2).fill("a network stalled"),
      ...Array<string>(2).fill("a node frozen"),
      ...Array<string>(2).fill("a node leaving"),
      ...Array<string>(3).fill("a node killed and restarted")
    ]

    const attempt = Effect.gen(function* () {
      const kind = yield* pick(kinds)
      const node = yield* pick(disque.nodes)
      const proxy = proxies[disque.nodes.indexOf(node)]
      if (proxy === undefined || busy.has(node)) return false
      if (kind === "a link cut") proxy.cutOne(yield* Random.next, yield* millis(0, 3000))
      else if (kind === "all links of a node cut") proxy.cutAll()
      else if (kind === "a network stalled")
        yield* during(
          node,
          [100, 1500],
          Effect.sync(() => proxy.stall(true)),
          Effect.sync(() => proxy.stall(false))
        )
      else if (kind === "a node frozen") yield* during(node, [100, 1500], disque.freeze(node), disque.thaw(node))
      else if (kind === "a node leaving" && !(yield* leave(node))) return false
      else if (kind === "a node killed and restarted" && !(yield* kill(node))) return false
      yield* count(kind)
      return true
    })

    return {
      next: Effect.gen(function* () {
        while (!(yield* attempt)) yield* Effect.sleep("20 millis")
      }),
      heal: Effect.gen(function* () {
        while (busy.size > 0) yield* Effect.sleep("50 millis")
      }),
      remaining: Effect.map(Effect.forEach(disque.nodes, jobsOn), (all) => new Set(all.flatMap((ids) => [...ids])))
    }
  })
