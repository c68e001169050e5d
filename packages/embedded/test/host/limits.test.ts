import * as Net from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Answer, EmbeddedDisque } from "../../src/index.js"
import { Backlog } from "../../src/internal/host/backlog.js"
import { Connection } from "../../src/internal/host/connection.js"
import { Failure, Status } from "../../src/internal/wire/answers.js"
import { CommandParser } from "../../src/internal/wire/commandParser.js"
import { TcpClient } from "../utils/client.js"
import { ask, command, host, latin1 } from "../utils/inProcess.js"
import { serveCluster } from "../utils/server.js"

const within = <A>(millis: number, run: () => A): A => {
  const start = performance.now()
  const result = run()
  assert.isBelow(performance.now() - start, millis)
  return result
}

/** How many bytes are in use after all that can be dropped has been. */
const inUse = (): number => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe("a request of a million", () => {
  it.scoped("digits is read as the server reads it, at once", () =>
    Effect.gen(function* () {
      const [node] = (yield* EmbeddedDisque.make()).nodes
      const nines = "9".repeat(1_000_000)
      const five = `${"0".repeat(1_000_000)}5`
      within(3000, () => {
        const refused = (...words: ReadonlyArray<string>) => assert.instanceOf(ask(node, ...words), Failure)
        refused("ADDJOB", "q", "b", nines)
        refused("ADDJOB", "q", "b", "0", "DELAY", nines)
        refused("ADDJOB", "q", "b", "0", "DELAY", `-${nines}`)
        refused("ADDJOB", "q", "b", "0", "DELAY", `${nines}x`)
        refused("QPEEK", "q", nines)
        refused("QSCAN", nines)
        refused("JSCAN", "0", "COUNT", nines)
        refused("CLUSTER", "MEET", "127.0.0.1", nines)
        refused("CLIENT", "KILL", "ID", nines)
        refused("CONFIG", "SET", "maxclients", nines)
        refused("CONFIG", "SET", "maxmemory", nines)
        refused("CONFIG", "SET", "client-output-buffer-limit", `normal ${nines} 0 0`)
        assert.instanceOf(
          ask(node, "ADDJOB", "q", "b", five, "DELAY", five, "TTL", `+${"0".repeat(1_000_000)}9`),
          Status
        )
        assert.deepStrictEqual(ask(node, "QPEEK", "q", `-${five}`), [])
        assert.deepStrictEqual(ask(node, "QSCAN", `-${five}`), ["0", []])
      })
      for (const sign of ["+", "-", "+ 1", "--1", "1-"]) assert.instanceOf(ask(node, "QPEEK", "q", sign), Failure)
    })
  )

  it.scoped("characters is quoted in its first 64 kB at most", () =>
    Effect.gen(function* () {
      const [node] = (yield* EmbeddedDisque.make()).nodes
      const long = "x".repeat(1_000_000)
      for (const words of [
        [long],
        ["DEBUG", "ERROR", long],
        ["DEBUG", long],
        ["CONFIG", "SET", long, long],
        ["CONFIG", "SET", "maxclients", long],
        ["CLUSTER", "MEET", long, "1"],
        ["CLUSTER", "MEET", "1.2.3.4", long],
        ["CLUSTER", "FORGET", long],
        ["CLIENT", "KILL", "TYPE", long],
        ["CLIENT", "SETNAME", long],
        ["LATENCY", "GRAPH", long]
      ]) {
        const answer = ask(node, ...words)
        assert.instanceOf(answer, Failure)
        if (answer instanceof Failure) assert.isBelow(answer.text.length, 140_000)
      }
    })
  )

  it.scoped("queues, with jobs in one of them, takes time that grows with both and not with their product", () =>
    Effect.gen(function* () {
      const [node] = (yield* EmbeddedDisque.make()).nodes
      for (let i = 0; i < 2000; i++) ask(node, "ADDJOB", "full", "b", "0")
      const names = Array.from({ length: 50_000 }, (_, i) => `q${i}`)
      within(3000, () => {
        const jobs = ask(node, "GETJOB", "NOHANG", "COUNT", "2000", "FROM", ...names, "full")
        assert.strictEqual(Array.isArray(jobs) ? jobs.length : 0, 2000)
      })
      // Round by round, as the server does it.
      for (const queue of ["a", "a", "b", "b", "b"]) ask(node, "ADDJOB", queue, "x", "0")
      const jobs = ask(node, "GETJOB", "NOHANG", "COUNT", "9", "FROM", "a", "none", "b")
      assert.deepStrictEqual(Array.isArray(jobs) ? jobs.map((job) => job[0]) : [], ["a", "b", "a", "b", "b"])
    })
  )

  it.scoped("new queues, one after the other, ends when the memory is full", () =>
    Effect.gen(function* () {
      const [node] = (yield* EmbeddedDisque.make({ maxmemory: 200_000_000 })).nodes
      const names = (round: number) => Array.from({ length: 60_000 }, (_, i) => `${round} ${i}`)
      const answers = [0, 1, 2, 3, 4].map((round) => ask(node, "GETJOB", "NOHANG", "FROM", ...names(round)))
      assert.match(String((answers[4] as Failure).text), /^OOM/)
      assert.notInstanceOf(answers[0], Failure)
      assert.notInstanceOf(ask(node, "GETJOB", "NOHANG", "FROM", ...names(0).slice(0, 10)), Failure)
    })
  )

  it.scoped("names of megabytes ends when the memory is full", () =>
    Effect.gen(function* () {
      const [node] = (yield* EmbeddedDisque.make({ maxmemory: 20_000_000 })).nodes
      const name = "n".repeat(1_000_000)
      const add = (i: number, ...more: ReadonlyArray<string>) => ask(node, "ADDJOB", `${i}${name}`, "b", "0", ...more)
      for (let i = 0; i < 40; i++) add(i, "DELAY", "5")
      assert.match(String((add(40) as Failure).text), /^OOM|^NOREPL .* out of memory/)
      ask(node, "DEBUG", "FLUSHALL")
      assert.instanceOf(add(41), Status)
    })
  )
})

describe("bytes that wait", () => {
  it("take little more room as arguments that are not complete than as bytes", () => {
    const parser = new CommandParser()
    const before = inUse()
    parser.feed(latin1("*1048576\r\n"))
    for (let i = 0; i < 40; i++) {
      parser.feed(latin1("$1\r\nx\r\n$4\r\nabcd\r\n".repeat(2500)))
      assert.isUndefined(parser.next())
    }
    // Of 1.8 MB, in 200,000 arguments.
    assert.isBelow(inUse() - before, 15_000_000)
    assert.isUndefined(parser.next())
  })

  it("take little more room if they come one by one, read or not", () => {
    const one = latin1("x")
    for (const start of ["", "*1\r\n$1000000\r\n"]) {
      const parser = new CommandParser()
      const before = inUse()
      parser.feed(latin1(start))
      for (let i = 0; i < 50_000; i++) {
        parser.feed(Uint8Array.from(one))
        if (start !== "") assert.isUndefined(parser.next())
      }
      assert.isBelow(inUse() - before, 4_000_000)
      assert.isAtLeast(parser.size, 50_000)
    }
  })

  it("are read in time that grows with them alone, a million digits among them", () => {
    within(3000, () => {
      const parser = new CommandParser()
      for (let i = 0; i < 1000; i++) parser.feed(latin1(`*${"0".repeat(1000)}`))
      assert.instanceOf(parser.next(), Failure)
      const other = new CommandParser()
      other.feed(latin1(`*1\r\n$${"9".repeat(60_000)}\r\n`))
      assert.instanceOf(other.next(), Failure)
    })
  })

  it.scoped("make way for others after some time, and are answered all the same", () =>
    Effect.gen(function* () {
      const [node] = (yield* EmbeddedDisque.make()).nodes
      let time = 0
      const rest: Array<() => void> = []
      const connection = new Connection(
        node,
        "127.0.0.1:1",
        host({ now: () => time++, later: (work) => rest.push(work) })
      )
      connection.receive(latin1("PING\r\n".repeat(400)))
      assert.isBelow(connection.unsent, 800)
      connection.receive(latin1("PING\r\n"))
      let rests = 0
      for (let work = rest.shift(); work !== undefined; work = rest.shift()) {
        work()
        rests++
      }
      assert.isAtLeast(rests, 5)
      assert.strictEqual(connection.unsent, 401 * "+PONG\r\n".length)
    })
  )
})

/** A client that does not read. */
const deaf = (port: number | undefined, ...words: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.async<Net.Socket>((resume) => {
      const socket = Net.connect({ host: "127.0.0.1", port: port ?? 0 })
      socket.on("error", () => {})
      socket.once("connect", () => {
        socket.pause()
        socket.write(command(...words), () => resume(Effect.succeed(socket)))
      })
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const count = (text: Answer): number => String(text).split("\n").length - 1

const until = (look: () => boolean) =>
  Effect.promise(async () => {
    for (let i = 0; i < 600 && !look(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.isTrue(look())
  })

describe("clients that do not read", () => {
  it.scopedLive("are cut off, the worst first, if too much waits for all of them together; others are served", () =>
    Effect.gen(function* () {
      const maxUnread = 40_000_000
      const { disque, ports } = yield* serveCluster(1, {}, { maxUnread })
      const [node] = disque.nodes
      const body = "b".repeat(1_000_000)
      for (let i = 0; i < 15; i++) ask(node, "ADDJOB", "q", body, "0")
      const reader = yield* Effect.acquireRelease(
        Effect.promise(() => TcpClient.connect(ports[0] ?? 0)),
        (made) => Effect.sync(() => made.close())
      )
      const before = inUse()
      // Each has 15 MB to take, and a socket holds some of it.
      const peeking = yield* Effect.replicateEffect(deaf(ports[0], "QPEEK", "q", "15"), 12)
      yield* until(() => count(ask(node, "CLIENT", "LIST")) < 2 + peeking.length)
      reader.write("PING\r\n")
      assert.deepStrictEqual(yield* Effect.promise(() => reader.next(5000)), { "+": "PONG" })
      // What was being sent when a client was cut off is let go of a little later.
      yield* until(() => inUse() - before < maxUnread + 30_000_000)
    })
  )

  it.scopedLive("and are only monitors are cut off before they end the process", () =>
    Effect.gen(function* () {
      const maxUnread = 4_000_000
      const { disque, ports } = yield* serveCluster(1, {}, { maxUnread })
      const [node] = disque.nodes
      const watching = yield* Effect.replicateEffect(deaf(ports[0], "MONITOR"), 8)
      yield* until(() => count(ask(node, "CLIENT", "LIST")) === 1 + watching.length)
      const before = inUse()
      const noise = "n".repeat(50_000)
      // More than the sockets hold.
      for (let i = 0; i < 2000 && count(ask(node, "CLIENT", "LIST")) > 1; i++) {
        ask(node, "PING", noise)
        if (i % 20 === 0) yield* Effect.sleep(1)
      }
      assert.isBelow(count(ask(node, "CLIENT", "LIST")), 1 + watching.length)
      yield* until(() => inUse() - before < 30_000_000)
      assert.strictEqual((ask(node, "PING") as Status).text, "PONG")
    })
  )

  it("are compared by what waited before the answer at hand, so that a large one can be given at all", () => {
    const backlog = new Backlog(100)
    const reader = (name: string) => {
      const made = {
        name,
        unsent: 0,
        isCut: false,
        cut: () => {
          made.isCut = true
          backlog.shrink(made, made.unsent, 0)
          made.unsent = 0
        },
        give: (bytes: number) => {
          const before = made.unsent
          made.unsent += bytes
          backlog.grow(made, before, bytes)
        }
      }
      return made
    }
    const [a, b, c] = [reader("a"), reader("b"), reader("c")] as const
    a.give(500)
    assert.isFalse(a.isCut)
    b.give(10)
    assert.isTrue(a.isCut)
    c.give(200)
    assert.deepStrictEqual([b.isCut, c.isCut], [true, false])
    c.give(1)
    assert.isTrue(c.isCut)
  })
})
