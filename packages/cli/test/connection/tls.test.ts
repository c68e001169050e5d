import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { folder, pem, start } from "../utils/serve.js"

const served = ["--tls-cert", pem("server.pem"), "--tls-key", pem("server.key.pem"), "--tls-port", "0"]

const ca = ["--tls-ca", pem("ca.pem")]

/** What a client shows that the authority of the tests knows. */
const shown = ["--tls-cert", pem("client.pem"), "--tls-key", pem("client.key.pem")]

/** Pings nodes over sockets. */
const ping = (nodes: string, words: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  disco(["ping", "--count", "1", ...(nodes === "" ? [] : ["--nodes", nodes]), "--timeout", "5s", ...words], {
    columns: 200,
    env,
    hasFiles: true,
    hasSockets: true,
    isLive: true
  }).pipe(Effect.provide(cluster))

const portOf = ({ places }: { readonly places: ReadonlyArray<string> }) => places[0]?.split(":").at(-1) ?? ""

/** One sentence on standard error, and status 1. */
const refused = (result: Effect.Effect.Success<ReturnType<typeof ping>>, why: RegExp) => {
  assert.strictEqual(result.status, 1, result.stdout)
  assert.match(result.stderr, /^disco: no node can be reached: [^\n]*\n$/)
  assert.match(result.stderr, why)
}

describe("a command over TLS", () => {
  it.scopedLive("trusts the authority of --tls-ca, and no other", () =>
    Effect.gen(function* () {
      const port = portOf(yield* start(served))
      for (const nodes of [`127.0.0.1:${port}`, `disques://localhost:${port}`]) {
        const { status, stderr, stdout } = yield* ping(nodes, ca)
        assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
        assert.include(stdout, "1/1")
      }
      refused(yield* ping(`127.0.0.1:${port}`, ["--tls"]), /certificate/)
      // The certificate of the server is none of an authority that has signed it.
      refused(yield* ping(`127.0.0.1:${port}`, ["--tls-ca", pem("client.pem")]), /certificate/)
    })
  )

  it.scopedLive("trusts any certificate with --tls-insecure", () =>
    Effect.gen(function* () {
      const port = portOf(yield* start(served))
      assert.strictEqual((yield* ping(`127.0.0.1:${port}`, ["--tls-insecure"])).status, 0)
    })
  )

  it.scopedLive("asks for the name of --tls-name, and says that the certificate has another one", () =>
    Effect.gen(function* () {
      const port = portOf(yield* start(served))
      assert.strictEqual((yield* ping(`127.0.0.1:${port}`, [...ca, "--tls-name", "localhost"])).status, 0)
      refused(yield* ping(`127.0.0.1:${port}`, [...ca, "--tls-name", "disque.example"]), /disque\.example/)
    })
  )

  it.scopedLive("shows the certificate of --tls-cert and --tls-key where the nodes want one", () =>
    Effect.gen(function* () {
      const port = portOf(yield* start([...served, ...ca]))
      const { status, stderr } = yield* ping(`127.0.0.1:${port}`, [...ca, ...shown])
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      refused(yield* ping(`127.0.0.1:${port}`, ca), /certificate|closed the connection|ended/)
    })
  )

  it.scopedLive("says that a node without TLS does not speak it", () =>
    Effect.gen(function* () {
      const port = portOf(yield* start(["--port", "0"]))
      refused(yield* ping(`127.0.0.1:${port}`, ca), /TLS/)
    })
  )

  it.scopedLive("takes these options from a context", () =>
    Effect.gen(function* () {
      const port = portOf(yield* start([...served, ...ca]))
      const env = { XDG_CONFIG_HOME: yield* folder }
      const words = ["context", "add", "secure", "--nodes", `127.0.0.1:${port}`, ...ca, ...shown]
      const added = yield* Effect.provide(disco(words, { env, hasFiles: true, isLive: true }), cluster)
      assert.strictEqual(added.status, 0, added.stderr)
      const { status, stderr } = yield* ping("", ["--context", "secure"], env)
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
    })
  )

  it.scopedLive("refuses files that hold no certificate or key, and names them", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "empty.pem")
      writeFileSync(path, "nothing")
      for (const words of [
        ["--tls-ca", path],
        ["--tls-cert", path, "--tls-key", pem("client.key.pem")],
        ["--tls-cert", pem("client.pem"), "--tls-key", path],
        ["--tls-ca", `${path}.gone`]
      ]) {
        const { status, stderr } = yield* ping("127.0.0.1:1", words)
        assert.isAbove(status, 0)
        assert.match(stderr, /^disco: [^\n]*\n$/)
        assert.include(stderr, path, words.join(" "))
      }
      const mixed = yield* ping("127.0.0.1:1", ["--tls-cert", pem("client.pem"), "--tls-key", pem("server.key.pem")])
      assert.match(mixed.stderr, /^disco: [^\n]*--tls-cert[^\n]*\n$/)
    })
  )
})
