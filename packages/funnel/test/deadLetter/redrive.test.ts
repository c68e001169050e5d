import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, TestClock } from "effect"
import { DeadLetter } from "../../src/index.js"
import { left, numbers } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { adding, cluster, idOf, inQueue, length, letter, put, putMany, range, shown } from "./utils.js"

/** The same queue, whose jobs have no copies: where a node is gone, they need not wait for one. */
const single = JobQueue.make("numbers", { payload: numbers.payload, options: { replicate: 1 } })

describe.concurrent("redrive and purge", () => {
  it.scoped("take the letters of every node, and wait for nothing", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      for (const { address } of nodes) yield* putMany(70, address)
      assert.strictEqual(yield* DeadLetter.purge("numbers", { limit: 60 }), 60)
      assert.strictEqual(yield* DeadLetter.redrive("numbers", { limit: 100 }), 100)
      assert.strictEqual(yield* DeadLetter.redrive(numbers), 50)
      assert.strictEqual(yield* length("numbers"), 150)
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.strictEqual(yield* DeadLetter.redrive(numbers), 0)
      assert.strictEqual(yield* DeadLetter.purge(numbers), 0)
    }).pipe(Effect.provide(cluster(3)))
  )

  it.scoped("that run at the same time deal with each letter once", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      for (const { address } of nodes) yield* putMany(30, address)
      const counts = yield* Effect.all(
        [
          DeadLetter.redrive("numbers"),
          DeadLetter.redrive(numbers, { where: () => true }),
          DeadLetter.redrive("numbers", { ids: range(30).map((n) => idOf(n)) }),
          DeadLetter.purge("numbers", { limit: 10 })
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(
        counts.reduce((sum, count) => sum + count),
        90
      )
      yield* TestClock.adjust("6 minutes")
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.strictEqual((yield* length("numbers")) + (counts[3] ?? 0), 90)
    }).pipe(Effect.provide(cluster(3)))
  )

  it.scoped("deal once with a letter that two nodes have queued", () =>
    Effect.gen(function* () {
      const { heal, isolate, nodes } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* put([letter(7)], nodes[0].address, { replicate: 2 })
      yield* isolate(nodes[0])
      // The other node hears nothing of the first, and queues its copy.
      yield* TestClock.adjust("10 minutes")
      const lengths = yield* Effect.forEach(nodes, ({ address }) => pool.on(address).queueLength("numbers.dead"))
      assert.deepStrictEqual(lengths, [1, 1])
      assert.lengthOf(yield* DeadLetter.list("numbers"), 1)
      const add = adding((pool) => (queue, body, options) => pool.addJob(queue, body, { ...options, replicate: 1 }))
      assert.strictEqual(yield* add(DeadLetter.redrive("numbers")), 1)
      yield* heal
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.deepStrictEqual(yield* inQueue(), [7])
    }).pipe(Effect.provide(cluster(2)))
  )

  it.effect("deal with no more letters than there were, though jobs fail again while they are redriven", () =>
    Effect.gen(function* () {
      yield* putMany(100)
      const failing = adding(
        (pool) => (queue, body, options) =>
          Effect.zipLeft(
            pool.addJob(queue, body, options),
            Effect.provideService(
              put([letter(JSON.parse(String(new TextDecoder().decode(body as Uint8Array))).n)]),
              DisquePool,
              pool
            )
          )
      )
      assert.strictEqual(yield* failing(DeadLetter.redrive("numbers")), 100)
      assert.strictEqual(yield* length("numbers.dead"), 100)
    }).pipe(Effect.provide(layer))
  )

  it.scoped("leave out a node that does not answer, and fail if no node answers", () =>
    Effect.gen(function* () {
      const { kill, nodes } = yield* EmbeddedDisque
      for (const { address } of nodes) yield* putMany(4, address)
      yield* kill(nodes[0])
      const lines = yield* logged(
        Effect.gen(function* () {
          assert.strictEqual(yield* DeadLetter.redrive(single, { where: () => true, limit: 6 }), 6)
          assert.strictEqual(yield* DeadLetter.purge("numbers", { ids: [idOf(2), idOf(3)] }), 2)
        })
      )
      assert.lengthOf(lines, 2)
      for (const { text } of lines) assert.include(text, nodes[0].address)
      for (const node of nodes.slice(1)) yield* kill(node)
      for (const use of [DeadLetter.redrive("numbers"), DeadLetter.purge("numbers", { ids: idOf(1) })]) {
        assert.strictEqual((yield* Effect.flip(use))._tag, "ConnectionError")
      }
    }).pipe(Effect.provide(cluster(3)))
  )
})

describe.concurrent("a redriven job", () => {
  const redriven = (given: string | typeof numbers, more: Partial<DeadLetter.Letter>) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* put([letter(1, more)])
      assert.strictEqual(yield* typeof given === "string" ? DeadLetter.redrive(given) : DeadLetter.redrive(given), 1)
      const [job] = yield* left("numbers")
      const { delay, replicate, retry, ttl } = yield* shown(job?.id ?? "")
      yield* pool.ackJob(job?.id ?? "")
      return [Duration.toSeconds(retry), Duration.toSeconds(ttl), replicate, Duration.toSeconds(delay)]
    })

  const days = (count: number) => count * 86_400
  const unknown = { retry: undefined, ttl: undefined }
  const queue = JobQueue.make("numbers", {
    payload: numbers.payload,
    options: { retry: "2 minutes", ttl: "3 days", delay: "1 day" }
  })

  it.scoped("is added as it was at first, or as its queue adds jobs if its letter does not say", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* redriven("numbers", {}), [60, 3600, 2, 0])
      assert.deepStrictEqual(yield* redriven(queue, {}), [60, 3600, 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", unknown), [300, days(7), 2, 0])
      assert.deepStrictEqual(yield* redriven(queue, unknown), [120, days(3), 2, 0])
      const plain = JobQueue.make("numbers", { payload: numbers.payload })
      assert.deepStrictEqual(yield* redriven(plain, unknown), [300, days(7), 2, 0])
    }).pipe(Effect.provide(cluster(2)))
  )

  it.scoped("has times that Disque can hold, whatever another machine wrote", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 0 }), [60, days(7), 2, 0])
      assert.deepStrictEqual(yield* redriven(queue, { ttl: 0 }), [60, days(3), 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 0.2, retry: 0.2 }), [1, 1, 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 99.6, retry: 9.6 }), [10, 100, 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 1e300, retry: 1e300 }), [4_294_967, 2_147_483_647, 2, 0])
    }).pipe(Effect.provide(cluster(2)))
  )

  it.scoped("is added on one node and delivered at most once if it was so before", () =>
    Effect.gen(function* () {
      const atMostOnce = JobQueue.make("numbers", {
        payload: numbers.payload,
        options: { retry: 0, replicate: 1, ttl: "1 hour" }
      })
      assert.deepStrictEqual(yield* redriven("numbers", { retry: 0 }), [0, 3600, 1, 0])
      assert.deepStrictEqual(yield* redriven(queue, { retry: 0 }), [0, 3600, 1, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ...unknown, id: idOf(1, false) }), [0, days(7), 1, 0])
      assert.deepStrictEqual(yield* redriven(atMostOnce, { ...unknown, id: idOf(1, false) }), [0, 3600, 1, 0])
      // What the letter says goes before its id, and either before how the queue is now.
      assert.deepStrictEqual(yield* redriven("numbers", { id: idOf(1, false) }), [60, 3600, 2, 0])
      assert.deepStrictEqual(yield* redriven(atMostOnce, unknown), [300, 3600, 1, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ...unknown, id: "no id" }), [300, days(7), 2, 0])
    }).pipe(Effect.provide(cluster(2)))
  )
})
