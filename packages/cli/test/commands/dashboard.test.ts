import { writeFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { start } from "../utils/process.js"
import { folder } from "../utils/serve.js"

const started = (words: ReadonlyArray<string>, sign: RegExp, env: Readonly<Record<string, string>> = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const program = start(words, env)
      await program.shows("(Ctrl-C ends it)")
      return { ...program, address: sign.exec(program.out.stdout)?.[1] ?? "" }
    }),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill()
        return ended
      })
  )

/** A port that nothing listens at. */
const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        server.close(() => resolve(port))
      })
    })
)

const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers })
    return { status: response.status, text: await response.text() }
  })

describe("disco dashboard", { timeout: 120_000 }, () => {
  it.effect("listens elsewhere only with a password, or behind a proxy", () =>
    Effect.gen(function* () {
      const open = yield* disco(["dashboard", "--host", "0.0.0.0"])
      assert.strictEqual(open.status, 2)
      assert.match(open.stderr, /^disco: --host 0\.0\.0\.0 can be reached from elsewhere: give --viewer-password-file/)
      const both = yield* disco(["dashboard", "--read-only", "--allow-changes"])
      assert.strictEqual(both.status, 2)
      assert.match(both.stderr, /^disco: --read-only refuses what --allow-changes allows/)
    }).pipe(Effect.provide(cluster))
  )

  it.scopedLive("serves the page and its API, asks for the password, and ends at once with a viewer", () =>
    Effect.gen(function* () {
      const node = yield* started(["dev", "--port", "0", "--memory", "--dashboard-port", "0"], /listens on (\S+)/)
      const secret = join(yield* folder, "secret")
      writeFileSync(secret, "opensesame\n")
      const words = ["dashboard", "--nodes", node.address, "--port", "0", "--viewer-password-file", secret]
      const dashboard = yield* started([...words, "--read-only"], /(http:[^\s,]+)/)
      assert.match(dashboard.out.stdout, /^ready: the dashboard of 1 node is at http:\/\/127\.0\.0\.1:\d+\/, read-only/)
      const { address, child, ended, out } = dashboard
      const page = yield* get(address)
      assert.strictEqual(page.status, 200)
      assert.include(page.text, "<!doctype html>")
      assert.strictEqual((yield* get(`${address}health`)).status, 200)
      assert.strictEqual((yield* get(`${address}api/queues`)).status, 401)
      assert.strictEqual((yield* get(`${address}metrics`)).status, 401)
      const authorization = "Bearer opensesame"
      assert.strictEqual((yield* get(`${address}api/queues`, { authorization })).status, 200)
      assert.include((yield* get(`${address}metrics`, { authorization })).text, "disque_node_up")
      const viewer = yield* Effect.promise(() => fetch(`${address}api/events/queues`, { headers: { authorization } }))
      child.kill("SIGINT")
      assert.match(yield* Effect.promise(() => viewer.text()), /event: end\ndata: {"reason":"closing"}\n\n$/)
      const { code } = yield* Effect.promise(() => ended)
      assert.strictEqual(code, 130)
      assert.notInclude(out.stdout + out.stderr, "opensesame")
    })
  )

  it.scopedLive("serves its page before a node answers, says so in one line, and goes on by itself once one does", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const nodes = `127.0.0.1:${port}`
      const { address, out } = yield* started(["dashboard", "--nodes", nodes, "--port", "0"], /(http:[^\s,]+)/)
      assert.match(out.stdout, /^ready: the dashboard is at http:/)
      assert.strictEqual((yield* get(address)).status, 200)
      assert.strictEqual((yield* get(`${address}health`)).status, 503)
      assert.include((yield* get(`${address}api/status`)).text, "refused the connection")
      assert.strictEqual(
        out.stderr,
        `disco: no node can be reached: ${nodes} refused the connection: nothing listens there (from --nodes): the page goes on once one answers\n`
      )
      yield* started(["dev", "--port", String(port), "--memory", "--dashboard-port", "0"], /listens on (\S+)/)
      yield* Effect.repeat(Effect.delay(get(`${address}health`), "100 millis"), {
        until: ({ status }) => status === 200
      })
      assert.include((yield* get(`${address}api/status`)).text, '"state":"up"')
    })
  )

  it.effect("ends at once for addresses that cannot be read", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* disco(["dashboard", "--nodes", "no address", "--port", "0"])
      assert.deepStrictEqual({ status, stdout }, { status: 1, stdout: "" })
      assert.match(stderr, /^disco: --nodes/)
    }).pipe(Effect.provide(cluster))
  )

  it.scopedLive("says plainly that the port is in use", () =>
    Effect.gen(function* () {
      const node = yield* started(["dev", "--port", "0", "--memory", "--dashboard-port", "0"], /listens on (\S+)/)
      const [port = ""] = node.address.split(":").slice(-1)
      const again = yield* Effect.promise(() => start(["dashboard", "--nodes", node.address, "--port", port]).ended)
      assert.deepStrictEqual(again, {
        code: 1,
        stdout: "",
        stderr: `disco: port ${port} is in use: choose another one for the dashboard, or 0 for any\n`
      })
    })
  )
})
