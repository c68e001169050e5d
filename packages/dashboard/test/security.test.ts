import { DisquePool } from "@disco/core"
import { VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, Stream } from "effect"
import { hostName, isLoopbackHost } from "../src/http/hosts.js"
import { isSame } from "../src/http/sessions.js"
import { type Client, cluster, logs, open } from "./utils/client.js"

const pause = { name: "emails", pause: "out" }
const password = Redacted.make("opensesame")

const signIn = (client: Client) =>
  Effect.gen(function* () {
    const { cookie, json, status } = yield* client.send("/api/session", {
      method: "POST",
      body: { password: "opensesame" }
    })
    assert.strictEqual(status, 200)
    return client.with({ cookie: cookie ?? "", "x-disco-token": json.token })
  })

const reasonOf = (client: Client, headers: Readonly<Record<string, string>>, body: unknown = pause) =>
  Effect.map(client.send("/api/queue/pause", { method: "POST", body, headers }), ({ json, status }) =>
    status === 200 ? "done" : (json.reason ?? json._tag)
  )

describe("a change", () => {
  it.scoped("needs the token of the page, and comes from no other site", () =>
    Effect.gen(function* () {
      const client = yield* open()
      const token = yield* client.token
      const good = { "x-disco-token": token }
      assert.strictEqual(yield* reasonOf(client, {}), "token")
      assert.strictEqual(yield* reasonOf(client, { "x-disco-token": `${token}0` }), "token")
      assert.strictEqual(yield* reasonOf(client, { ...good, origin: "http://evil.example" }), "origin")
      assert.strictEqual(yield* reasonOf(client, { ...good, origin: "http://127.0.0.1:1" }), "origin")
      assert.strictEqual(yield* reasonOf(client, { ...good, origin: "null" }), "origin")
      assert.strictEqual(yield* reasonOf(client, { ...good, "sec-fetch-site": "cross-site" }), "origin")
      assert.strictEqual(yield* reasonOf(client, { ...good, "content-type": "text/plain" }), "BadRequest")
      assert.strictEqual(yield* reasonOf(client, { ...good, origin: "http://127.0.0.1:7780" }), "done")
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("is refused by a dashboard that is read-only, whoever asks", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open({ allowChanges: false })
      for (const path of [
        "queue/pause",
        "queue/add",
        "jobs",
        "cluster/drain",
        "cluster/undrain",
        "dead/redrive",
        "dead/purge"
      ]) {
        const { json, status } = yield* client.post(`/api/${path}`, pause)
        assert.deepStrictEqual({ status, reason: json.reason }, { status: 403, reason: "read-only" }, path)
      }
      assert.strictEqual(yield* VirtualTime.run(pool.pause("emails", "state")), "none")
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("is not allowed with a password, unless the program says so", () =>
    Effect.gen(function* () {
      const closed = yield* Effect.flatMap(open({ password }), signIn)
      assert.strictEqual(yield* reasonOf(closed, {}), "read-only")
      const allowed = yield* Effect.flatMap(open({ password, allowChanges: true }), signIn)
      assert.strictEqual(yield* reasonOf(allowed, {}), "done")
      assert.strictEqual(yield* reasonOf(yield* open({ trustProxy: true }), {}), "read-only")
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("is logged, with who made it and how it went", () => {
    const { layer, lines } = logs()
    return Effect.gen(function* () {
      const client = yield* open()
      yield* client.post("/api/queue/pause", pause)
      yield* client.post("/api/queue/add", { name: "emails", body: { encoding: "text", content: "secret payload" } })
      const texts = lines.map(({ level, text }) => `${level} ${text}`)
      assert.isTrue(
        texts.some((text) => /^INFO "127\.0\.0\.1" sets what is paused of the queue "emails" to out: done/.test(text))
      )
      assert.isTrue(texts.some((text) => /^INFO "127\.0\.0\.1" adds a job to the queue "emails": D-/.test(text)))
      assert.notInclude(texts.join(), "secret payload")
    }).pipe(Effect.provide(layer), Effect.provide(cluster()))
  })

  it.scoped("is refused if its body is too long, or no JSON", () =>
    Effect.gen(function* () {
      const client = yield* open()
      const token = yield* client.token
      const send = (raw: string) =>
        Effect.map(
          client.send("/api/queue/pause", { method: "POST", raw, headers: { "x-disco-token": token } }),
          ({ status }) => status
        )
      assert.strictEqual(yield* send("{"), 400)
      assert.strictEqual(yield* send(JSON.stringify({ name: "emails", pause: "maybe" })), 400)
      assert.strictEqual(yield* send(`"${"x".repeat(3_000_000)}"`), 413)
    }).pipe(Effect.provide(cluster()))
  )
})

describe("who gets in", () => {
  it.scoped("names this machine, where there is no password", () =>
    Effect.gen(function* () {
      const client = yield* open({ hosts: ["disque.test"] })
      const status = (host: string) =>
        Effect.map(client.send("/api/queues", { headers: { host } }), ({ status }) => status)
      for (const host of ["localhost:7780", "127.0.0.1", "[::1]:7780", "disque.test:80"])
        assert.strictEqual(yield* status(host), 200, host)
      for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7780", "", "x y"])
        assert.strictEqual(yield* status(host), 403, host)
      assert.strictEqual((yield* client.send("/health", { headers: { host: "10.0.0.1" } })).status, 200)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("signs in with the password, until the session ends", () =>
    Effect.gen(function* () {
      const client = yield* open({ password, sessionTimeToLive: "1 minute" })
      for (const path of ["/api/queues", "/api/status", "/api/events/queues", "/metrics", "/api/nothing"])
        assert.strictEqual((yield* client.send(path)).status, 401, path)
      const before = (yield* client.send("/api/session")).json
      assert.deepInclude(before, { isSignedIn: false, needsPassword: true, token: null })
      const wrong = yield* client.send("/api/session", { method: "POST", body: { password: "opensesam" } })
      assert.deepInclude(wrong.json, { _tag: "Forbidden", reason: "password" })
      const visitor = yield* signIn(client)
      assert.strictEqual((yield* visitor.send("/api/queues")).status, 200)
      const last = yield* VirtualTime.run(Stream.runLast(visitor.events("/api/events/status")))
      assert.deepStrictEqual(Option.getOrUndefined(last), { event: "end", data: { reason: "session" } })
      assert.strictEqual((yield* visitor.send("/api/queues")).status, 401)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("may leave", () =>
    Effect.gen(function* () {
      const visitor = yield* Effect.flatMap(open({ password }), signIn)
      assert.strictEqual((yield* visitor.send("/api/session", { method: "DELETE" })).status, 200)
      assert.strictEqual((yield* visitor.send("/api/queues")).status, 401)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("sends the password as a bearer, if it is a program, and needs no token then", () =>
    Effect.gen(function* () {
      const client = yield* open({ password, allowChanges: true })
      const program = client.with({ authorization: "Bearer opensesame" })
      assert.strictEqual((yield* program.send("/metrics")).status, 200)
      assert.strictEqual(yield* reasonOf(program, {}), "done")
      assert.strictEqual((yield* client.with({ authorization: "Bearer no" }).send("/metrics")).status, 403)
    }).pipe(Effect.provide(cluster()))
  )
})

describe("the page", () => {
  it.scoped("can do nothing but show itself, and is below its base path", () =>
    Effect.gen(function* () {
      const client = yield* open({ basePath: "/admin/disque" })
      const page = yield* client.send("/admin/disque/")
      assert.strictEqual(page.status, 503) // There are no files in this test.
      assert.match(page.headers["content-security-policy"] ?? "", /^default-src 'none'; script-src 'self';/)
      assert.strictEqual(page.headers["x-content-type-options"], "nosniff")
      assert.strictEqual((yield* client.send("/admin/disque")).headers.location, "/admin/disque/")
      assert.strictEqual((yield* client.send("/admin/disque/api/queues?limit=1")).status, 200)
      for (const path of [
        "/",
        "/api/queues",
        "/admin/disquettes",
        "/admin/disque/../../etc/passwd",
        "/admin/disque/app.js"
      ])
        assert.strictEqual((yield* client.send(path)).status, 404, path)
    }).pipe(Effect.provide(cluster()))
  )
})

describe("names and secrets", () => {
  it("reads the name of a host with and without a port", () => {
    assert.strictEqual(hostName("LOCALHOST:80"), "localhost")
    assert.strictEqual(hostName("[::1]:80"), "[::1]")
    assert.isUndefined(hostName("a b"))
    assert.isFalse(isLoopbackHost("127.0.0.1.nip.io"))
  })

  it("compares secrets as a whole", () => {
    assert.isTrue(isSame("abc", "abc"))
    for (const [a, b] of [
      ["abc", "abd"],
      ["abc", "abcabc"],
      ["", "a"],
      ["a", ""]
    ] as const)
      assert.isFalse(isSame(a, b))
  })
})
