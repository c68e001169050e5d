import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedBehindProxies } from "../utils/embeddedOverTcp.js"
import { quiet } from "../utils/quiet.js"
import { scriptedPeer } from "../utils/scriptedPeer.js"

describe("a link that is not used", () => {
  it.scopedLive("is tried from time to time, and given up when nobody answers", () =>
    Effect.gen(function* () {
      let isSilent = false
      const peer = yield* scriptedPeer({ PING: (socket) => void (isSilent || socket.write("+PONG\r\n")) })
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        const before = peer.commands.length
        yield* Effect.sleep("700 millis")
        const pings = peer.commands.slice(before)
        assert.deepStrictEqual(new Set(pings.map(([name]) => name)), new Set(["PING"]))
        assert.isAtLeast(pings.length, 2)
        isSilent = true
        yield* Effect.sleep("800 millis")
        assert.strictEqual((yield* pool.statistics).closed.silent, 1)
      }).pipe(
        Effect.provide(
          quiet(
            NodeDisque.layerPool({
              nodes: peer.address,
              commandTimeout: "200 millis",
              connectTimeout: "300 millis",
              refreshInterval: "100 millis"
            })
          )
        )
      )
    })
  )

  it.scopedLive("is checked before it waits for a job again, and replaced where it is broken", () =>
    Effect.gen(function* () {
      const { disque, proxies } = yield* embeddedBehindProxies(1)
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        assert.strictEqual((yield* pool.statistics).idle, 1)
        yield* Effect.sleep("1100 millis")
        // A network that is gone without a word: only an answer could tell.
        proxies[0]?.cutAll()
        yield* pool.ping
        yield* pool.addJob("q", "x")
        yield* pool.ackJob(yield* pool.getJob("q", { timeout: "2 seconds" }))
        assert.isAtLeast((yield* pool.statistics).closed.lost, 1)
      }).pipe(Effect.provide(quiet(NodeDisque.layerPool({ nodes: disque.nodes[0].address }))))
    })
  )
})
