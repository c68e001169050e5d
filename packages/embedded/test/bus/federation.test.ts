import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { dial, fields, layer, say, text } from "../utils/ask.js"
import { settle, three } from "../utils/cluster.js"

describe("federation", () => {
  it.scoped("a consumer gets what is queued elsewhere at once, and what is queued later a moment later", () =>
    Effect.gen(function* () {
      const { links, nodes } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "one", "0", "REPLICATE", "1")
      const first = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(first), [["q", id, "one"]])
      for (const link of [links[0], links[1]]) yield* say(link, "ACKJOB", id)
      const second = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* TestClock.adjust("1 hour")
      const later = yield* text(links[2], "ADDJOB", "q", "two", "0", "REPLICATE", "1")
      yield* TestClock.adjust(99)
      assert.strictEqual((yield* Fiber.poll(second))._tag, "None")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(second), [["q", later, "two"]])
      const stats = yield* fields(links[1], "QSTAT", "q")
      assert.deepInclude(stats, { len: 0, "jobs-in": 2, "jobs-out": 2 })
      assert.deepStrictEqual(stats["import-from"], [nodes[2].id])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("waiting for jobs of other nodes costs no timers", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const waiting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* TestClock.sleeps()), [])
      yield* Fiber.interrupt(waiting)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a consumer that gave up draws no more jobs to its node", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const waiting = yield* Effect.fork(say(links[1], "GETJOB", "TIMEOUT", "500", "FROM", "q"))
      yield* TestClock.adjust(500)
      assert.isNull(yield* Fiber.join(waiting))
      yield* say(links[0], "ADDJOB", "q", "stays", "0", "REPLICATE", "1")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* say(links[0], "QLEN", "q"), 1)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("all consumers of a node are served, one after the other, by what others queue", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const consumers = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
        Effect.flatMap(dial(2), (link) => Effect.fork(say(link, "GETJOB", "FROM", "q")))
      )
      yield* settle
      for (let i = 0; i < 5; i++) yield* say(links[0], "ADDJOB", "q", `${i}`, "0", "REPLICATE", "1")
      yield* TestClock.adjust("10 seconds")
      const jobs = yield* Effect.forEach(consumers, Fiber.join)
      assert.deepStrictEqual(
        jobs.map((job) => (job as ReadonlyArray<ReadonlyArray<string>>)[0]?.[2]),
        ["0", "1", "2", "3", "4"]
      )
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("as on a server, the only holder never hears of an acknowledgement where its job was given to", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "1", "RETRY", "8")
      const getting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* settle
      yield* Fiber.join(getting)
      assert.strictEqual(yield* say(links[1], "ACKJOB", id), 1)
      yield* TestClock.adjust("9 seconds")
      assert.isNull(yield* say(links[1], "SHOW", id))
      assert.deepStrictEqual(yield* say(links[0], "GETJOB", "NOHANG", "FROM", "q"), [["q", id, "body"]])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("the only holder hears of a FASTACK where its job was given to", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "1", "RETRY", "8")
      const getting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* settle
      yield* Fiber.join(getting)
      assert.strictEqual(yield* say(links[1], "FASTACK", id), 1)
      yield* TestClock.adjust("9 seconds")
      for (const link of links) assert.isNull(yield* say(link, "SHOW", id))
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("an at-most-once job leaves nothing behind where it is given away", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "once", "0", "REPLICATE", "1", "RETRY", "0")
      const getting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(getting), [["q", id, "once"]])
      assert.isNull(yield* say(links[0], "SHOW", id))
      assert.strictEqual((yield* fields(links[1], "SHOW", id)).state, "active")
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a consumer cut off from the jobs gets them once the partition is healed", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* disque.isolate(nodes[1])
      const getting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "1")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.poll(getting))._tag, "None")
      yield* disque.heal
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(getting), [["q", id, "body"]])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a queue paused out on its node gives nothing away until it is resumed", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      yield* say(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "1")
      yield* say(links[0], "PAUSE", "q", "out")
      const getting = yield* Effect.fork(text(links[1], "GETJOB", "FROM", "q"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.poll(getting))._tag, "None")
      yield* say(links[0], "PAUSE", "q", "none")
      yield* TestClock.adjust(100)
      assert.include(yield* Fiber.join(getting), "body")
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("PAUSE BCAST reaches all nodes", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      yield* say(links[0], "PAUSE", "q", "all", "bcast")
      yield* settle
      for (const link of links) assert.strictEqual(yield* say(link, "PAUSE", "q", "state"), "all")
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )
})
