import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { EmbeddedDisque } from "../src/index.js"
import { ask, dial, fields, layer, plain, say, text } from "./utils/ask.js"

const three = Effect.gen(function* () {
  const disque = yield* EmbeddedDisque
  const links = [yield* dial(1), yield* dial(2), yield* dial(3)] as const
  return { disque, links, nodes: disque.nodes as unknown as readonly [Node, Node, Node] }
})
type Node = (typeof EmbeddedDisque.Service)["nodes"][0]

/** The priorities of the nodes in HELLO, by port. */
const priorities = (link: Parameters<typeof say>[0]) =>
  Effect.map(say(link, "HELLO"), (reply) =>
    Object.fromEntries(
      (reply as ReadonlyArray<unknown>)
        .slice(2)
        .map((node) => [(node as ReadonlyArray<string>)[2], (node as ReadonlyArray<string>)[3]])
    )
  )

/** Lets messages arrive. */
const settle = TestClock.adjust(0)

describe("replication", () => {
  it.scoped("a job is on as many nodes as asked for, and gone from all of them once acknowledged on any", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const [a, b, c] = links
      const id = yield* text(a, "ADDJOB", "q", "body", "0", "REPLICATE", "2")
      const shown = yield* Effect.forEach(links, (link) => fields(link, "SHOW", id))
      assert.strictEqual(shown.filter((job) => job.state === "queued").length, 1)
      assert.strictEqual(shown.filter((job) => job.state === "active").length, 1)
      // Whether it held the job or not.
      yield* say(c, "ACKJOB", id)
      yield* settle
      for (const link of [a, b, c]) assert.isNull(yield* say(link, "SHOW", id))
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a producer waits for its copies, and gives up with its timeout", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* disque.isolate(nodes[0])
      const adding = yield* Effect.fork(say(links[0], "ADDJOB", "q", "body", "1000", "REPLICATE", "3"))
      yield* TestClock.adjust(999)
      assert.strictEqual((yield* Fiber.poll(adding))._tag, "None")
      assert.strictEqual(yield* say(yield* dial(1), "QLEN", "q"), 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(
        yield* Fiber.join(adding),
        "Error: NOREPL Timeout reached before replicating to the requested number of nodes"
      )
      yield* disque.heal
      yield* TestClock.adjust("1 minute")
      for (const link of links) assert.deepStrictEqual(yield* say(link, "JSCAN"), ["0", []])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a producer that waits gets its id once the partition is healed", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* disque.isolate(nodes[0])
      const adding = yield* Effect.fork(text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "3"))
      yield* TestClock.adjust("5 seconds")
      yield* disque.heal
      yield* settle
      const id = yield* Fiber.join(adding)
      for (const link of links) assert.strictEqual((yield* fields(link, "SHOW", id)).repl, 3)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("ASYNC does not wait", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* disque.isolate(nodes[0])
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "ASYNC")
      assert.strictEqual((yield* fields(links[0], "SHOW", id)).state, "queued")
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a client that goes while its job waits for copies takes the job with it", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* disque.isolate(nodes[2])
      const victim = yield* dial(1)
      const adding = yield* Effect.fork(Effect.flip(ask(victim, "ADDJOB", "q", "body", "0", "REPLICATE", "3")))
      yield* settle
      assert.strictEqual(((yield* say(links[1], "JSCAN")) as ReadonlyArray<ReadonlyArray<string>>)[1]?.length, 1)
      const list = yield* text(links[0], "CLIENT", "LIST")
      yield* say(links[0], "CLIENT", "KILL", "ID", /id=(\d+) .*cmd=addjob/.exec(list)?.[1] ?? "")
      yield* Fiber.join(adding)
      yield* settle
      assert.deepStrictEqual(yield* say(links[0], "JSCAN"), ["0", []])
      assert.deepStrictEqual(yield* say(links[1], "JSCAN"), ["0", []])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a copy is delivered by another node when the one that queued the job is gone", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "2", "RETRY", "10")
      yield* disque.kill(nodes[0])
      const holder = (yield* say(links[1], "SHOW", id)) === null ? links[2] : links[1]
      assert.strictEqual(yield* say(holder, "QLEN", "q"), 0)
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(yield* say(holder, "GETJOB", "NOHANG", "WITHCOUNTERS", "FROM", "q"), [
        ["q", id, "body", "nacks", 0, "additional-deliveries", 1]
      ])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a job that waits in the queue of one node is not queued by the others as well", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      yield* say(links[0], "ADDJOB", "q", "body", "0", "RETRY", "10")
      yield* TestClock.adjust("2 minutes")
      const lengths = yield* Effect.forEach(links, (link) => say(link, "QLEN", "q"))
      assert.deepStrictEqual(lengths, [1, 0, 0])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("WORKING on one node holds back all copies, NACK is counted by all", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "RETRY", "10")
      yield* say(links[0], "GETJOB", "FROM", "q")
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust("8 seconds")
        assert.strictEqual(yield* say(links[0], "WORKING", id), 10)
      }
      yield* settle
      for (const link of links) assert.strictEqual(yield* say(link, "QLEN", "q"), 0)
      assert.strictEqual(yield* say(links[0], "NACK", id), 1)
      yield* settle
      for (const link of links) assert.strictEqual((yield* fields(link, "SHOW", id)).nacks, 1)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("an acknowledgement reaches the holders after a partition", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0")
      yield* say(links[0], "GETJOB", "FROM", "q")
      yield* disque.isolate(nodes[0])
      assert.strictEqual(yield* say(links[0], "ACKJOB", id), 1)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* fields(links[0], "SHOW", id)).state, "acked")
      assert.strictEqual((yield* fields(links[1], "SHOW", id)).state, "active")
      yield* disque.heal
      yield* TestClock.adjust("30 seconds")
      for (const link of links) assert.isNull(yield* say(link, "SHOW", id))
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("messages take the time they are given", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const adding = yield* Effect.fork(text(links[0], "ADDJOB", "q", "body", "0"))
      yield* TestClock.adjust(99)
      assert.strictEqual((yield* Fiber.poll(adding))._tag, "None")
      yield* TestClock.adjust(1)
      assert.match(yield* Fiber.join(adding), /^D-/)
    }).pipe(Effect.provide(layer({ nodes: 3, latency: "50 millis" })))
  )
})

describe("federation", () => {
  it.scoped("a consumer gets what is queued elsewhere at once, and what is queued later a moment later", () =>
    Effect.gen(function* () {
      const { links, nodes } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "one", "0", "REPLICATE", "1")
      const first = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(first), [["q", id, "one"]])
      for (const link of [links[0], links[1]]) yield* say(link, "ACKJOB", id)
      const second = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* TestClock.adjust("1 hour")
      const later = yield* text(links[2], "ADDJOB", "q", "two", "0", "REPLICATE", "1")
      yield* TestClock.adjust(99)
      assert.strictEqual((yield* Fiber.poll(second))._tag, "None")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(second), [["q", later, "two"]])
      const stats = yield* fields(links[1], "QSTAT", "q")
      assert.deepInclude(stats, { len: 0, "jobs-in": 2, "jobs-out": 2 })
      assert.deepStrictEqual(stats["import-from"], [nodes[2].id])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("waiting for jobs of other nodes costs no timers", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const waiting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* TestClock.sleeps()), [])
      yield* Fiber.interrupt(waiting)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a consumer that gave up draws no more jobs to its node", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const waiting = yield* Effect.fork(say(links[1], "GETJOB", "TIMEOUT", "500", "FROM", "q"))
      yield* TestClock.adjust(500)
      assert.isNull(yield* Fiber.join(waiting))
      yield* say(links[0], "ADDJOB", "q", "stays", "0", "REPLICATE", "1")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* say(links[0], "QLEN", "q"), 1)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("all consumers of a node are served, one after the other, by what others queue", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const consumers = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
        Effect.flatMap(dial(2), (link) => Effect.fork(say(link, "GETJOB", "FROM", "q")))
      )
      yield* settle
      for (let i = 0; i < 5; i++) yield* say(links[0], "ADDJOB", "q", `${i}`, "0", "REPLICATE", "1")
      yield* TestClock.adjust("10 seconds")
      const jobs = yield* Effect.forEach(consumers, Fiber.join)
      assert.deepStrictEqual(
        jobs.map((job) => (job as ReadonlyArray<ReadonlyArray<string>>)[0]?.[2]),
        ["0", "1", "2", "3", "4"]
      )
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("as on a server, the only holder never hears of an acknowledgement where its job was given to", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "1", "RETRY", "8")
      const getting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* settle
      yield* Fiber.join(getting)
      assert.strictEqual(yield* say(links[1], "ACKJOB", id), 1)
      yield* TestClock.adjust("9 seconds")
      assert.isNull(yield* say(links[1], "SHOW", id))
      assert.deepStrictEqual(yield* say(links[0], "GETJOB", "NOHANG", "FROM", "q"), [["q", id, "body"]])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("an at-most-once job leaves nothing behind where it is given away", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const id = yield* text(links[0], "ADDJOB", "q", "once", "0", "REPLICATE", "1", "RETRY", "0")
      const getting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(getting), [["q", id, "once"]])
      assert.isNull(yield* say(links[0], "SHOW", id))
      assert.strictEqual((yield* fields(links[1], "SHOW", id)).state, "active")
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a consumer cut off from the jobs gets them once the partition is healed", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* disque.isolate(nodes[1])
      const getting = yield* Effect.fork(say(links[1], "GETJOB", "FROM", "q"))
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "1")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.poll(getting))._tag, "None")
      yield* disque.heal
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(getting), [["q", id, "body"]])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a queue paused out on its node gives nothing away until it is resumed", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      yield* say(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "1")
      yield* say(links[0], "PAUSE", "q", "out")
      const getting = yield* Effect.fork(text(links[1], "GETJOB", "FROM", "q"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.poll(getting))._tag, "None")
      yield* say(links[0], "PAUSE", "q", "none")
      yield* TestClock.adjust(100)
      assert.include(yield* Fiber.join(getting), "body")
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("PAUSE BCAST reaches all nodes", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      yield* say(links[0], "PAUSE", "q", "all", "bcast")
      yield* settle
      for (const link of links) assert.strictEqual(yield* say(link, "PAUSE", "q", "state"), "all")
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )
})

describe("failure", () => {
  it.scoped("a killed node loses its clients, is suspected by its silence, and fails by the word of most", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      const waiting = yield* Effect.fork(Effect.flip(ask(links[2], "GETJOB", "FROM", "q")))
      yield* Effect.yieldNow()
      yield* disque.kill(nodes[2])
      assert.deepInclude(yield* Fiber.join(waiting), { _tag: "ConnectionError", reason: "lost" })
      assert.deepInclude(yield* Effect.flip(dial(3)), { reason: "refused" })
      assert.deepStrictEqual(yield* priorities(links[0]), { 7711: "1", 7712: "1", 7713: "5" })
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(yield* priorities(links[0]), { 7711: "1", 7712: "1", 7713: "100" })
      assert.match(yield* text(links[1], "CLUSTER", "NODES"), /:7713 fail 0 \d+ disconnected/)
      assert.strictEqual(
        yield* say(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "3"),
        "Error: NOREPL Not enough reachable nodes for the requested replication level"
      )
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* TestClock.sleeps()), [])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a node that is started again is empty, has its id, and is trusted at once", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      const before = nodes[2].id
      yield* say(links[2], "ADDJOB", "q", "lost", "0", "REPLICATE", "1")
      yield* disque.kill(nodes[2])
      yield* TestClock.adjust("20 seconds")
      yield* disque.restart(nodes[2])
      yield* settle
      assert.isFalse(links[2].isOpen())
      const link = yield* dial(3)
      assert.strictEqual(yield* say(link, "CLUSTER", "MYID"), before)
      assert.deepStrictEqual(yield* say(link, "JSCAN"), ["0", []])
      for (const each of [links[0], links[1], link]) {
        assert.deepStrictEqual(yield* priorities(each), { 7711: "1", 7712: "1", 7713: "1" })
      }
      assert.match(yield* text(link, "ADDJOB", "q", "body", "0", "REPLICATE", "3"), /^D-/)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a partition is seen from both sides: most fail the few, who can but suspect", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* disque.isolate(nodes[0])
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(yield* priorities(links[0]), { 7711: "1", 7712: "10", 7713: "10" })
      assert.deepStrictEqual(yield* priorities(links[1]), { 7711: "100", 7712: "1", 7713: "1" })
      yield* disque.heal
      yield* settle
      for (const link of links) {
        assert.deepStrictEqual(yield* priorities(link), { 7711: "1", 7712: "1", 7713: "1" })
      }
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a frozen node answers nothing until it goes on, and then everything", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* say(links[1], "ADDJOB", "q", "body", "0", "DELAY", "5", "REPLICATE", "1")
      yield* disque.freeze(nodes[1])
      const asking = yield* Effect.fork(say(links[1], "QLEN", "q"))
      const adding = yield* Effect.fork(text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "3"))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* Fiber.poll(asking))._tag, "None")
      assert.strictEqual((yield* Fiber.poll(adding))._tag, "None")
      assert.deepStrictEqual(yield* priorities(links[2]), { 7711: "1", 7712: "100", 7713: "1" })
      yield* disque.thaw(nodes[1])
      yield* settle
      assert.strictEqual(yield* Fiber.join(asking), 1)
      assert.match(yield* Fiber.join(adding), /^D-/)
      assert.deepStrictEqual(yield* priorities(links[2]), { 7711: "1", 7712: "1", 7713: "1" })
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("as on a server, a node that was frozen delivers what is due before it hears of an acknowledgement", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      const [a, b] = links
      yield* text(a, "ADDJOB", "q", "body", "0", "REPLICATE", "3", "RETRY", "2")
      const [[, id]] = (yield* say(a, "GETJOB", "FROM", "q")) as [[string, string]]
      const waiting = yield* Effect.fork(say(b, "GETJOB", "FROM", "q"))
      yield* settle
      yield* disque.freeze(nodes[1])
      yield* say(a, "ACKJOB", id)
      yield* TestClock.adjust("10 seconds")
      yield* disque.thaw(nodes[1])
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Fiber.join(waiting), ["q", id, "body"])
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a GETJOB that a frozen node has not begun can be taken back", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      yield* say(links[0], "ADDJOB", "q", "kept", "0", "REPLICATE", "1")
      yield* disque.freeze(nodes[0])
      links[0].send(["GETJOB", "FROM", "q"], () => assert.fail("it was taken back"))
      assert.isTrue(links[0].withdraw?.())
      yield* disque.thaw(nodes[0])
      assert.strictEqual(yield* say(links[0], "QLEN", "q"), 1)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a leaving node ends what blocks on it, and gives new jobs to others", () =>
    Effect.gen(function* () {
      const { links } = yield* three
      const waiting = yield* Effect.fork(text(yield* dial(1), "GETJOB", "FROM", "q"))
      yield* Effect.yieldNow()
      assert.strictEqual(yield* say(links[0], "CLUSTER", "LEAVING", "yes"), "OK")
      assert.match(yield* Fiber.join(waiting), /^Error: LEAVING /)
      yield* settle
      assert.deepStrictEqual(yield* priorities(links[1]), { 7711: "100", 7712: "1", 7713: "1" })
      const id = yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "2")
      yield* settle
      assert.isNull(yield* say(links[0], "SHOW", id))
      const lengths = yield* Effect.forEach([links[1], links[2]], (link) => say(link, "QLEN", "q"))
      assert.deepStrictEqual([...lengths].sort(), [0, 1])
      assert.match(
        yield* text(links[0], "ADDJOB", "q", "body", "0", "REPLICATE", "3"),
        /^Error: NOREPL .* I'm leaving the cluster$/
      )
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a node can be made to leave from outside, and is back after a restart", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      const waiting = yield* Effect.fork(say(links[0], "GETJOB", "FROM", "q"))
      yield* TestClock.adjust(1)
      yield* disque.leave(nodes[0])
      assert.include(yield* Fiber.join(waiting), "Error: LEAVING")
      yield* settle
      assert.deepStrictEqual(yield* priorities(links[1]), { 7711: "100", 7712: "1", 7713: "1" })
      yield* disque.kill(nodes[0])
      yield* disque.restart(nodes[0])
      yield* settle
      assert.deepStrictEqual(yield* priorities(links[1]), { 7711: "1", 7712: "1", 7713: "1" })
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a node says when it is down and when it is up", () =>
    Effect.gen(function* () {
      const { disque, nodes } = yield* three
      yield* nodes[0].up
      const down = yield* Effect.fork(nodes[0].down)
      yield* Effect.yieldNow()
      assert.strictEqual((yield* Fiber.poll(down))._tag, "None")
      yield* disque.kill(nodes[0])
      yield* Fiber.join(down)
      const up = yield* Effect.fork(nodes[0].up)
      yield* Effect.yieldNow()
      yield* disque.restart(nodes[0])
      yield* Fiber.join(up)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("a node that was forgotten is met again", () =>
    Effect.gen(function* () {
      const { links, nodes } = yield* three
      assert.strictEqual(yield* say(links[0], "CLUSTER", "FORGET", nodes[2].id), "OK")
      assert.match(yield* text(links[0], "CLUSTER", "INFO"), /cluster_size:2\r\n/)
      assert.strictEqual(yield* say(links[0], "CLUSTER", "MEET", "127.0.0.1", "7713"), "OK")
      yield* settle
      for (const link of links) assert.match(yield* text(link, "CLUSTER", "INFO"), /cluster_known_nodes:3\r\n/)
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )

  it.scoped("nothing added with all its copies is lost when one node of three dies", () =>
    Effect.gen(function* () {
      const { disque, links, nodes } = yield* three
      const ids = new Set<string>()
      for (let i = 0; i < 60; i++) {
        ids.add(yield* text(links[i % 3] ?? links[0], "ADDJOB", "q", `${i}`, "0", "REPLICATE", "2", "RETRY", "5"))
      }
      yield* disque.kill(nodes[1])
      const seen = new Set<string>()
      for (let i = 0; i < 40 && seen.size < ids.size; i++) {
        yield* TestClock.adjust("1 second")
        for (const link of [links[0], links[2]]) {
          const jobs = plain(yield* ask(link, "GETJOB", "NOHANG", "COUNT", "100", "FROM", "q"))
          for (const [, id] of (jobs ?? []) as ReadonlyArray<readonly [string, string]>) {
            seen.add(id)
            yield* say(link, "ACKJOB", id)
          }
        }
      }
      assert.deepStrictEqual([...seen].sort(), [...ids].sort())
    }).pipe(Effect.provide(layer({ nodes: 3 })))
  )
})

describe("chance and time", () => {
  /** What can be seen of a cluster through failures, a partition and a consumer that moves. */
  const story = Effect.gen(function* () {
    const { disque, links, nodes } = yield* three
    const seen: Array<unknown> = []
    for (let i = 0; i < 10; i++) {
      seen.push(
        yield* say(links[i % 3] as (typeof links)[0], "ADDJOB", "q", `${i}`, "0", "REPLICATE", "2", "RETRY", "5")
      )
    }
    seen.push(yield* say(links[0], "GETJOB", "COUNT", "3", "FROM", "q"))
    yield* disque.isolate(nodes[2])
    yield* TestClock.adjust("7 seconds")
    yield* disque.kill(nodes[0])
    yield* TestClock.adjust("20 seconds")
    yield* disque.heal
    yield* disque.restart(nodes[0])
    yield* TestClock.adjust("3 seconds")
    for (const link of [links[1], links[2], yield* dial(1)]) {
      seen.push(yield* say(link, "JSCAN", "BUSYLOOP", "REPLY", "all"), yield* say(link, "QSTAT", "q"))
      seen.push(yield* say(link, "HELLO"), yield* say(link, "CLUSTER", "INFO"))
    }
    return seen
  }).pipe(Effect.scoped, Effect.provide(layer({ nodes: 3 })))

  const told = (seed: string) =>
    story.pipe(Effect.withRandom(Random.make(seed)), Effect.provide(TestContext.TestContext))

  it.effect("are those of the Random and the Clock alone: the same seed tells the same story", () =>
    Effect.gen(function* () {
      const once = yield* told("seed")
      assert.deepStrictEqual(yield* told("seed"), once)
      assert.notDeepEqual(yield* told("another"), once)
    })
  )
})
