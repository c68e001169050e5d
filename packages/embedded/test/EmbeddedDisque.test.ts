import { ConnectionError, DisqueDialer, Reply } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque, type EmbeddedOptions } from "../src/index.js"
import { ask, dial, fields, layer, plain, say, text } from "./utils/ask.js"

const day = 86_400_000

/** When sleeping fibers wake, in ms: one of them is the runner, if it sleeps. */
const sleeps = Effect.map(TestClock.sleeps(), Chunk.toReadonlyArray)

describe("time", () => {
  it.scoped("nothing runs while nothing is due", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      assert.deepStrictEqual(yield* say(link, "PING"), "PONG")
      const waiting = yield* Effect.fork(say(link, "GETJOB", "FROM", "q"))
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* sleeps, [])
      yield* Fiber.interrupt(waiting)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("a delayed job wakes the cluster once, when its delay is over", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const id = yield* text(link, "ADDJOB", "q", "later", "0", "DELAY", "80000", "TTL", "100000")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* sleeps, [80_000_000])
      yield* TestClock.adjust("79999 seconds")
      // What is next is its end, and a second more.
      assert.deepStrictEqual(yield* sleeps, [100_001_000])
      assert.deepStrictEqual(yield* say(link, "GETJOB", "NOHANG", "FROM", "q"), [["q", id, "later"]])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("a job that is queued costs no timer but that of its end, whatever its retry time", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      yield* say(link, "ADDJOB", "q", "body", "0", "RETRY", "1")
      yield* TestClock.adjust("23 hours")
      assert.deepStrictEqual(yield* sleeps, [day + 1000])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("the retry clock goes round unseen while a job waits, and is right when somebody looks", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const id = yield* text(link, "ADDJOB", "q", "body", "0", "RETRY", "10")
      for (let i = 0; i < 20; i++) {
        yield* TestClock.adjust("3333 millis")
        const shown = yield* fields(link, "SHOW", id)
        assert.strictEqual(shown.state, "queued")
        assert.isAtMost(Number(shown["next-requeue-within"]), 10_249)
        assert.isAbove(Number(shown["next-requeue-within"]), 0)
      }
      yield* TestClock.adjust("7 hours")
      yield* say(link, "GETJOB", "FROM", "q")
      const left = Number((yield* fields(link, "SHOW", id))["next-requeue-within"])
      assert.isAtMost(left, 10_249)
      yield* TestClock.adjust(left - 1)
      assert.strictEqual(yield* say(link, "QLEN", "q"), 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* say(link, "QLEN", "q"), 1)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("the retry time has an error of a quarter of a second either way", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const lefts: Array<number> = []
      for (let i = 0; i < 200; i++) {
        const id = yield* text(link, "ADDJOB", "q", "body", "0", "RETRY", "10")
        lefts.push(Number((yield* fields(link, "SHOW", id))["next-requeue-within"]))
      }
      assert.isAtLeast(Math.min(...lefts), 9750)
      assert.isAtMost(Math.max(...lefts), 10_249)
      assert.isAbove(Math.max(...lefts) - Math.min(...lefts), 300)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("a job ends with its TTL, wherever it is", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      yield* say(link, "ADDJOB", "q", "queued", "0", "TTL", "60")
      yield* say(link, "ADDJOB", "other", "delivered", "0", "TTL", "60", "RETRY", "100")
      yield* say(link, "ADDJOB", "other", "delayed", "0", "TTL", "60", "DELAY", "59")
      yield* say(link, "GETJOB", "FROM", "other")
      yield* TestClock.adjust("62 seconds")
      assert.deepStrictEqual(yield* say(link, "JSCAN", "BUSYLOOP"), ["0", []])
      assert.strictEqual(yield* say(link, "QLEN", "q"), 0)
      assert.deepStrictEqual(yield* sleeps, [])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("an idle queue is forgotten after five minutes, a paused one is not", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const id = yield* text(link, "ADDJOB", "q", "body", "0")
      yield* say(link, "ACKJOB", id)
      yield* say(link, "PAUSE", "paused", "out")
      yield* TestClock.adjust("299 seconds")
      assert.strictEqual((yield* fields(link, "QSTAT", "q")).idle, 299)
      yield* TestClock.adjust("1 second")
      assert.isNull(yield* say(link, "QSTAT", "q"))
      assert.deepStrictEqual(yield* say(link, "QSCAN"), ["0", ["paused"]])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("creation times have the wall clock's milliseconds and a sequence, exactly", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_795_494_781_594)
      const { nodes } = yield* EmbeddedDisque.make()
      const answers: Array<unknown> = []
      const client = nodes[0].connect({ onAnswer: (answer) => void answers.push(answer), onEnd: () => {} })
      for (const body of ["a", "b"]) client?.send(["ADDJOB", "q", body, "0"])
      client?.send(["JSCAN", "REPLY", "all"])
      const jobs = (answers[2] as ReadonlyArray<ReadonlyArray<ReadonlyArray<unknown>>>)[1]
      assert.deepStrictEqual(
        jobs?.map((job) => job[11]),
        [1_795_494_781_594_000_000n, 1_795_494_781_594_000_001n]
      )
    })
  )
})

describe("links", () => {
  it.effect("answer before send returns, unless there is something to wait for", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const replies: Array<unknown> = []
      const send = (...command: ReadonlyArray<string>) =>
        link.send(command, (outcome) => replies.push(Exit.isSuccess(outcome) ? plain(outcome.value) : outcome))
      send("QLEN", "q")
      send("GETJOB", "FROM", "q")
      send("PING")
      send("QLEN", "q")
      assert.deepStrictEqual(replies, [0])
      const other = yield* dial(1)
      const first = yield* text(other, "ADDJOB", "q", "one", "0")
      assert.deepStrictEqual(replies, [0, [["q", first, "one"]], "PONG", 0])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("take text as UTF-8 and bytes as they are, and share no memory with either side", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      for (const size of [10, 10_000]) {
        const body = new Uint8Array(size).fill(0xfe)
        yield* ask(link, "ADDJOB", "größe", body, "0")
        body.fill(0)
        const peeked = yield* ask(link, "QPEEK", "größe", "1")
        const job = Array.isArray(peeked) ? peeked[0] : undefined
        const seen = Array.isArray(job) ? job[2] : undefined
        assert.deepStrictEqual(seen, new Uint8Array(size).fill(0xfe))
        if (seen instanceof Uint8Array) seen.fill(1)
        const got = yield* ask(link, "GETJOB", "FROM", new TextEncoder().encode("größe"))
        assert.deepStrictEqual(
          Array.isArray(got) && Array.isArray(got[0]) ? got[0][2] : got,
          new Uint8Array(size).fill(0xfe)
        )
      }
    }).pipe(Effect.provide(layer()))
  )

  it.effect("take back a blocked GETJOB, which then takes no job", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const replies: Array<unknown> = []
      link.send(["GETJOB", "FROM", "q"], () => replies.push("job"))
      link.send(["PING"], () => replies.push("pong"))
      assert.isTrue(link.withdraw?.())
      assert.deepStrictEqual(replies, ["pong"])
      assert.isFalse(link.withdraw?.())
      yield* say(link, "ADDJOB", "q", "kept", "0")
      assert.strictEqual(yield* say(link, "QLEN", "q"), 1)
    }).pipe(Effect.provide(layer()))
  )

  for (const command of ["NACK", "ENQUEUE"]) {
    it.effect(`blocked on two queues are given the first job of one ${command} for both, and the other one waits`, () =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        const other = yield* dial(1)
        for (const queues of [
          ["a", "b"],
          ["b", "a"]
        ]) {
          const ids = yield* Effect.forEach(queues, (queue) => say(other, "ADDJOB", queue, queue, "0", "DELAY", "60"))
          const waiting = yield* Effect.fork(say(link, "GETJOB", "FROM", "a", "b"))
          yield* Effect.yieldNow()
          assert.strictEqual(yield* say(other, command, ...ids.map(String)), 2)
          assert.deepStrictEqual(yield* Fiber.join(waiting), [[queues[0], ids[0], queues[0]]])
          assert.deepStrictEqual(yield* Effect.forEach(queues, (queue) => say(other, "QLEN", queue)), [0, 1])
          yield* say(other, "DELJOB", ...ids.map(String))
        }
      }).pipe(Effect.provide(layer()))
    )
  }

  it.effect("do not take back a GETJOB that got its job", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const other = yield* dial(1)
      const replies: Array<unknown> = []
      link.send(["GETJOB", "FROM", "q"], (outcome) => replies.push(outcome))
      yield* say(other, "ADDJOB", "q", "body", "0")
      assert.isFalse(link.withdraw?.())
      assert.strictEqual(replies.length, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("once closed end what is in flight, and lose no job", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const waiting = yield* Effect.fork(Effect.flip(ask(link, "GETJOB", "FROM", "q")))
      yield* Effect.yieldNow()
      const reason = new ConnectionError({ node: link.node, reason: "closed" })
      link.close(reason)
      assert.strictEqual(yield* Fiber.join(waiting), reason)
      assert.isFalse(link.isOpen())
      assert.strictEqual(yield* Effect.flip(ask(link, "PING")), reason)
      const other = yield* dial(1)
      yield* say(other, "ADDJOB", "q", "kept", "0")
      assert.strictEqual(yield* say(other, "QLEN", "q"), 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("need no password", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      assert.strictEqual(yield* say(link, "PING"), "PONG")
    }).pipe(Effect.provide(layer({ requirepass: Redacted.make("secret") })))
  )

  it.effect("are refused at addresses without a node", () =>
    Effect.gen(function* () {
      const dialer = yield* DisqueDialer
      assert.deepStrictEqual(dialer.seeds, ["127.0.0.1:7711", "127.0.0.1:7712"])
      const error = yield* Effect.flip(dialer.dial("127.0.0.1:7799"))
      assert.deepInclude(error, { _tag: "ConnectionError", reason: "refused", node: "127.0.0.1:7799" })
      assert.isTrue((yield* dialer.dial("localhost:7712")).isOpen())
    }).pipe(Effect.provide(layer({ nodes: 2 })))
  )

  it.effect("end with the scope of the cluster", () =>
    Effect.gen(function* () {
      const link = yield* Effect.provide(dial(1), layer())
      assert.isFalse(link.isOpen())
      assert.deepInclude(yield* Effect.flip(ask(link, "PING")), { reason: "lost" })
    })
  )
})

describe("commands", () => {
  it.scoped("a scan returns all that was there throughout, while much else comes and goes", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const kept = new Set<string>()
      const passing: Array<string> = []
      for (let i = 0; i < 300; i++) {
        kept.add(yield* text(link, "ADDJOB", "q", "kept", "0"))
        passing.push(yield* text(link, "ADDJOB", "q", "passing", "0"))
      }
      const seen: Array<string> = []
      let cursor = "0"
      let pages = 0
      do {
        const page: unknown = yield* say(link, "JSCAN", cursor, "COUNT", "17")
        const [next, ids] = page as readonly [string, ReadonlyArray<string>]
        cursor = next
        seen.push(...ids)
        pages++
        for (const id of passing.splice(0, 20)) yield* say(link, "ACKJOB", id)
        yield* say(link, "ADDJOB", "q", "new", "0")
      } while (cursor !== "0" && pages < 200)
      assert.strictEqual(cursor, "0")
      assert.isAbove(pages, 17)
      for (const id of kept) assert.strictEqual(seen.filter((other) => other === id).length, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("a filtered scan stops before it has looked at everything, with a cursor to go on with", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      for (let i = 0; i < 50; i++) yield* say(link, "ADDJOB", "q", "body", "0")
      yield* say(link, "ADDJOB", "other", "body", "0")
      const page = (yield* say(link, "JSCAN", "COUNT", "2", "QUEUE", "other")) as readonly [
        string,
        ReadonlyArray<string>
      ]
      assert.notStrictEqual(page[0], "0")
      assert.deepStrictEqual(page[1], [])
      const again = (yield* say(link, "JSCAN", page[0], "COUNT", "9", "QUEUE", "other")) as typeof page
      const repeated = (yield* say(link, "JSCAN", page[0], "COUNT", "9", "QUEUE", "other")) as typeof page
      assert.strictEqual(again[1].length, 1)
      assert.deepStrictEqual(repeated[1], again[1])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("a full node refuses what needs memory, and makes room by what is of no more use", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const body = "b".repeat(10_000)
      const added: Array<string> = []
      let reply = yield* text(link, "ADDJOB", "q", body, "0", "RETRY", "0")
      while (reply.startsWith("D-")) {
        added.push(reply)
        reply = yield* text(link, "ADDJOB", "q", body, "0", "RETRY", "0")
      }
      assert.match(reply, /^Error: NOREPL .* I'm out of memory$/)
      yield* say(link, "CONFIG", "SET", "maxmemory", "900000")
      assert.match(yield* text(link, "ADDJOB", "q", body, "0"), /^Error: OOM /)
      assert.match(yield* text(link, "NACK", added[0] ?? ""), /^Error: OOM /)
      // Delivered at-most-once jobs can go.
      yield* say(link, "GETJOB", "COUNT", "100", "FROM", "q")
      yield* say(link, "PING")
      const jobs = (yield* say(link, "JSCAN", "BUSYLOOP")) as readonly [string, ReadonlyArray<string>]
      assert.isBelow(jobs[1].length, added.length)
      assert.match(yield* text(link, "NACK", added[0] ?? ""), /^\d$/)
    }).pipe(Effect.provide(layer({ maxmemory: 1_300_000 })))
  )

  it.scoped("a client that is killed hears nothing more, and its GETJOB takes nothing", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const victim = yield* dial(1)
      yield* say(victim, "CLIENT", "SETNAME", "victim")
      const waiting = yield* Effect.fork(Effect.flip(ask(victim, "GETJOB", "FROM", "q")))
      yield* Effect.yieldNow()
      const list = yield* text(link, "CLIENT", "LIST")
      const id = /id=(\d+) .*name=victim .*flags=b .*cmd=getjob/.exec(list)?.[1] ?? ""
      assert.strictEqual(yield* say(link, "CLIENT", "KILL", "ID", id), 1)
      assert.deepInclude(yield* Fiber.join(waiting), { reason: "lost" })
      yield* say(link, "ADDJOB", "q", "kept", "0")
      assert.strictEqual(yield* say(link, "QLEN", "q"), 1)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("CLIENT PAUSE holds all clients for its time", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      const other = yield* dial(1)
      assert.strictEqual(yield* say(link, "CLIENT", "PAUSE", "500"), "OK")
      const held = yield* Effect.fork(say(other, "PING"))
      yield* TestClock.adjust(499)
      assert.strictEqual((yield* Fiber.poll(held))._tag, "None")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(held), "PONG")
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("INFO, CONFIG and CLUSTER say what they know", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      yield* say(link, "ADDJOB", "q", "body", "0")
      const info = yield* text(link, "INFO")
      assert.match(info, /registered_jobs:1\r\n/)
      assert.match(info, /registered_queues:1\r\n/)
      assert.match(yield* text(link, "INFO", "commandstats"), /cmdstat_addjob:calls=1,/)
      assert.deepStrictEqual(yield* say(link, "CONFIG", "GET", "[m]axmem?ry"), ["maxmemory", "1073741824"])
      yield* say(link, "CONFIG", "SET", "maxmemory", "2gb")
      assert.deepStrictEqual(yield* say(link, "CONFIG", "GET", "maxmemory"), ["maxmemory", "2147483648"])
      for (const [name, value, kept] of [
        ["maxmemory", "9223372036854775807", "9223372036854775807"],
        ["maxmemory", "9007199254740993", "9007199254740993"],
        ["maxmemory", "18446744073709551615", "9223372036854775807"],
        ["maxmemory", "2gb", "2147483648"],
        ["watchdog-period", "1", "200"],
        ["watchdog-period", "199", "200"],
        ["watchdog-period", "201", "201"],
        ["watchdog-period", "0", "0"]
      ] as const) {
        yield* say(link, "CONFIG", "SET", name, value)
        assert.deepStrictEqual(yield* say(link, "CONFIG", "GET", name), [name, kept])
      }
      const id = yield* text(link, "CLUSTER", "MYID")
      assert.strictEqual(yield* say(link, "CLUSTER", "NODES"), `${id} :7711 myself 0 0 connected\n`)
      assert.strictEqual(yield* say(link, "CLUSTER", "RESET", "HARD"), "OK")
      assert.notStrictEqual(yield* say(link, "CLUSTER", "MYID"), id)
      assert.match(yield* text(link, "INFO"), /registered_jobs:0\r\n/)
    }).pipe(Effect.provide(layer()))
  )
})

describe("options", () => {
  const refused: ReadonlyArray<readonly [EmbeddedOptions, string]> = [
    [{ nodes: 0 }, "nodes"],
    [{ nodes: 1.5 }, "nodes"],
    [{ nodes: 101 }, "nodes"],
    [{ nodes: 2, ports: [7711] }, "ports"],
    [{ ports: [7711, 7711] }, "ports"],
    [{ ports: [0] }, "ports"],
    [{ ports: [] }, "ports"],
    [{ maxmemory: 0 }, "maxmemory"],
    [{ requirepass: Redacted.make("") }, "requirepass"],
    [{ latency: "infinity" as never }, "latency"],
    [{ nodeTimeout: Number.POSITIVE_INFINITY }, "nodeTimeout"]
  ]
  for (const [options, argument] of refused) {
    it.scoped(`${JSON.stringify(options)} is refused`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(EmbeddedDisque.make(options))
        assert.deepInclude(error, { _tag: "InvalidArgument", argument })
        assert.notInclude(error.value, "secret")
      })
    )
  }

  it.scoped("SHUTDOWN ends the node, and whoever asked for it is told", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const { nodes } = yield* EmbeddedDisque.make({ onShutdown: (node) => void ended.push(node.address) })
      let isEnded = false
      const client = nodes[0].connect({
        onAnswer: () => assert.fail("SHUTDOWN has no answer"),
        onEnd: () => {
          isEnded = true
        }
      })
      client?.send(["SHUTDOWN"])
      assert.deepStrictEqual(ended, ["127.0.0.1:7711"])
      assert.isTrue(isEnded)
      assert.isUndefined(nodes[0].connect({ onAnswer: () => {}, onEnd: () => {} }))
    })
  )

  it.scoped("the same seed makes the same ids", () =>
    Effect.gen(function* () {
      const ids = yield* Effect.replicateEffect(
        Effect.gen(function* () {
          const link = yield* dial(1)
          return [yield* text(link, "CLUSTER", "MYID"), yield* text(link, "ADDJOB", "q", "body", "0")]
        }).pipe(Effect.provide(layer()), Effect.withRandomFixed([0.25])),
        2
      )
      assert.deepStrictEqual(ids[0], ids[1])
      assert.isTrue(Reply.read(Reply.text, ids[0]?.[0] ?? null)._tag === "Right")
    })
  )
})
