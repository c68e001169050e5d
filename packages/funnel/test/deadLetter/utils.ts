import { DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Effect, Layer, Option } from "effect"
import type { DeadLetter } from "../../src/index.js"

export const cluster = (nodes: number) =>
  DisquePool.layer().pipe(
    Layer.provide(EmbeddedDisque.layerDialer),
    Layer.provideMerge(EmbeddedDisque.layer({ nodes }))
  )

/** The id of a job that was given up: at-least-once, unless told otherwise. */
export const idOf = (n: number, retries = true) => `D-0badcafe-${String(n).padStart(24, "A")}-05a${retries ? 1 : 0}`

export const letter = (n: number, more: Partial<DeadLetter.Letter> = {}): DeadLetter.Letter => ({
  queue: "numbers",
  id: idOf(n),
  reason: "failed",
  error: "no",
  attempts: 1,
  nacks: 0,
  additionalDeliveries: 0,
  firstAt: new Date(n * 1000).toISOString(),
  lastAt: new Date(n * 1000).toISOString(),
  retry: 60,
  ttl: 3600,
  body: `{"n":${n}}`,
  ...more
})

/** Puts letters into their queue on a node, where told so, and gives their ids. */
export const put = (
  letters: ReadonlyArray<DeadLetter.Letter>,
  node?: string,
  options: { readonly replicate?: number } = {}
) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(letters, (letter) =>
      (node === undefined ? pool : pool.on(node)).addJob("numbers.dead", JSON.stringify(letter), options)
    )
  )

export const range = (count: number) => Array.from({ length: count }, (_, n) => n)

export const putMany = (count: number, node?: string) =>
  put(
    range(count).map((n) => letter(n)),
    node,
    { replicate: 1 }
  )

export const length = (queue: string) => Effect.flatMap(DisquePool, (pool) => pool.queueLength(queue))

/** The numbers in the queue of all nodes. */
export const inQueue = (queue = "numbers") =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.gen(function* () {
      const { nodes } = yield* pool.health
      const found = yield* Effect.forEach(nodes, ({ address }) => pool.on(address).peek(queue, { count: 1000 }))
      const bodies = found
        .flat()
        .map((job) => JSON.parse(Job.text(job)) as { readonly n: number; readonly body: string })
      return bodies.map(({ body, n }) => n ?? JSON.parse(body).n).sort((a, b) => a - b)
    })
  )

export const shown = (id: string) => Effect.flatMap(DisquePool, (pool) => Effect.map(pool.show(id), Option.getOrThrow))

/** Runs with a pool that adds jobs in another way. */
export const adding =
  (add: (pool: DisquePool.Service) => DisquePool.Service["addJob"]) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(DisquePool, (pool) => Effect.provideService(effect, DisquePool, { ...pool, addJob: add(pool) }))
