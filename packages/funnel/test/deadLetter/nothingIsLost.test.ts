import { DisquePool, Job, type JobId } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, TestClock } from "effect"
import { DeadLetter } from "../../src/index.js"
import { left } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { settle } from "../utils/time.js"
import { adding, cluster, idOf, inQueue, length, letter, put, putMany, range, shown } from "./utils.js"

describe.concurrent("nothing is lost", () => {
  /** All numbers in both queues, each of them once, when everything that can come again has. */
  const everything = Effect.gen(function* () {
    yield* TestClock.adjust("1 hour")
    yield* settle
    return [...new Set([...(yield* inQueue()), ...(yield* inQueue("numbers.dead"))])].sort((a, b) => a - b)
  })

  it.effect("where jobs cannot be added: their letters go back at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* putMany(40)
      yield* pool.pause("numbers", "in")
      const error = yield* Effect.flip(DeadLetter.redrive("numbers"))
      assert.strictEqual(error._tag, "QueuePaused")
      assert.strictEqual(yield* length("numbers.dead"), 40)
      const deliveries = yield* Effect.forEach(ids, (id) => Effect.map(shown(id), (info) => info.additionalDeliveries))
      // Only those in hand were touched.
      assert.strictEqual(
        deliveries.reduce((sum, count) => sum + count),
        40
      )
      yield* pool.pause("numbers", "none")
      assert.strictEqual(yield* DeadLetter.redrive("numbers"), 40)
    }).pipe(Effect.provide(layer))
  )

  it.effect("where a redrive is interrupted while it adds jobs: their letters go back at once", () =>
    Effect.gen(function* () {
      const ids = yield* putMany(40)
      const hanging = adding(() => () => Effect.never)
      const redriving = yield* Effect.fork(hanging(DeadLetter.redrive("numbers")))
      yield* settle
      assert.isBelow(yield* length("numbers.dead"), 40)
      yield* Fiber.interrupt(redriving)
      assert.strictEqual(yield* length("numbers.dead"), 40)
      assert.lengthOf(ids, 40)
    }).pipe(Effect.provide(layer))
  )

  it.effect("where a redrive is interrupted at any moment", () =>
    Effect.gen(function* () {
      const redriven = new Set<number>()
      for (const turns of range(60)) {
        yield* putMany(5)
        const redriving = yield* Effect.fork(DeadLetter.redrive("numbers"))
        for (let i = 0; i < turns; i++) yield* Effect.yieldNow()
        yield* Fiber.interrupt(redriving)
        assert.deepStrictEqual(
          [...new Set([...(yield* inQueue()), ...(yield* inQueue("numbers.dead"))])].sort(),
          [0, 1, 2, 3, 4],
          `after ${turns} turns`
        )
        redriven.add(yield* length("numbers"))
        yield* DeadLetter.purge("numbers")
        const pool = yield* DisquePool
        for (const job of yield* left("numbers")) yield* pool.ackJob(job)
      }
      assert.includeMembers([...redriven], [0, 5])
    }).pipe(Effect.provide(layer))
  )

  for (const when of ["before", "after"] as const) {
    it.scoped(`where a node dies during a redrive, ${when} a job is added`, () =>
      Effect.gen(function* () {
        const { kill, nodes } = yield* EmbeddedDisque
        const letters = range(30).map((n) => letter(n))
        yield* put(letters.slice(0, 15), nodes[0].address)
        yield* put(letters.slice(15), nodes[1]?.address)
        let calls = 0
        const dying = adding(
          (pool) => (queue, body, options) =>
            Effect.suspend(() => {
              calls += 1
              const dies = calls === 4 ? kill(nodes[0]) : Effect.void
              const add = pool.addJob(queue, body, options)
              return when === "before" ? Effect.zipRight(dies, add) : Effect.zipLeft(add, dies)
            })
        )
        // Where copies are to be made on a node that is gone, that takes its time.
        const redriving = yield* Effect.fork(Effect.either(dying(DeadLetter.redrive("numbers"))))
        yield* Effect.repeatN(TestClock.adjust("1 minute"), 10)
        yield* Fiber.join(redriving)
        const pool = yield* DisquePool
        const found = yield* Effect.forEach(nodes.slice(1), ({ address }) =>
          Effect.all([
            pool.on(address).peek("numbers", { count: 1000 }),
            pool.on(address).peek("numbers.dead", { count: 1000 })
          ])
        )
        const numbersLeft = new Set(
          found.flat(2).map((job) => {
            const read = JSON.parse(Job.text(job))
            return (read.n ?? JSON.parse(read.body).n) as number
          })
        )
        assert.deepStrictEqual(
          [...numbersLeft].sort((a, b) => a - b),
          range(30)
        )
      }).pipe(Effect.provide(cluster(3)))
    )
  }

  it.effect("where a letter cannot be put back: it comes again after its retry time, and that is said", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* putMany(1)
      const refused = yield* Effect.flip(pool.addJob("", "nothing"))
      const broken = {
        ...pool,
        addJob: () => Effect.fail(refused),
        enqueueJob: () => Effect.fail(refused) as Effect.Effect<never, never>
      }
      const lines = yield* logged(Effect.flip(Effect.provideService(DeadLetter.redrive("numbers"), DisquePool, broken)))
      assert.lengthOf(lines, 1)
      assert.match(lines[0]?.text ?? "", /could not be put back, and comes again after its retry time/)
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.deepStrictEqual(yield* everything, [0])
      assert.strictEqual(yield* length("numbers.dead"), 1)
    }).pipe(Effect.provide(layer))
  )

  it.scoped("where a letter is one that Disque never queues again: a copy goes back in its place", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const once = { retry: 0, replicate: 1 }
      const id: JobId.JobId = yield* pool.addJob("numbers.dead", JSON.stringify(letter(3)), once)
      yield* pool.pause("numbers", "in", { broadcast: true })
      assert.strictEqual((yield* Effect.flip(DeadLetter.redrive("numbers")))._tag, "QueuePaused")
      const [entry] = yield* DeadLetter.list("numbers")
      assert.strictEqual(entry?.letter.id, idOf(3))
      assert.notStrictEqual(entry?.id, id)
      yield* pool.pause("numbers", "none", { broadcast: true })
      assert.strictEqual(yield* DeadLetter.redrive("numbers"), 1)
      assert.deepStrictEqual(yield* everything, [3])
    }).pipe(Effect.provide(cluster(2)))
  )
})
