import { Cluster, DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Clock, Duration, Effect, Fiber, Option, Stream, TestClock } from "effect"
import { cluster, meanwhile, range, seconds, settle, three } from "./utils.js"

const add = (node: { readonly address: string }, queue: string, count: number) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(range(count), (n) => pool.on(node.address).addJob(queue, String(n), { replicate: 1 }))
  )

const named = (snapshot: Cluster.QueueSnapshot, name: string): Cluster.ClusterQueue => {
  const found = snapshot.queues.find((queue) => queue.name === name)
  assert.isDefined(found, `${name} is in the snapshot`)
  return found as Cluster.ClusterQueue
}

/** Gives one snapshot after the other, as much later as they are apart. */
const watching = (options?: Cluster.WatchOptions) =>
  Effect.map(Stream.toPull(Cluster.watch(options)), (pull) =>
    meanwhile(
      Effect.map(Effect.mapError(pull, Option.getOrThrow), (chunk): Cluster.QueueSnapshot => Chunk.unsafeHead(chunk))
    )
  )

describe("Cluster.queues", () => {
  it.scoped("takes together what all nodes know of each queue", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const pool = yield* DisquePool
      yield* add(a, "emails", 3)
      yield* TestClock.adjust("1 minute")
      yield* add(b, "emails", 2)
      yield* add(c, "reports", 1)
      yield* pool.on(b.address).pause("emails", "in")
      const snapshot = yield* meanwhile(Cluster.queues())
      assert.deepStrictEqual(
        snapshot.queues.map(({ length, name }) => ({ name, length })),
        [
          { name: "emails", length: 5 },
          { name: "reports", length: 1 }
        ]
      )
      const emails = named(snapshot, "emails")
      assert.deepStrictEqual(
        emails.nodes.map(({ length, node }) => ({ node, length })),
        [
          { node: a.address, length: 3 },
          { node: b.address, length: 2 }
        ]
      )
      assert.strictEqual(emails.jobsIn, 5n)
      assert.strictEqual(Duration.toSeconds(emails.oldest ?? 0), 60)
      assert.isUndefined(emails.rates)
      assert.deepStrictEqual(emails.pauses, [
        { node: a.address, pause: "none" },
        { node: b.address, pause: "in" },
        { node: c.address, pause: "none" }
      ])
      assert.include(Cluster.badges(emails), "partly paused")
      assert.isTrue(snapshot.nodes.every(({ error, isComplete }) => error === undefined && isComplete))
      assert.doesNotThrow(() => JSON.stringify(snapshot))
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("gives the queues that fit a pattern, and says where a node has more than were asked for", () =>
    Effect.gen(function* () {
      const [a] = yield* three
      for (const name of ["mail.in", "mail.out", "mails", "reports"]) yield* add(a, name, 1)
      const fitting = (pattern: string) =>
        Effect.map(meanwhile(Cluster.queues({ pattern })), ({ queues }) => queues.map(({ name }) => name))
      assert.deepStrictEqual(yield* fitting("mail.*"), ["mail.in", "mail.out"])
      assert.deepStrictEqual(yield* fitting("mail?"), ["mails"])
      assert.deepStrictEqual(yield* fitting("*s"), ["mails", "reports"])
      const few = yield* meanwhile(Cluster.queues({ budget: 2 }))
      assert.lengthOf(few.queues, 2)
      assert.deepInclude({ ...few.nodes[0] }, { address: a.address, queues: 4, asked: 2, isComplete: false })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("gives what the other nodes know where one says nothing, in time", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { freeze } = yield* EmbeddedDisque
      yield* add(a, "q", 1)
      yield* add(b, "q", 2)
      yield* add(c, "q", 4)
      yield* freeze(b)
      const began = yield* Clock.currentTimeMillis
      const snapshot = yield* meanwhile(Cluster.queues({ within: "1 second" }))
      assert.isAtMost((yield* Clock.currentTimeMillis) - began, 1000)
      assert.strictEqual(named(snapshot, "q").length, 5)
      const silent = snapshot.nodes.find(({ address }) => address === b.address)
      assert.deepInclude({ ...silent?.error }, { _tag: "ConnectionError", reason: "silent" })
      assert.isDefined(silent?.failingSince)
    }).pipe(Effect.provide(cluster()))
  )
})

describe("Cluster.watch", () => {
  it.scoped("gives rates from the second snapshot on, of a queue that was not there before too", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      const pool = yield* DisquePool
      yield* add(a, "old", 5)
      const next = yield* watching()
      assert.isUndefined(named(yield* next, "old").rates)
      yield* add(a, "old", 10)
      yield* add(b, "new", 3)
      yield* pool.on(a.address).getJobs("old", { count: 4, timeout: 0 })
      const second = yield* next
      assert.deepInclude({ ...named(second, "old").rates }, { in: 10, out: 4, imported: 0 })
      assert.deepInclude({ ...named(second, "new").rates }, { in: 3, out: 0 })
      const third = yield* next
      assert.deepInclude({ ...named(third, "old").rates }, { in: 0, out: 0 })
      assert.deepStrictEqual(Cluster.badges(named(third, "old")), ["no consumers"])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("does not count a job twice that goes from node to node", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      const pool = yield* DisquePool
      yield* add(a, "q", 1)
      yield* meanwhile(Effect.flatMap(pool.on(a.address).getJobs("q", { timeout: 0 }), (jobs) => pool.ackJob(jobs)))
      const next = yield* watching()
      yield* next
      const taking = yield* Effect.fork(pool.on(b.address).getJobs("q"))
      yield* settle
      yield* add(a, "q", 1)
      const { rates, nodes } = named(yield* next, "q")
      assert.lengthOf(yield* meanwhile(Fiber.join(taking)), 1)
      // Both nodes counted it, in and out.
      assert.deepStrictEqual(
        nodes.map(({ node, rates }) => [node, rates?.in, rates?.out]),
        [
          [a.address, 1, 1],
          [b.address, 1, 1]
        ]
      )
      assert.deepInclude({ ...rates }, { in: 1, out: 1, imported: 1 })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("counts from 0 again after a node was restarted, and never below", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      const { kill, restart } = yield* EmbeddedDisque
      yield* add(b, "q", 50)
      yield* add(a, "q", 50)
      const next = yield* watching()
      yield* next
      yield* kill(b)
      yield* restart(b)
      yield* add(b, "q", 7)
      const { rates } = named(yield* next, "q")
      assert.deepInclude({ ...rates }, { in: 7, out: 0 })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("goes on without a node that fails, says since when, and goes on with it once it is back", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      const { freeze, thaw } = yield* EmbeddedDisque
      yield* add(a, "q", 1)
      yield* add(b, "q", 2)
      const next = yield* watching({ within: "400 millis" })
      const state = (snapshot: Cluster.QueueSnapshot) => snapshot.nodes.find(({ address }) => address === b.address)
      assert.strictEqual(named(yield* next, "q").length, 3)
      yield* freeze(b)
      const first = yield* next
      const second = yield* next
      for (const snapshot of [first, second]) {
        assert.strictEqual(named(snapshot, "q").length, 1)
        assert.deepStrictEqual(state(snapshot)?.failingSince, first.at)
      }
      yield* thaw(b)
      yield* seconds(30)
      const back = yield* next
      assert.strictEqual(named(back, "q").length, 3)
      assert.isUndefined(state(back)?.error)
      assert.isUndefined(state(back)?.failingSince)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("shows 10,000 queues, a part of them new in each snapshot", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const added = yield* pool.addJobs(range(10_000).map((n) => ({ queue: `q-${n}`, body: "x" })))
      assert.lengthOf(added, 10_000)
      const next = yield* watching({ budget: 4000, ages: 10 })
      const snapshots = [yield* next, yield* next, yield* next]
      assert.deepStrictEqual(
        snapshots.map(({ queues }) => queues.length),
        [4000, 8000, 10_000]
      )
      assert.deepStrictEqual(
        snapshots.map(({ nodes }) => nodes[0]?.isComplete),
        [false, false, true]
      )
      assert.isTrue(snapshots.every(({ nodes }) => (nodes[0]?.asked ?? 0) <= 4000))
    }).pipe(Effect.provide(cluster({ nodes: 1 })))
  )

  it.scoped("refuses options that make no sense", () =>
    Effect.gen(function* () {
      const refused = (options: Cluster.WatchOptions) =>
        Effect.map(Effect.flip(Stream.runHead(Cluster.watch(options))), ({ argument }) => argument)
      assert.strictEqual(yield* refused({ every: "10 millis" }), "every")
      assert.strictEqual(yield* refused({ budget: 0 }), "budget")
      assert.strictEqual(yield* refused({ pattern: "" }), "pattern")
    }).pipe(Effect.provide(cluster({ nodes: 1 })))
  )
})
