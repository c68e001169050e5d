import { NodeSocketServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import { EmbeddedDisque, EmbeddedServer } from "../src/index.js"
import { TcpClient } from "./utils/client.js"
import { serveCluster } from "./utils/server.js"

const client = (port: number | undefined) =>
  Effect.acquireRelease(
    Effect.promise(() => TcpClient.connect(port ?? 0)),
    (made) => Effect.sync(() => made.close())
  )

/** A port that nobody listens on. */
const freePort = Effect.scoped(
  Effect.map(NodeSocketServer.make({ port: 0, host: "127.0.0.1" }), ({ address }) =>
    address._tag === "TcpAddress" ? address.port : 0
  )
)

const next = (from: TcpClient, within = 30_000) => Effect.promise(() => from.next(within))

const say = (to: TcpClient, line: string) =>
  Effect.zipRight(
    Effect.sync(() => to.write(`${line}\r\n`)),
    next(to)
  )

/** Looks until it is so, or for ten seconds. */
const eventually = (look: () => boolean) =>
  Effect.promise(async () => {
    for (let i = 0; i < 2000 && !look(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
    return look()
  })

const command = (...words: ReadonlyArray<string>) =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`

describe.concurrent("the server", () => {
  it.scopedLive("answers many pipelined commands in order", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const count = 20_000
      a.write(Array.from({ length: count }, (_, i) => command("PING", `${i}`)).join(""))
      for (let i = 0; i < count; i++) assert.deepStrictEqual(yield* next(a), { $: `${i}` })
    })
  )

  it.scopedLive("carries a body of megabytes both ways", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const body = "0123456789abcdef".repeat(256 * 1024)
      a.write(command("ADDJOB", "q", body, "0"))
      assert.match(String((yield* next(a))?.["+"]), /^D-/)
      a.write(command("QPEEK", "q", "1"))
      const reply = yield* next(a)
      assert.strictEqual(JSON.stringify(reply).includes(body), true)
    })
  )

  it.scopedLive("forgets a client that goes while it is blocked", () =>
    Effect.gen(function* () {
      const { disque, ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const b = yield* client(ports[0])
      b.write("GETJOB FROM q\r\n")
      const blocked = () => {
        let shown = ""
        const asker = disque.nodes[0].connect({ onAnswer: (answer) => (shown = String(answer)), onEnd: () => {} })
        asker?.send(["CLIENT", "LIST"])
        asker?.close()
        return shown.includes("flags=b")
      }
      assert.isTrue(yield* eventually(blocked))
      b.close()
      assert.isTrue(yield* eventually(() => !blocked()))
      yield* say(a, "ADDJOB q kept 0")
      assert.deepStrictEqual(yield* say(a, "QLEN q"), { ":": 1 })
    })
  )

  it.scopedLive("runs the commands that a client sent after its GETJOB once the GETJOB is answered", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const b = yield* client(ports[0])
      b.write("GETJOB FROM q\r\nPING one\r\nGETJOB FROM q\r\nPING two\r\n")
      assert.isUndefined(yield* next(b, 50))
      yield* say(a, "ADDJOB q first 0")
      assert.include(JSON.stringify(yield* next(b)), "first")
      assert.deepStrictEqual(yield* next(b), { $: "one" })
      assert.isUndefined(yield* next(b, 50))
      yield* say(a, "ADDJOB q second 0")
      assert.include(JSON.stringify(yield* next(b)), "second")
      assert.deepStrictEqual(yield* next(b), { $: "two" })
    })
  )

  it.scopedLive("holds back a client that does not read, and serves the others", () =>
    Effect.gen(function* () {
      const { disque, ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const greedy = yield* client(ports[0])
      yield* say(a, `ADDJOB q ${"b".repeat(50_000)} 0`)
      greedy.socket.pause()
      const count = 600
      greedy.write(command("QPEEK", "q", "1").repeat(count))
      const done = () => {
        let shown = ""
        const asker = disque.nodes[0].connect({ onAnswer: (answer) => (shown = String(answer)), onEnd: () => {} })
        asker?.send(["INFO", "commandstats"])
        asker?.close()
        return Number(/cmdstat_qpeek:calls=(\d+)/.exec(shown)?.[1] ?? 0)
      }
      let before = -1
      // Until no more of its commands are run.
      yield* Effect.promise(async () => {
        while (before !== done() || before === 0) {
          before = done()
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      })
      assert.isAbove(before, 0)
      assert.isBelow(before, count)
      assert.deepStrictEqual(yield* say(a, "PING"), { "+": "PONG" })
      greedy.socket.resume()
      for (let i = 0; i < count; i++) assert.isDefined(yield* next(greedy, 5000))
    })
  )

  it.scopedLive("closes after QUIT and after a protocol error, once earlier commands are answered", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      for (const [line, reply] of [
        ["QUIT\r\nPING\r\n", { "+": "OK" }],
        ["*x\r\nPING\r\n", { "-": "ERR Protocol error: invalid multibulk length" }]
      ] as const) {
        const a = yield* client(ports[0])
        a.write(`PING\r\n${line}`)
        assert.deepStrictEqual(yield* next(a), { "+": "PONG" })
        assert.deepStrictEqual(yield* next(a), reply)
        assert.isTrue(yield* Effect.promise(() => a.closed(8000)))
        assert.isUndefined(yield* next(a, 0))
      }
    })
  )

  it.scopedLive("answers what came before the other side closed its half", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      a.socket.end("PING\r\nPING x\r\n")
      assert.deepStrictEqual(yield* next(a), { "+": "PONG" })
      assert.deepStrictEqual(yield* next(a), { $: "x" })
      assert.isTrue(yield* Effect.promise(() => a.closed(8000)))
    })
  )

  it.scopedLive("asks each client for the password", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1, { requirepass: Redacted.make("secret") })
      const a = yield* client(ports[0])
      assert.deepStrictEqual(yield* say(a, "PING"), { "-": "NOAUTH Authentication required." })
      assert.deepStrictEqual(yield* say(a, "AUTH secret"), { "+": "OK" })
      assert.deepStrictEqual(yield* say(a, "PING"), { "+": "PONG" })
    })
  )

  it.scopedLive("knows clients by their address, and closes those that are killed", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const b = yield* client(ports[0])
      assert.deepStrictEqual(yield* say(b, "PING"), { "+": "PONG" })
      assert.deepStrictEqual(yield* say(a, `CLIENT KILL 127.0.0.1:${b.socket.localPort}`), { "+": "OK" })
      assert.isTrue(yield* Effect.promise(() => b.closed(8000)))
      assert.deepStrictEqual(yield* say(a, "PING"), { "+": "PONG" })
    })
  )

  it.scopedLive("takes no more clients than maxclients", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      yield* say(a, "CONFIG SET maxclients 1")
      const b = yield* client(ports[0])
      assert.deepStrictEqual(yield* next(b), { "-": "ERR max number of clients reached" })
      assert.isTrue(yield* Effect.promise(() => b.closed(8000)))
    })
  )

  it.scopedLive("shows a monitor what others ask", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const b = yield* client(ports[0])
      assert.deepStrictEqual(yield* say(b, "MONITOR"), { "+": "OK" })
      yield* say(a, 'PING "a\\nb"')
      assert.match(String((yield* next(b))?.["+"]), /^\d+\.\d{6} \[127\.0\.0\.1:\d+\] "PING" "a\\nb"$/)
    })
  )

  it.scopedLive("says nothing to a client that wants no replies", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      a.write("CLIENT REPLY SKIP\r\nPING 1\r\nPING 2\r\nCLIENT REPLY OFF\r\nPING 3\r\nCLIENT REPLY ON\r\nPING 4\r\n")
      assert.deepStrictEqual(yield* next(a), { $: "2" })
      assert.deepStrictEqual(yield* next(a), { "+": "OK" })
      assert.deepStrictEqual(yield* next(a), { $: "4" })
    })
  )

  it.scopedLive(
    "keeps the connection of a client that sent QUIT without wanting replies, and reads no more from it",
    () =>
      Effect.gen(function* () {
        const { ports } = yield* serveCluster(1)
        const a = yield* client(ports[0])
        const b = yield* client(ports[0])
        a.write("CLIENT REPLY OFF\r\nQUIT\r\nCLIENT REPLY ON\r\nADDJOB q body 0\r\n")
        yield* Effect.sleep(50)
        assert.match(String((yield* say(b, "CLIENT LIST"))?.$), / flags=c /)
        assert.deepStrictEqual(yield* say(b, "QLEN q"), { ":": 0 })
        assert.isFalse(a.isClosed)
      })
  )

  it.scopedLive("ends a monitor by CLIENT KILL without a word about it", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const b = yield* client(ports[0])
      const c = yield* client(ports[0])
      assert.deepStrictEqual(yield* say(b, "MONITOR"), { "+": "OK" })
      assert.deepStrictEqual(yield* say(c, "MONITOR"), { "+": "OK" })
      assert.match(String((yield* next(b))?.["+"]), /"MONITOR"$/)
      const id = /id=(\d+) [^\n]*cmd=monitor/.exec(String((yield* say(a, "CLIENT LIST"))?.$))?.[1]
      for (const monitor of [b, c]) assert.match(String((yield* next(monitor))?.["+"]), /"CLIENT" "LIST"$/)
      assert.deepStrictEqual(yield* say(a, `CLIENT KILL ID ${id}`), { ":": 1 })
      assert.isTrue(yield* Effect.promise(() => b.closed(2000)))
      assert.isUndefined(yield* next(b))
      assert.match(String((yield* next(c))?.["+"]), /"CLIENT" "KILL"/)
    })
  )

  it.scopedLive("cuts its clients off when the node is killed, and serves the node that is started again", () =>
    Effect.gen(function* () {
      const { disque, ports } = yield* serveCluster(3)
      const a = yield* client(ports[0])
      assert.match(String((yield* say(a, "ADDJOB q body 1000"))?.["+"]), /^D-/)
      yield* disque.kill(disque.nodes[0])
      assert.isTrue(yield* Effect.promise(() => a.closed(8000)))
      const early = yield* client(ports[0])
      assert.isTrue(yield* Effect.promise(() => early.closed(8000)))
      yield* disque.restart(disque.nodes[0])
      const b = yield* client(ports[0])
      assert.deepStrictEqual(yield* say(b, "QLEN q"), { ":": 0 })
    })
  )

  it.scopedLive("drops a client that does not read when the node is killed", () =>
    Effect.gen(function* () {
      const { disque, ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      yield* say(a, `ADDJOB q ${"b".repeat(50_000)} 0`)
      a.socket.pause()
      // More than the sockets hold.
      a.write(command("QPEEK", "q", "1").repeat(1000))
      yield* Effect.sleep(50)
      yield* disque.kill(disque.nodes[0])
      // Only writing tells a client that does not read.
      const isClosed = yield* eventually(() => {
        if (!a.isClosed) a.write("PING\r\n")
        return a.isClosed
      })
      assert.isTrue(isClosed)
    })
  )

  it.scopedLive("leaves the commands to a frozen node unread until it goes on", () =>
    Effect.gen(function* () {
      const { disque, ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      yield* disque.freeze(disque.nodes[0])
      a.write("PING 1\r\nPING 2\r\n")
      assert.isUndefined(yield* next(a, 50))
      yield* disque.thaw(disque.nodes[0])
      assert.deepStrictEqual(yield* next(a), { $: "1" })
      assert.deepStrictEqual(yield* next(a), { $: "2" })
    })
  )

  it.scopedLive("listens only while its node is up, if it is made for that", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const disque = yield* EmbeddedDisque.make({ ports: [port] })
      const [node] = disque.nodes
      const listening = yield* Effect.forkScoped(
        EmbeddedServer.listen(node, NodeSocketServer.make({ port, host: "127.0.0.1" }))
      )
      const connected = Effect.promise(() =>
        TcpClient.connect(port).then(
          (made) => made,
          () => undefined
        )
      )
      const until = (isThere: boolean) =>
        Effect.repeat(Effect.zipRight(Effect.sleep(5), connected), {
          until: (made) => {
            if (made !== undefined && !isThere) made.close()
            return (made !== undefined) === isThere
          },
          times: 400
        })
      for (let round = 0; round < 3; round++) {
        const a = yield* until(true)
        assert.isDefined(a)
        if (a === undefined) return
        yield* say(a, "ADDJOB q body 0")
        assert.deepStrictEqual(yield* say(a, "QLEN q"), { ":": 1 })
        yield* disque.kill(node)
        assert.isTrue(yield* Effect.promise(() => a.closed(8000)))
        assert.isUndefined(yield* until(false))
        yield* disque.restart(node)
      }
      assert.isNull(listening.unsafePoll())
    })
  )

  it.scopedLive("takes a million words for a command, and answers others meanwhile", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const a = yield* client(ports[0])
      const other = yield* client(ports[0])
      const words = 1024 * 1024
      a.write(`*${words}\r\n$6\r\nACKJOB\r\n`)
      a.write("$1\r\na\r\n".repeat(words - 2))
      assert.deepStrictEqual(yield* say(other, "PING"), { "+": "PONG" })
      a.write("$1\r\na\r\n")
      assert.deepStrictEqual(yield* next(a, 40_000), { "-": "BADID Invalid Job ID format." })
      a.write(`*${words + 1}\r\n`)
      assert.deepStrictEqual(yield* next(a), { "-": "ERR Protocol error: invalid multibulk length" })
      assert.isTrue(yield* Effect.promise(() => a.closed(8000)))
      assert.deepStrictEqual(yield* say(other, "PING"), { "+": "PONG" })
    })
  )

  it.scopedLive("sets no memory aside for a body that is announced, and refuses one of more than 512 MB", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const clients = yield* Effect.replicateEffect(client(ports[0]), 20)
      const before = process.memoryUsage()
      for (const each of clients) each.write(`*2\r\n$4\r\nPING\r\n$${512 * 1024 * 1024}\r\nabc`)
      const a = yield* client(ports[0])
      a.write(`*2\r\n$4\r\nPING\r\n$${512 * 1024 * 1024 + 1}\r\n`)
      assert.deepStrictEqual(yield* next(a), { "-": "ERR Protocol error: invalid bulk length" })
      assert.isTrue(yield* Effect.promise(() => a.closed(8000)))
      const after = process.memoryUsage()
      assert.isBelow(after.arrayBuffers - before.arrayBuffers, 200 * 1024 * 1024)
    })
  )

  it.scopedLive("survives any bytes, and serves the others", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const other = yield* client(ports[0])
      const random = Random.make("bytes")
      for (let round = 0; round < 50; round++) {
        const bytes = new Uint8Array(1 + (yield* random.nextIntBetween(0, 3000)))
        for (let i = 0; i < bytes.length; i++) bytes[i] = yield* random.nextIntBetween(0, 256)
        if (round % 2 === 0) bytes[0] = "*".charCodeAt(0)
        const garbled = yield* client(ports[0])
        garbled.write(bytes)
        garbled.write("\r\n\r\n")
        assert.deepStrictEqual(yield* say(other, "PING"), { "+": "PONG" })
        garbled.close()
      }
    })
  )

  it.scopedLive("waits for the other half of a command for as long as it takes, and serves the others", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const silent = yield* client(ports[0])
      const other = yield* client(ports[0])
      silent.write("*2\r\n$4\r\nPING\r\n$5\r\nhe")
      assert.deepStrictEqual(yield* say(other, "PING"), { "+": "PONG" })
      assert.isUndefined(yield* next(silent, 30))
      silent.write("llo\r\n")
      assert.deepStrictEqual(yield* next(silent), { $: "hello" })
    })
  )

  it.scopedLive("cuts off a client that sends on and on without reading", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const other = yield* client(ports[0])
      yield* say(other, `ADDJOB q ${"b".repeat(50_000)} 0`)
      const greedy = yield* client(ports[0])
      greedy.socket.pause()
      greedy.write(command("QPEEK", "q", "1").repeat(2000))
      // Their answers fill all that holds answers; what is sent now can but be kept.
      const chunk = Buffer.alloc(1024 * 1024, command("PING", "x".repeat(1000)))
      for (let sent = 0; sent < 200 && !greedy.isClosed; sent++) {
        greedy.write(chunk)
        yield* Effect.sleep(1)
      }
      assert.isTrue(yield* Effect.promise(() => greedy.closed(8000)))
      assert.deepStrictEqual(yield* say(other, "PING"), { "+": "PONG" })
    })
  )
})
