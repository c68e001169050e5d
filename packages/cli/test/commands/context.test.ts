import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"

/** A configuration folder of its own, until the scope ends. */
const home = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "disco-context-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Runs commands one after the other with one configuration folder. */
const inFolder =
  (folder: string) =>
  (...words: ReadonlyArray<string>) =>
    disco(words, { env: { XDG_CONFIG_HOME: folder }, hasFiles: true })

describe("disco context", () => {
  it.scoped("keeps clusters, puts the first in use, then the one that is chosen, and forgets them", () =>
    Effect.gen(function* () {
      const run = inFolder(yield* home)
      assert.strictEqual(
        (yield* run("context", "list")).stdout,
        "there are no contexts: disco context add NAME --nodes ADDRESSES\n"
      )
      assert.strictEqual((yield* run("context", "add", "here", "--nodes", "127.0.0.1:7711")).stdout, "here is in use\n")
      assert.strictEqual(
        (yield* run("context", "add", "there", "--nodes", "127.0.0.1:1", "--tls")).stdout,
        "there is kept: disco context use there puts it in use\n"
      )
      assert.strictEqual((yield* run("ping", "--count", "1")).status, 0)
      assert.strictEqual((yield* run("context", "use", "there")).stdout, "there is in use\n")
      assert.deepStrictEqual(yield* run("ping", "--count", "1"), {
        status: 1,
        stdout: "",
        stderr:
          "disco: no node can be reached: 127.0.0.1:1 refused the connection: nothing listens there (from the context there)\n"
      })
      assert.strictEqual((yield* run("ping", "--count", "1", "--context", "here")).status, 0)
      assert.match(
        (yield* run("context", "list")).stdout,
        /^ +NAME +NODES +TLS\n +here +127.0.0.1:7711\n\* +there +127.0.0.1:1 +yes\n$/
      )
      assert.strictEqual(
        (yield* run("context", "rm", "there")).stdout,
        "there is forgotten, and no context is in use\n"
      )
      assert.strictEqual(
        (yield* run("context", "use", "there")).stderr,
        'disco: there is no context "there": there are here\n'
      )
    }).pipe(Effect.provide(cluster))
  )

  it.scoped("keeps passwords in a file that only the user can read, and shows them nowhere", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const run = inFolder(folder)
      const password = join(folder, "password")
      writeFileSync(password, "sesame\n")
      const nodes = "disque://:open@127.0.0.1:7711"
      const said = [
        yield* run("context", "add", "a", "--nodes", "127.0.0.1:7711", "--password-file", password),
        yield* run("context", "add", "b", "--nodes", nodes),
        yield* run("context", "list"),
        yield* run("context", "list", "--json"),
        yield* run("context", "add", "c", "--nodes", "disque://:open%@127.0.0.1"),
        yield* run("ping", "--context", "b", "--nodes", nodes)
      ]
      for (const { stderr, stdout } of said) assert.notMatch(stdout + stderr, /sesame|open/)
      const file = join(folder, "disco", "contexts.json")
      assert.include(readFileSync(file, "utf8"), "sesame")
      if (process.platform !== "win32") {
        assert.strictEqual(statSync(file).mode & 0o777, 0o600)
        assert.strictEqual(statSync(join(folder, "disco")).mode & 0o777, 0o700)
      }
      const { contexts } = JSON.parse((yield* run("context", "list", "--json")).stdout)
      assert.deepStrictEqual(
        contexts.map((each: { hasPassword: boolean }) => each.hasPassword),
        [true, true]
      )
    }).pipe(Effect.provide(cluster))
  )

  it.scoped("shows nothing of a file that it cannot read", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const run = inFolder(folder)
      yield* run("context", "add", "a", "--nodes", "127.0.0.1:7711")
      const file = join(folder, "disco", "contexts.json")
      for (const text of ['{ "password": "sesame"', '{ "contexts": { "a": { "password": "sesame" } } }']) {
        writeFileSync(file, text)
        assert.deepStrictEqual(yield* run("ping"), {
          status: 1,
          stdout: "",
          stderr: `disco: "${file}" does not hold contexts as disco context writes them: repair the file, or remove it\n`
        })
      }
    }).pipe(Effect.provide(cluster))
  )

  it.scoped("refuses what it cannot keep", () =>
    Effect.gen(function* () {
      const run = inFolder(yield* home)
      for (const [words, said] of [
        [["context", "add", "a"], "context add needs --nodes"],
        [
          ["context", "add", "a b", "--nodes", "x"],
          'context add: NAME is "a b", expected a name of letters, digits, dots, dashes and underscores, 64 at most'
        ],
        [
          ["context", "add", "a", "--nodes", "x", "--tls-cert", "x.pem"],
          "--tls-cert and --tls-key belong together: give both"
        ],
        [["context", "ad"], 'disco context has no command "ad": did you mean add?'],
        [["ping", "--nodes", "x", "--context", "a"], "--nodes and --context both name a cluster: give one of them"]
      ] as const) {
        assert.deepStrictEqual(yield* run(...words), { status: 2, stdout: "", stderr: `disco: ${said}\n` })
      }
    }).pipe(Effect.provide(cluster))
  )
})

describe("the cluster that a command talks to", () => {
  const nodes = (env: Readonly<Record<string, string>>, ...words: ReadonlyArray<string>) =>
    Effect.map(disco(["ping", "--count", "1", ...words], { env, hasFiles: true }), ({ stderr }) => stderr)

  it.scoped("is that of --nodes, else of DISQUE_NODES, else of the context in use, else the one on this machine", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const env = { XDG_CONFIG_HOME: folder }
      assert.strictEqual(yield* nodes(env), "")
      yield* inFolder(folder)("context", "add", "gone", "--nodes", "127.0.0.1:1")
      assert.match(yield* nodes(env), /127\.0\.0\.1:1 .* \(from the context gone\)/)
      assert.match(yield* nodes({ ...env, DISQUE_NODES: "127.0.0.1:2" }), /127\.0\.0\.1:2 .* \(from DISQUE_NODES\)/)
      assert.match(
        yield* nodes({ ...env, DISQUE_NODES: "127.0.0.1:2" }, "--nodes", "127.0.0.1:3,127.0.0.1:4"),
        /127\.0\.0\.1:[34] refused .*127\.0\.0\.1:[34] refused .* \(from --nodes\)/
      )
      assert.match(yield* nodes({ ...env, DISQUE_NODES: "127.0.0.1:2" }, "--context", "gone"), /from the context gone/)
    }).pipe(Effect.provide(cluster))
  )
})
