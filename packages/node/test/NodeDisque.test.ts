import { type AddressInfo, createServer, type Server } from "node:net"
import { DisqueConnection, DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Either, Fiber, type Layer, Redacted, type Scope } from "effect"
import { NodeDisque } from "../src/index.js"
import { embeddedOverTcp } from "./utils/embeddedOverTcp.js"
import { scriptedPeer } from "./utils/scriptedPeer.js"

const connectionError = <E>(layer: Layer.Layer<DisqueConnection, E>) =>
  Effect.flip(Effect.scoped(Effect.provide(Effect.asVoid(DisqueConnection), layer)))

const fromEnvironment = (variables: Record<string, string>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

describe("a connection", () => {
  it.scopedLive("to nodes that are not there fails with the reason for each", () =>
    Effect.gen(function* () {
      const refused = yield* connectionError(NodeDisque.layerConnection({ nodes: "127.0.0.1:1" }))
      assert.include(refused, { _tag: "ConnectionError", reason: "refused", node: "127.0.0.1:1" })
      const none = yield* connectionError(NodeDisque.layerConnection({ nodes: ["127.0.0.1:1", "127.0.0.1:2"] }))
      assert.include(none, { _tag: "ConnectionError", reason: "unreachable" })
      assert.include(none.message, "127.0.0.1:1 refused the connection")
      assert.include(none.message, "127.0.0.1:2 refused the connection")
    })
  )

  it.scopedLive("to two nodes, one of which is not there, uses the other one", () =>
    Effect.gen(function* () {
      const { address } = yield* embeddedOverTcp()
      const layer = NodeDisque.layerConnection({ nodes: ["127.0.0.1:1", address] })
      const node = yield* Effect.provide(
        Effect.flatMap(DisqueConnection, (disque) => disque.node),
        layer
      )
      assert.strictEqual(node, address)
    })
  )

  it.scopedLive("with a wrong password, or without a password, is refused, and the password is in no message", () =>
    Effect.gen(function* () {
      const { address } = yield* embeddedOverTcp({ requirepass: Redacted.make("sesame") })
      const wrong = yield* connectionError(
        NodeDisque.layerConnection({ nodes: address, password: Redacted.make("swordfish") })
      )
      assert.strictEqual(wrong._tag, "NotAuthenticated")
      assert.notInclude(JSON.stringify(wrong) + wrong.message, "swordfish")
      const none = yield* connectionError(NodeDisque.layerConnection({ nodes: address }))
      assert.strictEqual(none._tag, "NotAuthenticated")
      const right = Effect.flatMap(DisqueConnection, (disque) => disque.ping)
      yield* Effect.provide(right, NodeDisque.layerConnection({ nodes: address, password: Redacted.make("sesame") }))
      yield* Effect.provide(right, NodeDisque.layerConnection({ nodes: `disque://:sesame@${address}` }))
    })
  )

  it.scopedLive("takes its nodes and its password from the environment", () =>
    Effect.gen(function* () {
      const { address } = yield* embeddedOverTcp({ requirepass: Redacted.make("sesame") })
      yield* Effect.flatMap(DisqueConnection, (disque) => disque.ping).pipe(
        Effect.provide(NodeDisque.layerConnectionConfig()),
        fromEnvironment({ DISQUE_NODES: address, DISQUE_PASSWORD: "sesame" })
      )
      yield* Effect.flatMap(DisquePool, (pool) => pool.ping).pipe(
        Effect.provide(NodeDisque.layerPoolConfig({ maxActive: 1 })),
        fromEnvironment({ DISQUE_NODES: `disque://:sesame@${address}` })
      )
    })
  )

  it.scopedLive("from an environment without nodes, or with malformed ones, says what is missing", () =>
    Effect.gen(function* () {
      const config = NodeDisque.layerConnectionConfig()
      const missing = yield* Effect.scoped(connectionError(config)).pipe(fromEnvironment({}))
      assert.include(String(missing), "DISQUE_NODES")
      const malformed = yield* connectionError(config).pipe(
        fromEnvironment({ DISQUE_NODES: "localhost:7711,local host" })
      )
      assert.strictEqual(malformed._tag, "InvalidArgument")
      assert.include(malformed.message, 'DISQUE_NODES: address is "local host", expected host, host:port')
    })
  )

  it.scopedLive("to a peer that accepts and says nothing fails when its time is up", () =>
    Effect.gen(function* () {
      const peer = yield* scriptedPeer({ PING: () => {} })
      const [took, error] = yield* Effect.timed(
        connectionError(NodeDisque.layerConnection({ nodes: peer.address, connectTimeout: "200 millis" }))
      )
      assert.include(error, { _tag: "ConnectionError", reason: "timed-out" })
      assert.isBelow(Duration.toMillis(took), 2000)
    })
  )

  it.live("with options that are not valid is refused", () =>
    Effect.gen(function* () {
      for (const options of [
        { connectTimeout: 0 },
        { connectTimeout: "soon" as never },
        { maxActive: 0 },
        { maxIdle: -1 },
        { slice: 0 },
        { commandTimeout: Number.NaN },
        { idleTimeToLive: -1 }
      ]) {
        const error = yield* connectionError(NodeDisque.layerConnection({ nodes: "127.0.0.1:1", ...options }))
        assert.strictEqual(error._tag, "InvalidArgument", JSON.stringify(options))
      }
    })
  )
})

/** A node that says so to whoever connects, and closes. */
const rejecting = (words: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.end(`-${words}\r\n`)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  ).pipe(Effect.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`))

describe("a connection whose node", () => {
  const connect = (address: string) =>
    NodeDisque.layerConnection({ nodes: address, commandTimeout: "300 millis", connectTimeout: "1 second" })

  it.scopedLive("hangs up over an ADDJOB fails with OutcomeUnknown, and sends it once", () =>
    Effect.gen(function* () {
      const peer = yield* scriptedPeer({ ADDJOB: (socket) => socket.destroy() })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        const error = yield* Effect.flip(disque.addJob("q", "x"))
        assert.strictEqual(error._tag, "OutcomeUnknown")
        // The next command has a link of its own again.
        yield* disque.ping
      }).pipe(Effect.provide(connect(peer.address)))
      assert.strictEqual(peer.commands.filter(([name]) => name === "ADDJOB").length, 1)
    })
  )

  it.scopedLive("hangs up in the middle of a reply fails the commands that wait", () =>
    Effect.gen(function* () {
      const peer = yield* scriptedPeer({ QLEN: (socket) => socket.end(":12") })
      const error = yield* Effect.flatMap(DisqueConnection, (disque) =>
        Effect.flip(Effect.all([disque.queueLength("a"), disque.queueLength("b")], { concurrency: "unbounded" }))
      ).pipe(Effect.provide(connect(peer.address)))
      assert.include(error, { _tag: "ConnectionError", reason: "lost" })
    })
  )

  it.scopedLive("falls silent fails the commands that wait, and the close of a getJob that waits ends", () =>
    Effect.gen(function* () {
      const peer = yield* scriptedPeer({})
      const layer = NodeDisque.layerConnection({
        nodes: peer.address,
        commandTimeout: "300 millis",
        slice: "200 millis"
      })
      const [took] = yield* Effect.timed(
        Effect.gen(function* () {
          const disque = yield* DisqueConnection
          const waiting = yield* Effect.fork(disque.getJob("q"))
          const error = yield* Effect.flip(disque.queueLength("q"))
          assert.include(error, { _tag: "ConnectionError", reason: "silent" })
          yield* Fiber.interrupt(waiting)
        }).pipe(Effect.provide(layer))
      )
      assert.isBelow(Duration.toMillis(took), 3000)
    })
  )

  it.scopedLive("answers with garbage, or with another type, is told apart from one that is right", () =>
    Effect.gen(function* () {
      const peer = yield* scriptedPeer({
        QLEN: (socket) => socket.write("+many\r\n"),
        SHOW: (socket) => socket.write("shown yourself\r\n")
      })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        const mistyped = yield* Effect.flip(disque.queueLength("q"))
        assert.strictEqual(mistyped._tag, "ProtocolError")
        assert.include(mistyped.message, "expected an integer")
        const garbage = yield* Effect.flip(disque.show("D-01234567-0123456789abcdefghijklmn-05a1"))
        assert.strictEqual(garbage._tag, "ConnectionError")
      }).pipe(Effect.provide(connect(peer.address)))
    })
  )

  it.scopedLive("says why it ends the connection is quoted, whether that is asked for or not", () =>
    Effect.gen(function* () {
      const denied = "DENIED Disque is running in protected mode because no password is set."
      for (const words of ["ERR max number of clients reached", denied, "ERR something of its own"]) {
        const peer = yield* rejecting(words)
        for (const nodes of [peer, `disque://:sesame@${peer}`]) {
          const error = yield* connectionError(NodeDisque.layerConnection({ nodes }))
          assert.include(error, { _tag: "ConnectionError" })
          assert.include(error.message, words)
          assert.notInclude(error.message, "sesame")
        }
      }
      const noAuth = yield* rejecting("NOAUTH Authentication required.")
      const error = yield* connectionError(NodeDisque.layerConnection({ nodes: noAuth }))
      assert.include(error, { _tag: "NotAuthenticated", reply: "NOAUTH Authentication required." })
    })
  )

  it.scopedLive("ends the connection with an error is quoted to all who wait, and a getJob goes on", () =>
    Effect.gen(function* () {
      let isOver = false
      const words = "ERR output buffer limits were overcome"
      const peer = yield* scriptedPeer({
        QLEN: (socket) => socket.end(`:1\r\n-${words}\r\n`),
        ADDJOB: () => {},
        GETJOB: (socket) => (isOver ? socket.write("*-1\r\n") : socket.end(`-${words}\r\n`))
      })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        const [length, added] = yield* Effect.all([disque.queueLength("q"), Effect.either(disque.addJob("q", "x"))], {
          concurrency: "unbounded"
        })
        assert.strictEqual(length, 1)
        assert.isTrue(Either.isLeft(added))
        if (Either.isLeft(added)) assert.include(added.left.message, words)
        const refused = yield* Effect.flip(disque.getJobs("q", { timeout: 0 }))
        assert.include(refused.message, words)
        isOver = true
        assert.deepStrictEqual(yield* disque.getJobs("q", { timeout: 0 }), [])
      }).pipe(Effect.provide(connect(peer.address)))
    })
  )
})
