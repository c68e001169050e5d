import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { embeddedCluster } from "../utils/embeddedOverTcp.js"
import { type Script, scriptedPeer } from "../utils/scriptedPeer.js"
import { connect, id } from "./refusingNodes.js"

describe("a node that wants a password from now on", () => {
  it.scopedLive("is given the password once for all commands that it refused, if the password is known", () =>
    Effect.gen(function* () {
      let password = ""
      const letIn = new WeakSet<object>()
      let auths = 0
      const guarded =
        (answer: string): Script[string] =>
        (socket) =>
          socket.write(password === "" || letIn.has(socket) ? answer : "-NOAUTH Authentication required.\r\n")
      const peer = yield* scriptedPeer({
        AUTH: (socket, [given]) => {
          if (password === "") return socket.write("-ERR Client sent AUTH, but no password is set\r\n")
          auths += 1
          letIn.add(socket)
          return socket.write(given === password ? "+OK\r\n" : "-ERR invalid password\r\n")
        },
        PING: guarded("+PONG\r\n"),
        ADDJOB: guarded(`+${id}\r\n`),
        QLEN: guarded(":7\r\n"),
        GETJOB: guarded("*-1\r\n")
      })
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        password = "sesame"
        const adds = yield* Effect.forEach(Array.from({ length: 1000 }), () => pool.addJob("q", "x"), {
          concurrency: "unbounded"
        })
        assert.isTrue(adds.every((added) => added === id))
        assert.strictEqual(auths, 1)
        assert.strictEqual(yield* pool.queueLength("q"), 7)
        assert.strictEqual(yield* pool.on(peer.address).queueLength("q"), 7)
        assert.deepStrictEqual(yield* pool.getJobs("q", { timeout: 0 }), [])
        assert.isAtMost(auths, 2)
        password = "another"
        assert.strictEqual(yield* pool.queueLength("q"), 7)
      }).pipe(Effect.provide(connect(peer.address, "sesame")))
    })
  )

  it.scopedLive("is given the password on links that wait for jobs too, also by a consumer", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const [{ address }] = nodes
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        yield* pool.config.set("requirepass", "sesame")
        yield* pool.addJob("q", "x")
        const job = yield* pool.getJob("q", { timeout: "1 second" })
        yield* pool.ackJob(job)
        assert.strictEqual(yield* pool.on(address).queueLength("q"), 0)
        yield* pool.config.set("requirepass", "")
        assert.strictEqual(yield* pool.queueLength("q"), 0)
      }).pipe(Effect.provide(connect(address, "sesame")))
    })
  )

  it.scopedLive("refuses clients that do not know the password at once, and is not asked again without end", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const [{ address }] = nodes
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        yield* pool.config.set("requirepass", "sesame")
        const before = (yield* pool.statistics).created
        for (const refused of [
          pool.addJob("q", "x"),
          pool.queueLength("q"),
          pool.on(address).queueLength("q"),
          pool.getJob("q", { timeout: "1 second" })
        ]) {
          const exit = yield* Effect.exit(refused as Effect.Effect<unknown, { readonly _tag: string }>)
          assert.isTrue(Exit.isFailure(exit))
          const error = Option.getOrThrow(Exit.causeOption(exit))
          assert.strictEqual(error._tag === "Fail" ? error.error._tag : error._tag, "NotAuthenticated")
        }
        assert.strictEqual((yield* pool.statistics).created, before)
      }).pipe(Effect.provide(connect(address)))
    })
  )
})
