import { DisqueConnection } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { embeddedCluster } from "../utils/embeddedOverTcp.js"
import { scriptedPeer } from "../utils/scriptedPeer.js"
import { connect, delivery, id } from "./utils.js"

describe("a job whose getJob was interrupted", () => {
  it.scopedLive("goes back on the link that brought it, before a close ends", () =>
    Effect.gen(function* () {
      for (const [unwanted, command] of [
        ["enqueue", "ENQUEUE"],
        ["nack", "NACK"]
      ] as const) {
        let deliver: (() => void) | undefined
        const peer = yield* scriptedPeer({
          GETJOB: (socket) => {
            deliver = () => socket.write(delivery)
          },
          [command]: (socket) => socket.write(":1\r\n")
        })
        yield* Effect.gen(function* () {
          const disque = yield* DisqueConnection
          const getting = yield* Effect.fork(disque.getJob("q", { unwanted }))
          yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => deliver !== undefined })
          yield* Fiber.interrupt(getting)
          setTimeout(() => deliver?.(), 50)
        }).pipe(Effect.provide(connect(peer.address)))
        assert.deepStrictEqual(peer.commands.at(-1), [command, id])
      }
    })
  )

  it.scopedLive("is waited for by a close no longer than a slice and a bit", () =>
    Effect.gen(function* () {
      const peer = yield* scriptedPeer({})
      const [took] = yield* Effect.timed(
        Effect.gen(function* () {
          const disque = yield* DisqueConnection
          yield* Effect.fork(disque.getJob("q"))
          yield* Effect.sleep("30 millis")
        }).pipe(Effect.provide(connect(peer.address, { slice: "200 millis" })))
      )
      assert.isBelow(Duration.toMillis(took), 200 + 2000 + 1000)
    })
  )

  it.scopedLive("by a timeout, a race or the end of a layer is not lost either", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const nodeAddress = nodes[0].address
      const endings: ReadonlyArray<
        (get: Effect.Effect<unknown, unknown, DisqueConnection>) => Effect.Effect<unknown, unknown, DisqueConnection>
      > = [
        (get) => Effect.timeoutOption(get, "20 millis"),
        (get) => Effect.raceFirst(get, Effect.sleep("20 millis")),
        (get) =>
          Effect.flatMap(Effect.fork(get), (fiber) =>
            Effect.zipRight(Effect.sleep("20 millis"), Fiber.interrupt(fiber))
          ),
        (get) => Effect.zipRight(Effect.forkDaemon(Effect.exit(get)), Effect.sleep("20 millis"))
      ]
      for (const [i, ending] of endings.entries()) {
        const queue = `q${i}`
        const get = Effect.flatMap(DisqueConnection, (disque) => disque.getJob(queue))
        yield* ending(get).pipe(Effect.provide(connect(nodeAddress, { slice: "200 millis" })))
        yield* Effect.gen(function* () {
          const disque = yield* DisqueConnection
          yield* disque.addJob(queue, "x")
          const job = yield* disque.getJob(queue, { timeout: "1 second" })
          assert.strictEqual(job.additionalDeliveries, 0)
        }).pipe(Effect.provide(connect(nodeAddress)))
      }
    })
  )
})
