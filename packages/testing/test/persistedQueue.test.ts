import { DisquePool } from "@disco/core"
import { DeadLetter } from "@disco/funnel"
import * as PersistedQueueStore from "@disco/funnel/PersistedQueueStore"
import * as PersistedQueue from "@effect/experimental/PersistedQueue"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Ref, Schema, Scope } from "effect"
import { DiscoTest, DisqueServer } from "../src/index.js"

const Item = Schema.Struct({ n: Schema.BigInt })

let queues = 0

/** A queue of its own: some run on a cluster that others use. */
const makeQueue = Effect.suspend(() =>
  PersistedQueue.make({ name: `persisted-${Date.now()}-${queues++}`, schema: Item })
)

const named = Effect.suspend(() => {
  const name = `persisted-${Date.now()}-${queues++}`
  return Effect.map(PersistedQueue.make({ name, schema: Item }), (queue) => ({ name, queue }))
})

const value = (item: typeof Item.Type) => Effect.succeed(item.n)

type Pass = (time: Duration.DurationInput) => Effect.Effect<void>
type Needs = PersistedQueue.PersistedQueueFactory | DisquePool | Scope.Scope

/** What holds of every store: the first four are what the tests of `@effect/experimental` ask of theirs. */
const behavior: Readonly<Record<string, (pass: Pass) => Effect.Effect<void, unknown, Needs>>> = {
  "an element that is offered can be taken": () =>
    Effect.gen(function* () {
      const queue = yield* makeQueue
      yield* queue.offer({ n: 42n })
      assert.strictEqual(yield* queue.take(value), 42n)
    }),

  "an element whose taker is interrupted is taken by another, and counts no attempt": (pass) =>
    Effect.gen(function* () {
      const queue = yield* makeQueue
      yield* queue.offer({ n: 42n })
      const begun = yield* Deferred.make<void>()
      const first = yield* Effect.fork(
        queue.take(() => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never))
      )
      yield* Deferred.await(begun)
      const second = yield* Effect.fork(queue.take((item, { attempts }) => Effect.succeed([item.n, attempts] as const)))
      yield* pass("1 second")
      assert.isNull(second.unsafePoll())
      yield* Fiber.interrupt(first)
      yield* pass("1 second")
      assert.deepStrictEqual(yield* Fiber.join(second), [42n, 0])
    }),

  "an element that failed is taken again, and counts an attempt": () =>
    Effect.gen(function* () {
      const queue = yield* makeQueue
      yield* queue.offer({ n: 42n })
      assert.strictEqual(yield* Effect.flip(queue.take(() => Effect.fail("boom"))), "boom")
      const taken = yield* queue.take((item, { attempts }) => Effect.succeed([item.n, attempts] as const))
      assert.deepStrictEqual(taken, [42n, 1])
    }),

  "an element that is offered twice under one id is taken once": (pass) =>
    Effect.gen(function* () {
      const queue = yield* makeQueue
      assert.strictEqual(yield* queue.offer({ n: 42n }, { id: "custom-id" }), "custom-id")
      yield* queue.offer({ n: 42n }, { id: "custom-id" })
      yield* queue.take(value)
      const again = yield* Effect.fork(queue.take(value))
      yield* pass("1 second")
      assert.isNull(again.unsafePoll())
      yield* Fiber.interrupt(again)
    }),

  "an id holds for other programs too, and not for other queues": (pass) =>
    Effect.gen(function* () {
      const { name, queue } = yield* named
      yield* queue.offer({ n: 1n }, { id: "custom-id" })
      const elsewhere = <A, E>(effect: Effect.Effect<A, E, PersistedQueue.PersistedQueueFactory>) =>
        Effect.provide(effect, Layer.provide(PersistedQueue.layer, PersistedQueueStore.layer()))
      yield* elsewhere(
        Effect.flatMap(PersistedQueue.make({ name, schema: Item }), (same) =>
          same.offer({ n: 2n }, { id: "custom-id" })
        )
      )
      assert.strictEqual(yield* queue.take(value), 1n)
      // Names and ids that read alike one after the other are others too.
      for (const [suffix, id] of [
        ["", "custom-id"],
        ["", "a.ids.b"],
        [".ids.a", "b"],
        ["", "a.b/c"],
        [".a", "b/c"],
        [".a.b", "c"],
        [".a.b/c", ""]
      ] as const) {
        const other = yield* PersistedQueue.make({ name: `other-${name}${suffix}`, schema: Item })
        yield* other.offer({ n: 3n }, { id })
        assert.strictEqual(yield* Effect.timeout(other.take(value), "10 seconds"), 3n, suffix)
      }
      yield* pass("1 second")
      assert.strictEqual(yield* Effect.flatMap(DisquePool, (pool) => pool.queueLength(name)), 0)
    }),

  "an element that failed as often as it may is given up, and the next one is taken": () =>
    Effect.gen(function* () {
      const { name, queue } = yield* named
      yield* queue.offer({ n: 1n }, { id: "first" })
      for (let i = 0; i < 3; i++) {
        const error = yield* Effect.flip(queue.take(() => Effect.fail("boom"), { maxAttempts: 3 }))
        assert.strictEqual(error, "boom")
      }
      yield* queue.offer({ n: 2n })
      assert.strictEqual(yield* queue.take(value, { maxAttempts: 3 }), 2n)
      const [dead, ...more] = yield* DeadLetter.list(name)
      assert.deepInclude(dead?.letter, { reason: "failed", error: "boom", attempts: 3 })
      assert.deepStrictEqual(JSON.parse(dead?.letter.body ?? ""), { id: "first", element: { n: "1" } })
      assert.deepStrictEqual(more, [])
    }),

  "a job that is no element is given up, and does not stop those behind it": (pass) =>
    Effect.gen(function* () {
      const { name, queue } = yield* named
      const pool = yield* DisquePool
      yield* pool.addJob(name, "hello")
      yield* queue.offer({ n: 2n })
      assert.strictEqual(yield* queue.take(value), 2n)
      // Where the element was on another node, it came first.
      yield* Effect.fork(queue.take(value))
      const letters = yield* Effect.repeat(Effect.zipRight(pass("50 millis"), DeadLetter.list(name)), {
        until: (letters) => letters.length > 0,
        times: 100
      })
      assert.strictEqual(letters[0]?.letter.reason, "undecodable")
    }),

  "an element that does not fit the schema fails its taker, and counts an attempt": () =>
    Effect.gen(function* () {
      const { name, queue } = yield* named
      const texts = yield* PersistedQueue.make({ name, schema: Schema.String })
      yield* texts.offer("hello")
      assert.include(String(yield* Effect.flip(queue.take(value))), "Expected")
      const attempts = yield* texts.take((_, { attempts }) => Effect.succeed(attempts))
      assert.strictEqual(attempts, 1)
    }),

  "no element is lost or done twice, whenever its takers are interrupted": () =>
    Effect.gen(function* () {
      const queue = yield* makeQueue
      const count = 60
      const done = yield* Ref.make<ReadonlyArray<bigint>>([])
      for (let i = 0; i < count; i++) {
        const taker = yield* Effect.fork(queue.take((item) => Ref.update(done, (all) => [...all, item.n])))
        yield* queue.offer({ n: BigInt(i) })
        for (let turns = i % 12; turns > 0; turns--) yield* Effect.yieldNow()
        yield* Fiber.interrupt(taker)
      }
      const rest = count - (yield* Ref.get(done)).length
      yield* Effect.replicateEffect(
        queue.take((item) => Ref.update(done, (all) => [...all, item.n])),
        rest,
        { concurrency: 4, discard: true }
      )
      assert.strictEqual(new Set(yield* Ref.get(done)).size, count)
      assert.strictEqual((yield* Ref.get(done)).length, count)
    }),

  "a store that closes gives back the elements that are taken": () =>
    Effect.gen(function* () {
      const { name, queue } = yield* named
      const pool = yield* DisquePool
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        Layer.provide(PersistedQueue.layer, PersistedQueueStore.layer()),
        scope
      )
      yield* queue.offer({ n: 42n })
      const begun = yield* Deferred.make<void>()
      yield* PersistedQueue.make({ name, schema: Item }).pipe(
        Effect.flatMap((same) => same.take(() => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never))),
        Effect.provide(context),
        Effect.forkScoped
      )
      yield* Deferred.await(begun)
      assert.strictEqual(yield* pool.queueLength(name), 0)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* queue.take(value), 42n)
    })
}

const Queues = Layer.provideMerge(PersistedQueue.layer, PersistedQueueStore.layer())

describe("PersistedQueueStore on embedded nodes", () => {
  for (const [name, test] of Object.entries(behavior)) {
    for (const nodes of [1, 3]) {
      it.effect(`${name} (${nodes} nodes)`, () =>
        DiscoTest.run(Effect.scoped(test(Effect.sleep))).pipe(
          Effect.provide(Layer.provideMerge(Queues, DiscoTest.layer({ nodes })))
        )
      )
    }
  }

  it.effect("a process that crashes loses no element, and counts no attempt", () =>
    Effect.gen(function* () {
      const { name, queue } = yield* named
      yield* queue.offer({ n: 42n })
      const take = Effect.flatMap(PersistedQueue.make({ name, schema: Item }), (same) => same.take(() => Effect.never))
      const taker = yield* DiscoTest.process(Effect.provide(take, Queues))
      yield* DiscoTest.idle
      yield* DiscoTest.crash(taker)
      const taken = yield* Effect.fork(queue.take((item, { attempts }) => Effect.succeed([item.n, attempts] as const)))
      yield* DiscoTest.advance("10 minutes")
      assert.deepStrictEqual(yield* Fiber.join(taken), [42n, 0])
    }).pipe(Effect.provide(Layer.provideMerge(Queues, DiscoTest.layer())))
  )

  it.effect("an element is taken by nobody else while its taker works, however long that is", () =>
    Effect.gen(function* () {
      const queue = yield* makeQueue
      yield* queue.offer({ n: 42n })
      const first = yield* Effect.fork(queue.take((item) => Effect.delay(value(item), "2 hours")))
      const second = yield* Effect.fork(queue.take(value))
      yield* DiscoTest.advance("2 hours")
      assert.strictEqual(yield* Fiber.join(first), 42n)
      yield* DiscoTest.advance("2 hours")
      assert.isNull(second.unsafePoll())
      yield* Fiber.interrupt(second)
    }).pipe(Effect.provide(Layer.provideMerge(Queues, DiscoTest.layer())))
  )

  it.effect("where nothing can be taken, each attempt says so after a while", () =>
    Effect.gen(function* () {
      // A pool that was copied without what jobs are fetched by.
      const pool = Object.fromEntries(Object.entries(yield* DisquePool)) as unknown as DisquePool.Service
      const Broken = Layer.provide(Queues, Layer.succeed(DisquePool, pool))
      const take = Effect.flatMap(makeQueue, (queue) => Effect.timed(Effect.flip(queue.take(value))))
      const attempts = yield* DiscoTest.run(Effect.provide(Effect.replicateEffect(take, 3), Broken))
      for (const [time, error] of attempts) {
        assert.include(error.message, "no elements can be taken from")
        assert.isAtLeast(Duration.toMillis(time), 1000)
      }
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("what is no option, no queue or no JSON is refused", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(PersistedQueueStore.make({ options: { retry: -1 } }))
      assert.include(error.message, "PersistedQueueStore: options.retry is")
      const nameless = yield* PersistedQueue.make({ name: "", schema: Item })
      assert.strictEqual((yield* Effect.flip(nameless.offer({ n: 1n })))._tag, "PersistedQueueError")
      const numbers = yield* PersistedQueue.make({ name: "numbers", schema: Schema.Number })
      assert.include(String(yield* Effect.flip(numbers.offer(Number.NaN))), 'could not be added to "numbers"')
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(Queues, DiscoTest.layer())))
  )
})

describe.skipIf(DisqueServer.missing)(`PersistedQueueStore on a real server${DisqueServer.note}`, () => {
  for (const [name, test] of Object.entries(behavior)) {
    it.live(name, () =>
      Effect.scoped(test(Effect.sleep)).pipe(Effect.provide(Layer.provideMerge(Queues, DisqueServer.layer())))
    )
  }
})
