import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { ask, dial, layer, plain, say, text } from "../utils/ask.js"
import { settle, three } from "../utils/cluster.js"

/** The priorities of the nodes in HELLO, by port. */
const priorities = (link: Parameters<typeof say>[0]) =>
  Effect.map(say(link, "HELLO"), (reply) =>
    Object.fromEntries(
      (reply as ReadonlyArray<unknown>)
        .slice(2)
        .map((node) => [(node as ReadonlyArray<string>)[2], (node as ReadonlyArray<string>)[3]])
    )
  )

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
