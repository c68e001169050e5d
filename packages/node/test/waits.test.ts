import { type ConnectionOptions, DisqueConnection, DisquePool } from "@disco/core"
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

/** How an effect ended, and after how many milliseconds of virtual time; `none` where it did not within two minutes. */
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

const pass = (duration: Duration.DurationInput) =>
  Effect.gen(function* () {
    // In steps, as time passes.
    const step = 50
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

describe("adds whose copies cannot be made", () => {
  for (const [name, service] of [
    ["a pool", DisquePool],
    ["a connection", DisqueConnection]
  ] as const) {
    it.scoped(`of ${name} end in their own time, wherever they stand in the line, and so does what comes behind`, () =>
      Effect.gen(function* () {
        const disque = yield* service as typeof DisqueConnection
        const pool = yield* DisquePool
        const currentOf =
          name === "a connection"
            ? disque.node
            : Effect.map(pool.health, ({ nodes }) => nodes.find(({ isCurrent }) => isCurrent)?.address ?? "")
        yield* freezeOthers(yield* currentOf)
        yield* pass("100 millis")
        const many = yield* ended(disque.addJobs(Array.from({ length: 30 }, () => ({ queue: "q", body: "x" }))))
        const one = yield* ended(disque.addJob("q", "x", { timeout: "1 second" }))
        const ack = yield* ended(disque.queueLength("q"))
        yield* pass("30 seconds")
        const [all, tookMany] = yield* many.result
        const [last, tookOne] = yield* one.result
        const [, tookAck] = yield* ack.result
        assert.isAtMost(tookMany, 10_200)
        assert.isAtMost(tookOne, 6200)
        assert.isAtMost(tookAck, 5200)
        // What was sent may have been done, and is refused or unknown; the rest never was, and nobody is in doubt of it.
        const ways = Either.getOrThrow(all).map(why)
        const known = new Set(["NotReplicated", "OutcomeUnknown silent", "ConnectionError unsent"])
        assert.isTrue(ways.every((way) => known.has(way)))
        assert.include(ways, "NotReplicated")
        if (name === "a connection") {
          assert.strictEqual(ways.filter((way) => way === "ConnectionError unsent").length, 22)
          assert.strictEqual(why(last), "ConnectionError unsent")
        }
      }).pipe(Effect.provide(embedded({ nodes: 3 })))
    )
  }
})
