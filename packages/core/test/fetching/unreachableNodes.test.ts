import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Logger, TestClock } from "effect"
import { ConnectionError, DisqueDialer, type DisqueLink, DisquePool, type Reply } from "../../src/index.js"
import { consume } from "../../src/internal.js"
import { bulk, idOf } from "../utils/fakeNodes.js"

const id = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1"
const good = "127.0.0.1:7711"

const helloOf = (gone: number): Reply.Reply => [
  1,
  bulk(idOf(good)),
  ...Array.from({ length: gone + 1 }, (_, i) => {
    const [host = "", port = ""] = (i === 0 ? good : `127.0.1.${i % 256}:${8000 + i}`).split(":")
    return [bulk(i === 0 ? idOf(good) : i.toString(16).padStart(40, "0")), bulk(host), bulk(port), bulk("1")]
  })
]

const job: Reply.Reply = [[bulk("q"), bulk(id), bulk("x"), bulk("nacks"), 0, bulk("additional-deliveries"), 0]]

/** One node that has jobs, in a cluster that tells of many from which nothing comes. */
const oneOfMany = (gone: number, dialing: Duration.DurationInput) => {
  const hello = helloOf(gone)
  const dials = { now: 0, most: 0 }
  const open = (): DisqueLink => {
    let isOpen = true
    return {
      node: good,
      isOpen: () => isOpen,
      send: ([name], done) => done(Exit.succeed(name === "HELLO" ? hello : name === "GETJOB" ? job : 1)),
      close: () => {
        isOpen = false
      }
    }
  }
  const dial = (node: string): Effect.Effect<DisqueLink, ConnectionError> =>
    node === good
      ? Effect.sync(open)
      : Effect.suspend(() => {
          dials.now += 1
          dials.most = Math.max(dials.most, dials.now)
          return Effect.zipRight(Effect.sleep(dialing), Effect.fail(new ConnectionError({ node, reason: "timed-out" })))
        }).pipe(Effect.ensuring(Effect.sync(() => (dials.now -= 1))))
  return { dials, layer: Layer.succeed(DisqueDialer, { seeds: [good], dial }) }
}

describe.concurrent("a consumer of a node among many that cannot be reached", () => {
  it.scoped("has its jobs at once, with room for one, dials few at a time, and logs few lines", () =>
    Effect.gen(function* () {
      const { dials, layer } = oneOfMany(80, "5 seconds")
      const lines: Array<unknown> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => lines.push(message))
      )
      const pool = yield* Effect.provide(DisquePool.make(), Layer.merge(layer, logger))
      const room = yield* Effect.makeSemaphore(1)
      let taken = 0
      const consuming = yield* consume(pool, "q", {
        demand: () => room.take(1),
        receive: (jobs, reserved) =>
          Effect.sync(() => {
            taken += jobs.length
          }).pipe(
            Effect.zipRight(Effect.sleep(jobs.length === 0 ? 0 : "20 millis")),
            Effect.zipRight(room.release(reserved))
          )
      }).pipe(Effect.provide(logger), Effect.fork)
      for (let i = 0; i < 50; i++) yield* TestClock.adjust("20 millis")
      const takenAtFirst = taken
      for (let i = 0; i < 12; i++) yield* TestClock.adjust("500 millis")
      // It ends once the job in hand is received.
      yield* Fiber.interruptFork(consuming)
      yield* TestClock.adjust("1 second")
      assert.isAbove(takenAtFirst, 20)
      assert.isAbove(dials.most, 8)
      assert.isAtMost(dials.most, 64)
      assert.isAbove(lines.length, 3)
      assert.isAtMost(lines.length, 20)
    })
  )

  it.scopedLive("ends at once, however many have failed and are to be dialed", () =>
    Effect.gen(function* () {
      const { layer } = oneOfMany(990, "1 millis")
      const pool = yield* Effect.provide(DisquePool.make(), layer)
      const consuming = yield* Effect.fork(
        consume(pool, "q", { demand: () => Effect.never, receive: () => Effect.void })
      )
      yield* Effect.sleep("1 second")
      const [took] = yield* Effect.timed(Fiber.interrupt(consuming))
      assert.isBelow(Duration.toMillis(took), 2000)
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})

it.effect("a pool that was made by hand cannot be fetched from, and the error says so", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(consume({}, "q", { demand: () => Effect.never, receive: () => Effect.void }))
    assert.strictEqual(error._tag, "InvalidArgument")
    assert.include(error.message, "a DisquePool made by DisquePool.make or DisquePool.layer")
  })
)
