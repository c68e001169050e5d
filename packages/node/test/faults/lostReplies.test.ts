import { DisqueConnection, Job } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { scriptedPeer } from "../utils/scriptedPeer.js"
import { connect, delivery, id } from "./utils.js"

describe("a reply that is cut at any byte", () => {
  it.scopedLive("of ADDJOB leaves the outcome unknown, and the command is not sent again", () =>
    Effect.gen(function* () {
      const reply = `+${id}\r\n`
      let cut = 0
      const peer = yield* scriptedPeer({ ADDJOB: (socket) => socket.end(reply.slice(0, cut)) })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        for (cut = 0; cut < reply.length; cut++) {
          const error = yield* Effect.flip(disque.addJob("q", "x"))
          assert.strictEqual(error._tag, "OutcomeUnknown", `cut at ${cut}`)
        }
        assert.strictEqual(yield* disque.addJob("q", "x"), id)
      }).pipe(Effect.provide(connect(peer.address)))
      assert.strictEqual(peer.commands.filter(([name]) => name === "ADDJOB").length, reply.length + 1)
    })
  )

  it.scopedLive("of GETJOB is asked for again, and the job comes once", () =>
    Effect.gen(function* () {
      let cut = 0
      let isCut = false
      const peer = yield* scriptedPeer({
        GETJOB: (socket) => {
          if (!isCut) socket.end(delivery.slice(0, cut))
          else socket.write(delivery)
          isCut = !isCut
        }
      })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        for (cut = 0; cut < delivery.length; cut++) {
          const job = yield* disque.getJob("q", { timeout: "5 seconds" })
          assert.deepStrictEqual([job.id, Job.text(job)], [id, "body"], `cut at ${cut}`)
        }
      }).pipe(Effect.provide(connect(peer.address)))
    })
  )

  it.scopedLive("of a command that may be sent twice is asked for again, three times at most", () =>
    Effect.gen(function* () {
      let left = 3
      const peer = yield* scriptedPeer({
        QLEN: (socket) => {
          left -= 1
          if (left < 0) socket.write(":7\r\n")
          else socket.end(":")
        }
      })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        assert.strictEqual(yield* disque.queueLength("q"), 7)
        left = 10
        assert.include(yield* Effect.flip(disque.queueLength("q")), { _tag: "ConnectionError", reason: "lost" })
      }).pipe(Effect.provide(connect(peer.address)))
      assert.strictEqual(peer.commands.filter(([name]) => name === "QLEN").length, 8)
    })
  )
})
