import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { ask, dial, fields, layer, say, text } from "../utils/ask.js"
import { settle, three } from "../utils/cluster.js"

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
