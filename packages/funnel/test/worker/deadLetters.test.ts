import { DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, known, left, numbers } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { clusterOf, layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

describe.concurrent("dead letters", () => {
  it.effect("hold what does not fit the schema, at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("numbers", "no JSON")
      yield* pool.addJob("numbers", Uint8Array.of(0xff, 0x00))
      let calls = 0
      yield* Worker.make(numbers, () => Effect.sync(() => calls++))
      yield* settle
      const letters = (yield* DeadLetter.list(numbers)).map(({ letter }) => letter)
      assert.deepStrictEqual(
        letters.map(({ attempts, body, bodyBase64, reason }) => [reason, attempts, body, bodyBase64]),
        [
          ["undecodable", 0, "no JSON", undefined],
          ["undecodable", 0, undefined, "/wA="]
        ]
      )
      assert.strictEqual(calls, 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("hold what was delivered too often without having failed", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      for (let i = 0; i < 3; i++) {
        yield* pool.getJob("numbers")
        yield* pool.enqueueJob(id ?? "")
      }
      let calls = 0
      yield* Worker.make(numbers, () => Effect.sync(() => calls++), { crashes: 2 })
      yield* settle
      const [entry] = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual([entry?.letter.reason, entry?.letter.additionalDeliveries, calls], ["crashed", 3, 0])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("are redriven as they were, or purged, by so many as told", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(5)
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, () => Effect.fail("no"), { attempts: 1 }),
          settle
        )
      )
      const spend = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(effect)
          yield* pass("1 second")
          return yield* Fiber.join(fiber)
        })
      assert.strictEqual(yield* spend(DeadLetter.redrive(numbers, { limit: 2 })), 2)
      assert.deepStrictEqual((yield* left("numbers")).map(Job.text), ['{"n":0}', '{"n":1}'])
      assert.strictEqual(yield* spend(DeadLetter.purge("numbers")), 3)
      assert.strictEqual(yield* pool.queueLength("numbers.dead"), 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are redriven, and what is no letter goes back to its queue at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("numbers.dead", "no letter", { retry: "1 hour" })
      yield* addAll(1)
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, () => Effect.fail("no"), { attempts: 1 }),
          settle
        )
      )
      const lines = yield* logged(
        Effect.gen(function* () {
          const redriving = yield* Effect.fork(DeadLetter.redrive(numbers))
          yield* pass("1 second")
          assert.strictEqual(yield* Fiber.join(redriving), 1)
        })
      )
      assert.deepStrictEqual(
        lines.map(({ text }) => text),
        ['jobs that are no letters stay in "numbers.dead": 1']
      )
      assert.strictEqual(yield* pool.queueLength("numbers"), 1)
      assert.deepStrictEqual((yield* left("numbers.dead")).map(Job.text), ["no letter"])
    }).pipe(Effect.provide(layer))
  )

  it.scoped("are listed from every node, and a node that does not answer is said to be left out", () =>
    Effect.gen(function* () {
      const { kill, nodes } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const letter = (n: number) => ({
        queue: "numbers",
        id: `D-${n}`,
        attempts: 1,
        nacks: 0,
        additionalDeliveries: 0,
        firstAt: `2026-01-01T00:00:0${n}.000Z`,
        lastAt: `2026-01-01T00:00:0${n}.000Z`
      })
      // Not in the order of the nodes.
      for (const [i, { address }] of [...nodes.entries()].reverse()) {
        yield* pool.on(address).addJob("numbers.dead", JSON.stringify(letter(i)), { replicate: 1 })
      }
      const listed = (limit?: number) =>
        Effect.map(DeadLetter.list(numbers, { limit }), (entries) => entries.map(({ letter }) => letter.id))
      assert.deepStrictEqual(yield* listed(), ["D-0", "D-1", "D-2"])
      assert.deepStrictEqual(yield* listed(2), ["D-0", "D-1"])
      yield* kill(nodes[0])
      const lines = yield* logged(Effect.tap(listed(), (ids) => assert.deepStrictEqual(ids, ["D-1", "D-2"])))
      assert.lengthOf(lines, 1)
      assert.include(lines[0]?.text, nodes[0].address)
      for (const node of nodes.slice(1)) yield* kill(node)
      assert.strictEqual((yield* Effect.flip(listed()))._tag, "ConnectionError")
    }).pipe(Effect.provide(clusterOf(3)))
  )

  it.effect("that cannot be added leave the job to come again after its retry time, and not at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* addAll(1)
      let calls = 0
      const refusing: DisquePool.Service = {
        ...pool,
        addJob: (queue, body, options) =>
          pool.addJob(queue, body, queue.endsWith(".dead") ? { ...options, retry: "1500 millis" } : options)
      }
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Worker.make(
            numbers,
            () =>
              Effect.zipRight(
                Effect.sync(() => calls++),
                Effect.fail("no")
              ),
            { attempts: 1 }
          )
          yield* pass("50 seconds")
          assert.strictEqual(calls, 1)
          yield* pass("1 minute")
          // It may be tried once: what is tried again is the letter.
          assert.strictEqual(calls, 1)
        })
      ).pipe(Effect.provideService(DisquePool, refusing))
      assert.strictEqual(yield* known(ids), 1)
    }).pipe(Effect.provide(layer))
  )
})
