import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { connect } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { createServer } from "node:tls"
import { DisqueConnection, DisquePool, Job } from "@disco/core"
import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import { SocketServer } from "@effect/platform"
import { NodeSocketServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted, type Scope } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedCluster, embeddedOverTcp } from "../utils/embeddedOverTcp.js"

const data = (name: string) => readFileSync(new URL(`../data/${name}`, import.meta.url))

const roundTrip = Effect.gen(function* () {
  const disque = yield* DisqueConnection
  yield* disque.addJob("q", "hello")
  const job = yield* disque.getJob("q", { timeout: "2 seconds" })
  yield* disque.ackJob(job)
  return [Job.text(job), job.node] as const
})

/** A TLS server that asks for a certificate, in front of what listens at `address`; it adds the names it is asked for to `names`. */
const tlsInFront = (address: string, names: Array<unknown> = []): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
      const server = createServer(
        {
          ca: data("ca.pem"),
          cert: data("server.pem"),
          key: data("server.key.pem"),
          requestCert: true,
          rejectUnauthorized: true
        },
        (socket) => {
          names.push(socket.servername)
          const plain = connect(Number(address.split(":").at(-1)), "127.0.0.1")
          socket.on("error", () => plain.destroy())
          plain.on("error", () => socket.destroy())
          socket.pipe(plain).pipe(socket)
        }
      )
      server.on("tlsClientError", () => {})
      server.listen(0, "127.0.0.1", () => {
        const at = server.address()
        resume(
          Effect.succeed({
            port: typeof at === "object" && at !== null ? at.port : 0,
            close: () => server.close()
          })
        )
      })
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ port }) => port))

// A node that dies is a warning, and no news here.
const quiet = Logger.minimumLogLevel(LogLevel.Error)

describe("a link", () => {
  it.scopedLive("goes over TLS, with a certificate of the client if the node asks for one", () =>
    Effect.gen(function* () {
      const { address } = yield* embeddedOverTcp({ requirepass: Redacted.make("sesame") })
      const port = yield* tlsInFront(address)
      const tls = { ca: data("ca.pem"), cert: data("client.pem"), key: data("client.key.pem") }
      const nodes = `disques://:sesame@localhost:${port}`
      const [text, node] = yield* Effect.provide(roundTrip, NodeDisque.layerConnection({ nodes, tls }))
      assert.deepStrictEqual([text, node], ["hello", `localhost:${port}`])
      for (const wrong of [{ ca: tls.ca }, {}]) {
        const layer = NodeDisque.layerConnection({ nodes, tls: wrong, connectTimeout: "2 seconds" })
        const error = yield* Effect.flip(Effect.provide(roundTrip, layer))
        assert.strictEqual(error._tag, "ConnectionError", error.message)
        assert.notInclude(error.message, "sesame")
      }
    })
  )

  it.scopedLive(
    "over TLS asks for the node by the name of its host or by the given server name, and never by an IP address",
    () =>
      Effect.gen(function* () {
        const names: Array<unknown> = []
        const { address } = yield* embeddedOverTcp()
        const port = yield* tlsInFront(address, names)
        const keys = { ca: data("ca.pem"), cert: data("client.pem"), key: data("client.key.pem") }
        const ping = (host: string, tls: NodeDisque.TlsOptions = keys) =>
          Effect.flatMap(DisqueConnection, (disque) => disque.ping).pipe(
            Effect.provide(NodeDisque.layerConnection({ nodes: `disques://${host}:${port}`, tls }))
          )
        yield* ping("localhost")
        yield* ping("127.0.0.1")
        yield* ping("127.0.0.1", { ...keys, servername: "localhost" })
        assert.deepStrictEqual(names, ["localhost", false, "localhost"])
        const other = yield* Effect.flip(ping("localhost", { ...keys, servername: "elsewhere.example" }))
        assert.include(other.message, "elsewhere.example")
      })
  )

  it.scopedLive("over TLS asks for a node that the cluster told of by the name of its host too", () =>
    Effect.gen(function* () {
      const names: Array<unknown> = []
      const disque = yield* embeddedCluster(2)
      const [first, second] = disque.nodes.map(({ address }) => address)
      const ports = yield* Effect.forEach([first, second], (address) => tlsInFront(address ?? "", names))
      const map = { [second ?? ""]: `localhost:${ports[1]}` }
      const keys = { ca: data("ca.pem"), cert: data("client.pem"), key: data("client.key.pem") }
      yield* Effect.flatMap(DisquePool, (pool) => pool.queueLength("q")).pipe(
        Effect.provide(NodeDisque.layerPool({ nodes: `disques://127.0.0.1:${ports[0]}`, tls: keys, addressMap: map }))
      )
      assert.deepStrictEqual(names, [false, "localhost"])
    })
  )

  it.scopedLive("goes over a Unix socket", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "disco socket "))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true }))
      )
      const path = join(folder, "disque.sock")
      const server = yield* NodeSocketServer.make({ path })
      const disque = yield* EmbeddedDisque.make()
      yield* Effect.forkScoped(
        Effect.provideService(EmbeddedServer.serve(disque.nodes[0]), SocketServer.SocketServer, server)
      )
      const [text, node] = yield* Effect.provide(roundTrip, NodeDisque.layerConnection({ nodes: `unix:${path}` }))
      assert.deepStrictEqual([text, node], ["hello", `unix:${path}`])
      const missing = NodeDisque.layerConnection({ nodes: `unix:${path}.other` })
      assert.include(yield* Effect.flip(Effect.provide(roundTrip, missing)), {
        _tag: "ConnectionError",
        reason: "refused"
      })
    })
  )

  // Not every machine that runs tests has IPv6.
  const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"))

  it.scopedLive.skipIf(!hasIPv6)("goes over IPv6", () =>
    Effect.gen(function* () {
      const server = yield* NodeSocketServer.make({ host: "::1", port: 0 })
      const port = server.address._tag === "TcpAddress" ? server.address.port : 0
      const disque = yield* EmbeddedDisque.make({ ports: [port], host: "::1" })
      yield* Effect.forkScoped(
        Effect.provideService(EmbeddedServer.serve(disque.nodes[0]), SocketServer.SocketServer, server)
      )
      const [text, node] = yield* Effect.provide(roundTrip, NodeDisque.layerConnection({ nodes: `[::1]:${port}` }))
      assert.deepStrictEqual([text, node], ["hello", `[::1]:${port}`])
    })
  )

  it.scopedLive("finds the other nodes of the cluster, with the password of the first", () =>
    Effect.gen(function* () {
      const disque = yield* embeddedCluster(2, { requirepass: Redacted.make("sesame") })
      const [first, second] = disque.nodes.map(({ address }) => address)
      yield* Effect.gen(function* () {
        const connection = yield* DisqueConnection
        const node = yield* connection.node
        yield* disque.kill(disque.nodes[0])
        yield* connection.ping
        assert.deepStrictEqual([node, yield* connection.node], [first, second])
      }).pipe(Effect.provide(Layer.provide(NodeDisque.layerConnection({ nodes: `disque://:sesame@${first}` }), quiet)))
    })
  )

  it.scopedLive("goes to the address that the map gives for one that a node told of", () =>
    Effect.gen(function* () {
      const servers = yield* Effect.replicateEffect(NodeSocketServer.make({ host: "127.0.0.1", port: 0 }), 2)
      const ports = servers.map(({ address }) => (address._tag === "TcpAddress" ? address.port : 0))
      // The nodes know each other by addresses that nothing listens on.
      const disque = yield* EmbeddedDisque.make({ ports: [1, 2] })
      for (const [i, node] of disque.nodes.entries()) {
        const server = servers[i] as SocketServer.SocketServer["Type"]
        yield* Effect.forkScoped(Effect.provideService(EmbeddedServer.serve(node), SocketServer.SocketServer, server))
      }
      yield* Effect.gen(function* () {
        const connection = yield* DisqueConnection
        yield* disque.kill(disque.nodes[0])
        yield* connection.ping
        assert.strictEqual(yield* connection.node, `localhost:${ports[1]}`)
      }).pipe(
        Effect.provide(
          NodeDisque.layerConnection({
            nodes: `127.0.0.1:${ports[0]}`,
            addressMap: { "127.0.0.1:2": `localhost:${ports[1]}` }
          }).pipe(Layer.provide(quiet))
        )
      )
    })
  )
})
