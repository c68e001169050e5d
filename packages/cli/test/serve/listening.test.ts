import { spawnSync } from "node:child_process"
import { existsSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { DisqueConnection, Job } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, LogLevel, Redacted } from "effect"
import { isAny, isLoopback } from "../../src/serve/exposure.js"
import { failure, folder, pem, pemText, start } from "../utils/serve.js"

const keys = ["--tls-cert", pem("server.pem"), "--tls-key", pem("server.key.pem")]
const trusting = { ca: pemText("ca.pem") }
const known = { ...trusting, cert: pemText("client.pem"), key: pemText("client.key.pem") }

/** A job through a node. */
const roundTrip = (options: Parameters<typeof NodeDisque.layerConnection>[0]) =>
  Effect.gen(function* () {
    const disque = yield* DisqueConnection
    yield* disque.addJob("q", "hello")
    const job = yield* disque.getJob("q", { timeout: "10 seconds" })
    yield* disque.ackJob(job)
    return Job.text(job)
  }).pipe(Effect.provide(Layer.provide(NodeDisque.layerConnection(options), Logger.minimumLogLevel(LogLevel.Error))))

const portOf = (place: string | undefined) => Number(place?.split(":").at(-1))

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"))

describe("disco serve", () => {
  it.scopedLive("speaks TLS beside plain TCP and a Unix socket, and each leads to the same node", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "disque.sock")
      const { places } = yield* start(["--port", "0", "--tls-port", "0", ...keys, "--unixsocket", path])
      assert.strictEqual(places.length, 3)
      assert.strictEqual(yield* roundTrip({ nodes: places[0] ?? "" }), "hello")
      assert.strictEqual(
        yield* roundTrip({ nodes: `disques://localhost:${portOf(places[1])}`, tls: trusting }),
        "hello"
      )
      assert.strictEqual(yield* roundTrip({ nodes: `unix:${path}` }), "hello")
      // Without TLS, the port for TLS is of no use, and the server goes on.
      const error = yield* Effect.flip(roundTrip({ nodes: places[1] ?? "", connectTimeout: "2 seconds" }))
      assert.strictEqual(error._tag, "ConnectionError")
      assert.strictEqual(yield* roundTrip({ nodes: places[0] ?? "" }), "hello")
    })
  )

  it.scopedLive("speaks TLS at the ports of a cluster, and its nodes find each other's clients", () =>
    Effect.gen(function* () {
      const { lines, places } = yield* start(["--port", "0", "--port", "0", ...keys])
      assert.strictEqual(lines.filter((line) => line.endsWith("(TLS)")).length, 2)
      const nodes = `disques://127.0.0.1:${portOf(places[0])}`
      const counts = Effect.flatMap(DisqueConnection, ({ cluster }) => cluster.info)
      const info = yield* Effect.provide(counts, NodeDisque.layerConnection({ nodes, tls: trusting }))
      assert.strictEqual(info.knownNodes, 2)
    })
  )

  it.scopedLive("lets in only clients with a certificate where it is given an authority for them", () =>
    Effect.gen(function* () {
      const { places } = yield* start([...keys, "--tls-port", "0", "--tls-ca", pem("ca.pem")])
      const nodes = `disques://localhost:${portOf(places[0])}`
      assert.strictEqual(yield* roundTrip({ nodes, tls: known }), "hello")
      const error = yield* Effect.flip(roundTrip({ nodes, tls: trusting, connectTimeout: "2 seconds" }))
      assert.strictEqual(error._tag, "ConnectionError", error.message)
    })
  )

  it.scopedLive("listens on a Unix socket alone, with the access rights given, and removes it at the end", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "disque.sock")
      const first = yield* start(["--unixsocket", path])
      assert.deepStrictEqual(first.places, [`unix:${path}`])
      assert.strictEqual(statSync(path).mode & 0o777, 0o700)
      yield* Fiber.interrupt(first.fiber)
      assert.isFalse(existsSync(path))
      const second = yield* start(["--unixsocket", path, "--unixsocketperm", "0660"])
      assert.strictEqual(statSync(path).mode & 0o777, 0o660)
      assert.strictEqual(yield* roundTrip({ nodes: `unix:${path}` }), "hello")
      yield* Fiber.interrupt(second.fiber)
    })
  )

  it.scopedLive("takes the place of a Unix socket whose process is dead, and of nothing else", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "disque.sock")
      const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
      spawnSync(process.execPath, ["-e", script])
      assert.isTrue(existsSync(path))
      yield* start(["--unixsocket", path])
      assert.strictEqual(
        yield* failure(["serve", "--unixsocket", path]),
        `another process listens on the Unix socket "${path}"`
      )
      assert.strictEqual(yield* roundTrip({ nodes: `unix:${path}` }), "hello")
      const file = `${path}.txt`
      writeFileSync(file, "text")
      assert.strictEqual(
        yield* failure(["serve", "--unixsocket", file]),
        `"${file}" is there already, and is no socket`
      )
      assert.isTrue(existsSync(file))
      const lost = join(path, "..", "none", "disque.sock")
      assert.match(yield* failure(["serve", "--unixsocket", lost]), /^the Unix socket ".*" cannot be made \(E[A-Z]+\)$/)
    })
  )

  it.scopedLive.skipIf(!hasIPv6)("listens at several addresses, IPv6 among them", () =>
    Effect.gen(function* () {
      const { places } = yield* start(["--port", "0", "--bind", "127.0.0.1", "--bind", "::1"])
      assert.strictEqual(portOf(places[0]), portOf(places[1]))
      assert.match(places[1] ?? "", /^\[::1\]:\d+$/)
      for (const nodes of places) assert.strictEqual(yield* roundTrip({ nodes }), "hello")
    })
  )

  it.scopedLive("names the port that is in use, with the option that chose it", () =>
    Effect.gen(function* () {
      const port = yield* Effect.acquireRelease(
        Effect.async<{ readonly number: number; readonly close: () => void }>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => {
            const address = server.address()
            const number = typeof address === "object" && address !== null ? address.port : 0
            resume(Effect.succeed({ number, close: () => server.close() }))
          })
        }),
        ({ close }) => Effect.sync(close)
      )
      assert.strictEqual(
        yield* failure(["serve", "--tls-port", `${port.number}`, ...keys]),
        `port ${port.number} is in use: choose another one with --tls-port`
      )
    })
  )
})

describe("beyond this machine, disco serve", () => {
  const refusal = (address: string) =>
    `${address} would let other machines in without a password: set one by DISCO_REQUIREPASS or --requirepass-file, or allow it by --insecure`

  it.effect("does not listen without a password", () =>
    Effect.gen(function* () {
      for (const address of ["0.0.0.0", "::", "0", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"]) {
        const said = yield* failure(["serve", "--port", "0", "--bind", address])
        assert.strictEqual(said, refusal(address))
      }
      assert.strictEqual(yield* failure(["serve", "--port", "0", "--host", "0.0.0.0"]), refusal("0.0.0.0"))
      assert.strictEqual(yield* failure(["serve", "--port", "0", "--bind", "127.0.0.1", "--bind", "::"]), refusal("::"))
      assert.strictEqual(yield* failure(["serve", "--tls-port", "0", ...keys, "--bind", "::"]), refusal("::"))
      assert.strictEqual(
        yield* failure(["serve", "--port", "0"], [["DISCO_BIND", "127.0.0.1 0.0.0.0"]]),
        refusal("0.0.0.0")
      )
    })
  )

  it("knows which addresses are loopback, and which stand for all", () => {
    for (const ip of ["127.0.0.1", "127.8.8.8", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"])
      assert.isTrue(isLoopback(ip), ip)
    for (const ip of ["0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "::2", "fe80::1", "::ffff:10.0.0.1"]) {
      assert.isFalse(isLoopback(ip), ip)
    }
    for (const ip of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"]) assert.isTrue(isAny(ip), ip)
    for (const ip of ["127.0.0.1", "::1", "10.0.0.1"]) assert.isFalse(isAny(ip), ip)
  })

  it.scopedLive("listens with a password, from an option, the environment or a file", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "password")
      writeFileSync(file, "sesame\n")
      for (const [args, env] of [
        [["--requirepass", "sesame"], []],
        [[], [["DISCO_REQUIREPASS", "sesame"]]],
        [["--requirepass-file", file], []],
        [[], [["DISCO_REQUIREPASS_FILE", file]]]
      ] as const) {
        const { lines, places } = yield* start(["--port", "0", "--bind", "0.0.0.0", ...args], env)
        assert.notInclude(lines.join(), "sesame")
        const nodes = `127.0.0.1:${portOf(places[0])}`
        assert.strictEqual(yield* roundTrip({ nodes, password: Redacted.make("sesame") }), "hello")
        assert.strictEqual((yield* Effect.flip(roundTrip({ nodes })))._tag, "NotAuthenticated")
      }
    })
  )

  it.scopedLive("listens without a password where it is told to, and warns of it in the log", () =>
    Effect.gen(function* () {
      const { lines, places } = yield* start(["--port", "0", "--bind", "0.0.0.0", "--insecure"])
      assert.match(
        lines.find((line) => line.includes(" warning ")) ?? "",
        /no password is set \(--insecure\): whoever /
      )
      assert.strictEqual(yield* roundTrip({ nodes: `127.0.0.1:${portOf(places[0])}` }), "hello")
      const loopback = yield* start(["--port", "0", "--insecure"])
      assert.notInclude(loopback.lines.join(), "warning")
    })
  )
})
