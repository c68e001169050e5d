import { Cluster, DisquePool, Job } from "@disco/core"
import { assert, describe } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Prepared } from "./backend.js"
import { freshQueue } from "./utils.js"

const range = (count: number) => Array.from({ length: count }, (_, n) => n)

/** What is asked of a whole cluster, and done to it, however many nodes it has. */
export const cluster = (backend: Prepared): void => {
  const test = (
    name: string,
    body: (pool: DisquePool.Service, queue: string) => Effect.Effect<unknown, unknown, DisquePool>
  ) =>
    backend.test(name, () =>
      Effect.flatMap(Effect.all([DisquePool, freshQueue]), ([pool, queue]) => body(pool, queue)).pipe(
        Effect.provide(backend.layer)
      )
    )

  const numbersIn = (queue: string) =>
    Effect.map(Stream.runCollect(Cluster.jobs({ queue, states: ["queued"] })), (jobs) =>
      Chunk.toReadonlyArray(jobs)
        .map(({ body }) => (body === null ? Number.NaN : Number(Job.text({ body }))))
        .sort((a, b) => a - b)
    )

  const add = (pool: DisquePool.Service, queue: string, count: number) =>
    pool.addJobs(range(count).map((n) => ({ queue, body: String(n), options: { retry: "1 minute" } })))

  /** Leaves nothing behind, on a cluster that others use too. */
  const empty = (pool: DisquePool.Service, queue: string) =>
    Cluster.jobs({ queue, states: ["queued", "active"] }).pipe(Stream.runForEach((job) => pool.ackJob(job)))

  describe(`Cluster ${backend.name}`, () => {
    test("members gives every node that HELLO names, with its figures", (pool) =>
      Effect.gen(function* () {
        const { nodes } = yield* pool.hello
        const members = yield* Cluster.members()
        assert.sameMembers(
          members.map(({ id }) => id),
          nodes.map(({ id }) => id)
        )
        assert.isTrue(members.every(({ figures, state }) => state === "up" && Either.isRight(figures)))
      }))

    test("pause pauses a queue on every node, and lets it go on", (_, queue) =>
      Effect.gen(function* () {
        const isPaused = (what: string) => (changes: ReadonlyArray<Cluster.PauseChange>) =>
          assert.isTrue(changes.every(({ after }) => after === what))
        yield* Effect.map(Cluster.pause(queue, "all"), isPaused("all"))
        const [paused] = (yield* Cluster.queues({ pattern: queue })).queues
        assert.deepStrictEqual(paused === undefined ? [] : Cluster.badges(paused), ["paused"])
        yield* Effect.map(Cluster.pause(queue, "none"), isPaused("none"))
      }))

    test("jobs and jobCounts give each job once, whichever nodes have copies", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, 20)
        yield* pool.addJob(queue, "20", { delay: "1 hour" })
        assert.deepStrictEqual(yield* numbersIn(queue), range(20))
        const { isComplete, states } = yield* Cluster.jobCounts(queue)
        assert.deepStrictEqual(
          { isComplete, ...states },
          { isComplete: true, "wait-repl": 0, queued: 20, active: 1, acked: 0 }
        )
        yield* empty(pool, queue)
      }))

    test("move moves each job of a queue once, and loses none where it is interrupted", (pool, queue) =>
      Effect.gen(function* () {
        const to = `${queue}-to`
        yield* add(pool, queue, 60)
        for (const turns of range(12)) {
          const moving = yield* Effect.fork(Cluster.move(queue, to, { limit: 10 }))
          yield* turns % 2 === 0
            ? Effect.forEach(range(turns * 4), () => Effect.yieldNow(), { discard: true })
            : backend.settle
          yield* Fiber.interrupt(moving)
        }
        yield* Cluster.move(queue, to)
        assert.deepStrictEqual(yield* numbersIn(queue), [])
        assert.deepStrictEqual([...new Set(yield* numbersIn(to))], range(60))
        yield* empty(pool, to)
      }))
  })
}
