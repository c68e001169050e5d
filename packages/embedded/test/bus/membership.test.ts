import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque } from "../../src/index.js"
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

/** How many nodes each node knows, itself included. */
const sizes = (links: ReadonlyArray<Parameters<typeof say>[0]>) =>
  Effect.forEach(links, (link) =>
    Effect.map(text(link, "CLUSTER", "INFO"), (info) => Number(/cluster_known_nodes:(\d+)/.exec(info)?.[1]))
  )

/** Five nodes that know each other no more. */
const strangers = Effect.gen(function* () {
  const disque = yield* EmbeddedDisque
  const links = yield* Effect.forEach([1, 2, 3, 4, 5], dial)
  for (const link of links) yield* say(link, "CLUSTER", "RESET", "HARD")
  yield* settle
  assert.deepStrictEqual(yield* sizes(links), [1, 1, 1, 1, 1])
  return { disque, links }
})

/** The pairs of a chain, of a chain from its end, of a star, and of two chains that are joined at last. */
const shapes: Readonly<Record<string, ReadonlyArray<readonly [from: number, to: number]>>> = {
  "a chain": [
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 5]
  ],
  "a chain from its end": [
    [4, 5],
    [3, 4],
    [2, 3],
    [1, 2]
  ],
  "a star": [
    [1, 2],
    [1, 3],
    [1, 4],
    [1, 5]
  ],
  "two groups that are joined": [
    [1, 2],
    [4, 5],
    [3, 4],
    [2, 3]
  ]
}

describe("five nodes", () => {
  for (const [shape, pairs] of Object.entries(shapes)) {
    for (const isAtOnce of [true, false]) {
      it.scoped(
        `that meet in ${shape}, ${isAtOnce ? "all at once" : "one after the other"}, all learn of each other`,
        () =>
          Effect.gen(function* () {
            const { disque, links } = yield* strangers
            for (const [from, to] of pairs) {
              yield* say(links[from - 1] as (typeof links)[number], "CLUSTER", "MEET", "127.0.0.1", String(7710 + to))
              if (!isAtOnce) yield* settle
            }
            yield* settle
            assert.deepStrictEqual(yield* sizes(links), [5, 5, 5, 5, 5])
            assert.deepStrictEqual(Chunk.toReadonlyArray(yield* TestClock.sleeps()), [])
            for (const link of links) {
              const known = yield* text(link, "CLUSTER", "NODES")
              for (const { id } of disque.nodes) assert.include(known, id)
              assert.match(yield* text(link, "ADDJOB", "q", "body", "0", "REPLICATE", "5"), /^D-/)
            }
          }).pipe(Effect.provide(layer({ nodes: 5 })))
      )
    }
  }

  it.scoped(
    "of which one is cut off or down while the others meet are all known to it afterwards, and it to them",
    () =>
      Effect.gen(function* () {
        const { disque, links } = yield* strangers
        const [, second, , , fifth] = disque.nodes
        const meet = (from: number, to: number) =>
          say(links[from - 1] as (typeof links)[number], "CLUSTER", "MEET", "127.0.0.1", String(7710 + to))
        yield* meet(4, 5)
        yield* settle
        yield* disque.isolate(fifth as typeof second & {})
        for (const from of [1, 2, 3]) yield* meet(from, from + 1)
        yield* settle
        assert.deepStrictEqual(yield* sizes(links), [4, 4, 4, 5, 2])
        yield* disque.kill(second as typeof fifth & {})
        yield* disque.heal
        yield* settle
        const others = links.filter((_, i) => i !== 1)
        assert.deepStrictEqual(yield* sizes(others), [5, 5, 5, 4])
        yield* disque.restart(second as typeof fifth & {})
        yield* settle
        assert.deepStrictEqual(yield* sizes([...others, yield* dial(2)]), [5, 5, 5, 5, 5])
      }).pipe(Effect.provide(layer({ nodes: 5 })))
  )

  it.scoped("take a node that one of them forgot for theirs, and it comes back to that one after a minute", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      const links = yield* Effect.forEach([1, 2, 3, 4, 5], dial)
      const [first, second] = links as [(typeof links)[number], (typeof links)[number]]
      yield* say(first, "CLUSTER", "FORGET", nodes[4]?.id ?? "")
      yield* TestClock.adjust("59 seconds")
      yield* say(second, "CLUSTER", "LEAVING", "yes")
      yield* settle
      assert.deepStrictEqual(yield* sizes(links), [4, 5, 5, 5, 5])
      yield* TestClock.adjust("2 seconds")
      yield* say(second, "CLUSTER", "LEAVING", "no")
      yield* settle
      assert.deepStrictEqual(yield* sizes(links), [5, 5, 5, 5, 5])
    }).pipe(Effect.provide(layer({ nodes: 5 })))
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
