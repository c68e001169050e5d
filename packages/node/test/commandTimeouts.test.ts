import { type ConnectionOptions, DisqueConnection, DisquePool, type JobId } from "@disco/core"
import { EmbeddedDisque, type EmbeddedOptions } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Either, Fiber, Layer, TestClock } from "effect"

const embedded = (options: EmbeddedOptions, limits?: ConnectionOptions) =>
  Layer.mergeAll(DisqueConnection.layer(limits), DisquePool.layer(limits)).pipe(
    Layer.provide(EmbeddedDisque.layerDialer),
    Layer.provideMerge(EmbeddedDisque.layer(options))
  )

/** Freezes all nodes but one: no copies can be made then. */
const freezeOthers = (address: string) =>
  Effect.flatMap(EmbeddedDisque, ({ freeze, nodes }) =>
    Effect.forEach(
      nodes.filter((node) => node.address !== address),
      freeze,
      { discard: true }
    )
  )

const someId = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1" as JobId.JobId

/** How an effect ends, and after how many milliseconds. */
const ended = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const begun = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.fork(
      Effect.zip(
        Effect.either(effect),
        Effect.map(Clock.currentTimeMillis, (now) => now - begun)
      )
    )
    return { fiber, result: Fiber.join(fiber) }
  })

/** Lets time pass in steps: what is due in one of them begins at its end. */
const pass = (duration: Duration.DurationInput, step = 250) =>
  Effect.gen(function* () {
    for (let left = Duration.toMillis(duration); left > 0; left -= step) yield* TestClock.adjust(Math.min(step, left))
  })

const why = (result: Either.Either<unknown, unknown>): string =>
  Either.match(result, {
    onRight: () => "added",
    onLeft: (error) => {
      const { _tag, cause, reason } = error as { _tag: string; reason?: string; cause?: { reason?: string } }
      return [_tag, reason ?? cause?.reason].filter((word) => word !== undefined).join(" ")
    }
  })

const twelve = Array.from({ length: 12 }, () => ({ queue: "q", body: "x" }))

describe("adds whose copies cannot be made", () => {
  for (const [name, service] of [
    ["a pool", DisquePool],
    ["a connection", DisqueConnection]
  ] as const) {
    it.scoped(`of ${name} end in their own time, wherever they stand in the line, and so does what comes behind`, () =>
      Effect.gen(function* () {
        const disque: DisqueConnection.Service | DisquePool.Service = yield* service as typeof DisqueConnection
        yield* freezeOthers(yield* disque.ready())
        const many = yield* ended(disque.addJobs([...twelve, ...twelve]))
        const one = yield* ended(disque.addJob("q", "x", { timeout: "1 second" }))
        const acked = yield* ended(disque.ackJob(someId))
        yield* pass("12 seconds")
        const [all, tookMany] = yield* many.result
        const [, tookOne] = yield* one.result
        const [, tookAck] = yield* acked.result
        assert.isAtMost(tookMany, 10_000)
        assert.isAtMost(tookOne, 6000)
        assert.isAtMost(tookAck, 5000)
        assert.include(Either.getOrThrow(all).map(why), "NotReplicated")
      }).pipe(Effect.provide(embedded({ nodes: 3 })))
    )
  }

  it.scoped("fail as unsent, without doubt about their outcome, if they were kept back until their time was up", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      // The links for them are there then.
      yield* pool.addJob("q", "x")
      yield* pass("100 millis")
      yield* pool.addJob("q", "x")
      const node = yield* pool.ready()
      yield* freezeOthers(node)
      const many = yield* ended(pool.addJobs([twelve, twelve, twelve, twelve, twelve].flat()))
      yield* pass("4 seconds")
      const late = yield* ended(pool.addJob("q", "x", { timeout: "1 second" }))
      yield* pass("12 seconds")
      const [all, took] = yield* many.result
      assert.isAtMost(took, 10_000)
      const ways = Either.getOrThrow(all).map(why)
      const of = (way: string) => ways.filter((other) => other === way).length
      assert.isAbove(of("NotReplicated"), 0)
      assert.isAbove(of("ConnectionError unsent"), 0)
      assert.strictEqual(of("NotReplicated") + of("OutcomeUnknown silent") + of("ConnectionError unsent"), 60)
      const [last, tookLast] = yield* late.result
      assert.strictEqual(why(last), "ConnectionError unsent")
      assert.isAtMost(tookLast, 6000)
    }).pipe(Effect.provide(embedded({ nodes: 3 }, { maxActive: 2 })))
  )

  it.scoped("are all sent at once by a connection, so that none is unsent", () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      yield* freezeOthers(yield* disque.ready())
      const many = yield* ended(disque.addJobs([...twelve, ...twelve]))
      yield* pass("12 seconds")
      const [all] = yield* many.result
      const ways = Either.getOrThrow(all).map(why)
      assert.sameMembers([...new Set(ways)], ["NotReplicated", "OutcomeUnknown silent"])
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("do not change the node in use, because the node is not at fault", () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      const node = yield* disque.ready()
      yield* freezeOthers(node)
      yield* ended(disque.addJobs(twelve))
      yield* pass("15 seconds")
      assert.strictEqual(yield* disque.node, node)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )
})

describe("many thousand commands on a node that answers slowly", () => {
  it.scoped("all have their answers, however long they take together", () =>
    Effect.gen(function* () {
      // Each takes a round between two nodes, one after the other: 100 take more time than one of them has.
      const disque = yield* DisqueConnection
      const job = { queue: "q", body: "x", options: { timeout: "1 second" } } as const
      const added = yield* ended(disque.addJobs(Array.from({ length: 100 }, () => job)))
      yield* pass("8 seconds", 30)
      const [results, took] = yield* added.result
      assert.isAbove(took, 4000)
      assert.isTrue(Either.getOrThrow(results).every(Either.isRight))
    }).pipe(Effect.provide(embedded({ nodes: 2, latency: "30 millis" }, { commandTimeout: "1 second" })))
  )
})
