import { DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedNode, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Stream } from "effect"
import type { Status } from "../src/api/status.js"
import { History } from "../src/sampling/history.js"
import { type Client, cluster, open } from "./utils/client.js"

/** The events of a stream for some time. */
const during = (client: Client, path: string, time: `${number} seconds`) =>
  VirtualTime.run(
    client.events(path).pipe(Stream.interruptAfter(time), Stream.runCollect, Effect.map(Chunk.toReadonlyArray))
  )

const commandsOf = (node: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const info = yield* VirtualTime.run(pool.on(node).server.info())
    return Number(info.get("stats")?.get("total_commands_processed"))
  })

/** Viewers of all kinds of screens, for some time. */
const watching = (client: Client, viewers: number, time: `${number} seconds`) => {
  const screens = ["queues", "cluster", "workers", "queue?name=queue-1"]
  return Effect.forEach(
    Array.from({ length: viewers }, (_, i) => `/api/events/${screens[i % screens.length]}`),
    (screen) => client.events(screen).pipe(Stream.interruptAfter(time), Stream.runDrain),
    { concurrency: "unbounded", discard: true }
  )
}

describe("a stream", () => {
  it.scoped("says what is known at once, then what changes, and stays alive in between", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      const fiber = yield* Effect.fork(during(client, "/api/events/status", "40 seconds"))
      const events = yield* Fiber.join(fiber)
      assert.isAtLeast(events.filter(({ event }) => event === "status").length, 3)
      yield* VirtualTime.run(pool.addJob("emails", "hello"))
      const queues = yield* during(client, "/api/events/queues", "5 seconds")
      assert.deepStrictEqual(
        queues.slice(0, 2).map(({ event }) => event),
        ["status", "update"]
      )
      assert.containSubset(queues.at(-1)?.data, { queues: [{ name: "emails", length: 1 }] })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("names the nodes that do not answer, since when and why, and recovers by itself", () =>
    Effect.gen(function* () {
      const embedded = yield* EmbeddedDisque
      const [node] = embedded.nodes as readonly [EmbeddedNode]
      const client = yield* open()
      assert.strictEqual((yield* client.send("/health")).status, 503) // It has not looked yet.
      yield* client.send("/api/queues")
      assert.strictEqual((yield* client.send("/health")).status, 200)
      yield* embedded.kill(node)
      const events = yield* during(client, "/api/events/queues", "30 seconds")
      const down = events.findLast(({ event }) => event === "status")?.data as Status
      assert.strictEqual(down.state, "down")
      assert.strictEqual(down.nodes[0]?.address, node.address)
      assert.isAbove(down.nodes[0]?.since ?? 0, down.startedAt)
      assert.isNotEmpty(down.nodes[0]?.why ?? "")
      assert.strictEqual((yield* client.send("/health")).status, 503)
      const { json, status } = yield* client.send("/api/queue/head?name=emails")
      assert.deepStrictEqual({ status, tag: json._tag }, { status: 503, tag: "NoNodeAnswers" })
      assert.strictEqual((yield* client.send("/api/cluster")).json.nodes[0].state, "unreachable")
      assert.include((yield* client.send("/metrics")).text, `disque_node_up{node="${node.address}"} 0`)
      yield* embedded.restart(node)
      const after = yield* during(client, "/api/events/queues", "60 seconds")
      assert.deepInclude(after.findLast(({ event }) => event === "status")?.data, { state: "up" })
      assert.strictEqual((yield* client.send("/health")).status, 200)
    }).pipe(Effect.provide(cluster(1)))
  )

  it.scoped("begins before a node answers, says which were tried and why, and goes on once one does", () =>
    Effect.gen(function* () {
      const embedded = yield* EmbeddedDisque
      const [node] = embedded.nodes as readonly [EmbeddedNode]
      yield* embedded.kill(node)
      const client = yield* open()
      const events = yield* during(client, "/api/events/queues", "10 seconds")
      const down = events.findLast(({ event }) => event === "status")?.data as Status
      assert.strictEqual(down.state, "down")
      assert.deepInclude(down.nodes[0], { address: node.address, isAnswering: false })
      assert.isAtLeast(down.nodes[0]?.since ?? 0, down.startedAt)
      assert.match(down.nodes[0]?.why ?? "", /refused/)
      assert.strictEqual((yield* client.send("/health")).status, 503)
      yield* embedded.restart(node)
      const after = yield* during(client, "/api/events/queues", "30 seconds")
      assert.deepInclude(after.findLast(({ event }) => event === "status")?.data, { state: "up" })
      assert.strictEqual((yield* client.send("/health")).status, 200)
    }).pipe(Effect.provide(cluster(1, { lazyConnect: true })))
  )

  it.scoped("costs the nodes the same for four viewers and for ten", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const jobs = Array.from({ length: 50 }, (_, i) => ({ queue: `queue-${i % 10}`, body: "x" }))
      yield* VirtualTime.run(pool.addJobs(jobs))
      const client = yield* open()
      const cost = (viewers: number) =>
        Effect.gen(function* () {
          const before = yield* commandsOf("127.0.0.1:7711")
          yield* VirtualTime.run(watching(client, viewers, "20 seconds"))
          return (yield* commandsOf("127.0.0.1:7711")) - before
        })
      yield* cost(4)
      const [four, ten] = [yield* cost(4), yield* cost(10)]
      assert.isAtMost(ten, four * 1.1)
      assert.isAtMost(ten / 20, 30)
    }).pipe(Effect.provide(cluster(1)))
  )

  it.scoped("costs a node that is at work under 1 % of its commands, with ten viewers", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      const jobs = Array.from({ length: 300 }, (_, i) => ({ queue: `queue-${i % 10}`, body: "x" }))
      const queues = Array.from({ length: 10 }, (_, i) => `queue-${i}`)
      let own = 0
      const round = Effect.gen(function* () {
        yield* pool.addJobs(jobs)
        const fetched = yield* pool.getJobs(queues, { count: jobs.length, timeout: 0 })
        own += jobs.length + 1
        // One ACKJOB for each, as workers that finish apart send them.
        yield* Effect.forEach(fetched, (job) => pool.ackJob(job), { concurrency: "unbounded", discard: true })
        own += fetched.length
      })
      // 5,000 commands a second: a node that has little to do for its kind.
      const work = Effect.forever(Effect.zipLeft(round, Effect.sleep("120 millis")))
      const before = yield* commandsOf("127.0.0.1:7711")
      yield* VirtualTime.run(Effect.raceFirst(work, watching(client, 10, "10 seconds")))
      const all = (yield* commandsOf("127.0.0.1:7711")) - before
      assert.isAbove(own, 40_000)
      assert.isAbove(all, own)
      assert.isBelow((all - own) / all, 0.01)
    }).pipe(Effect.provide(cluster(1)))
  )

  it.scoped("looks seldom while nobody does", () =>
    Effect.gen(function* () {
      yield* open()
      const before = yield* commandsOf("127.0.0.1:7711")
      yield* VirtualTime.run(Effect.sleep("5 minutes"))
      assert.isAtMost((yield* commandsOf("127.0.0.1:7711")) - before, 60)
    }).pipe(Effect.provide(cluster(1)))
  )
})

describe("the history", () => {
  it("remembers an hour in the same room, and forgets queues that are gone", () => {
    const history = new History()
    const start = 1_800_000_000_000
    for (let second = 0; second < 2 * 3600; second += 2) {
      history.note("busy", start + second * 1000, { length: second, in: 1, out: 2 })
      if (second < 60) history.note(`short-${second}`, start + second * 1000, { length: 1, in: 0, out: 0 })
      history.note("empty", start + second * 1000, { length: 0, in: 0, out: undefined })
      history.sweep(start + second * 1000)
    }
    assert.strictEqual(history.size, 1)
    const now = start + 2 * 3600 * 1000
    const { at, in: incoming, length } = history.series("busy", start, now)
    assert.isAtMost(at.length, 200)
    assert.isAtLeast(at[0] ?? 0, now - 3_600_000)
    assert.isTrue(incoming.every((value) => value === null || value === 1))
    assert.strictEqual(
      length.findLast((value) => value !== null),
      7198
    )
    assert.strictEqual(history.sparkline("busy", now).length, 60)
    assert.deepStrictEqual(history.sparkline("empty", now), [])
  })

  it("has gaps where nothing was measured", () => {
    const history = new History()
    const start = 1_800_000_000_000
    history.note("emails", start, { length: 1, in: undefined, out: undefined })
    history.note("emails", start + 60_000, { length: 2, in: 1, out: 1 })
    const line = history.sparkline("emails", start + 60_000)
    assert.deepStrictEqual(
      line.filter((value) => value !== null),
      [1, 2]
    )
    assert.strictEqual(line.at(-1), 2)
    assert.strictEqual(line.at(-13), 1)
  })
})
