import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { TcpClient } from "../utils/client.js"
import { serveCluster } from "../utils/server.js"

const command = (...words: ReadonlyArray<string>) =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`

const connect = (port: number | undefined) =>
  Effect.acquireRelease(
    Effect.promise(() => TcpClient.connect(port ?? 0)),
    (made) => Effect.sync(() => made.close())
  )

/** A server in a scope of its own, that has so much time for its clients when it ends. */
const start = (closeWithin: number) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const { ports } = yield* Scope.extend(serveCluster(1, {}, { closeWithin }), scope)
    const end = Effect.suspend(() => {
      const before = performance.now()
      return Effect.map(Scope.close(scope, Exit.void), () => performance.now() - before)
    })
    return { connect: connect(ports[0]), end }
  })

const next = (from: TcpClient) => Effect.promise(() => from.next(30_000))

describe("the end of a server", () => {
  it.scopedLive("answers the commands that have arrived, and closes then", () =>
    Effect.gen(function* () {
      const server = yield* start(20_000)
      const a = yield* server.connect
      const count = 20_000
      a.write(Array.from({ length: count }, (_, i) => command("PING", `${i}`)).join(""))
      // The first bytes are there, and the others are on their way or wait to be read.
      assert.deepStrictEqual(yield* next(a), { $: "0" })
      const ending = yield* Effect.fork(server.end)
      for (let i = 1; i < count; i++) {
        const reply = yield* next(a)
        if (reply?.$ !== `${i}`) assert.fail(`expected ${i}, got ${JSON.stringify(reply)}`)
      }
      assert.isUndefined(yield* next(a))
      assert.isTrue(a.isClosed)
      assert.isBelow(yield* Fiber.join(ending), 10_000)
    })
  )

  it.scopedLive("reads what arrived while the process did not run", () =>
    Effect.gen(function* () {
      const server = yield* start(20_000)
      const a = yield* server.connect
      a.write(command("PING"))
      assert.deepStrictEqual(yield* next(a), { "+": "PONG" })
      const ending = yield* Effect.fork(server.end)
      yield* Effect.sleep("70 millis")
      a.write(command("PING", "late"))
      for (const since = performance.now(); performance.now() - since < 150; );
      assert.deepStrictEqual(yield* next(a), { $: "late" })
      assert.isUndefined(yield* next(a))
      yield* Fiber.join(ending)
    })
  )

  it.scopedLive("closes clients that are idle or wait for jobs, without waiting for anything", () =>
    Effect.gen(function* () {
      const server = yield* start(20_000)
      const idle = yield* server.connect
      const blocked = yield* server.connect
      blocked.write(`${command("PING")}${command("GETJOB", "FROM", "q")}${command("PING", "behind")}`)
      assert.deepStrictEqual(yield* next(blocked), { "+": "PONG" })
      assert.isBelow(yield* server.end, 5000)
      for (const client of [idle, blocked]) {
        assert.isUndefined(yield* next(client))
        assert.isTrue(client.isClosed)
      }
    })
  )

  it.scopedLive("cuts off a client that does not read its answers, once the time is up", () =>
    Effect.gen(function* () {
      const server = yield* start(300)
      const a = yield* server.connect
      a.write(command("ADDJOB", "q", "b".repeat(1_000_000), "0"))
      yield* next(a)
      a.socket.pause()
      a.write(command("QPEEK", "q", "1").repeat(50))
      yield* Effect.sleep("100 millis")
      const took = yield* server.end
      assert.isAtLeast(took, 250)
      assert.isBelow(took, 5000)
    })
  )

  it.scopedLive("cuts all clients off at once unless it has time for them", () =>
    Effect.gen(function* () {
      const server = yield* start(0)
      const a = yield* server.connect
      a.write(command("PING"))
      yield* next(a)
      a.socket.pause()
      assert.isBelow(yield* server.end, 5000)
    })
  )
})

describe("a server with as many clients as it may have", () => {
  it.scopedLive("says once in the log that it turned clients away, and counts the others", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      yield* Effect.gen(function* () {
        const { ports } = yield* serveCluster(1, { config: { maxclients: "1" } })
        const clients = yield* Effect.replicateEffect(connect(ports[0]), 4)
        for (const turnedAway of clients.slice(1)) {
          assert.deepStrictEqual(yield* next(turnedAway), { "-": "ERR max number of clients reached" })
        }
        assert.deepStrictEqual(lines, ["a client was turned away: maxclients is reached"])
      }).pipe(Effect.scoped, Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.deepStrictEqual(lines, [
        "a client was turned away: maxclients is reached",
        "a client was turned away: maxclients is reached (and 2 times more since this was last said)"
      ])
    })
  )
})
