import { DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedNode, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ClusterAnswer, type Drain } from "../src/api/cluster.js"
import { type Client, cluster, open } from "./utils/client.js"

const nodes = ["127.0.0.1:7711", "127.0.0.1:7712", "127.0.0.1:7713"] as const
const [first, second, third] = nodes

const look = (client: Client) => client.get(ClusterAnswer, "/api/cluster")

/** Adds jobs that this node alone has. */
const addTo = (node: string, queue: string, count: number) =>
  Effect.flatMap(DisquePool, (pool) =>
    VirtualTime.run(
      pool
        .on(node)
        .addJobs(Array.from({ length: count }, (_, i) => ({ queue, body: `${i}`, options: { replicate: 1 } })))
    )
  )

/** What is told of a drain, once it is in a state. */
const drainIn = (client: Client, state: Drain["state"]) =>
  Effect.repeat(
    Effect.delay(
      Effect.map(look(client), ({ drains }) => drains[0]),
      "500 millis"
    ).pipe(VirtualTime.run),
    { until: (drain) => drain?.state === state, times: 100 }
  )

describe("the cluster", () => {
  it.scoped("has the figures of each node, with the memory that it may take", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* VirtualTime.run(pool.on(second).config.set("maxmemory", "100mb"))
      yield* VirtualTime.run(pool.on(third).config.set("maxmemory", "0"))
      const client = yield* open()
      const answer = yield* look(client)
      assert.deepStrictEqual(
        answer.nodes.map(({ address, figures, state }) => [address, state, figures?.maxMemory]),
        [
          [first, "up", 1024 ** 3],
          [second, "up", 100 * 1024 ** 2],
          [third, "up", null]
        ]
      )
      assert.include(
        (yield* client.send("/metrics")).text,
        `disque_node_memory_limit_bytes{node="${second}"} 104857600`
      )
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("shows the jobs that go from node to node, and forgets them once they do not any more", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      const consumer = yield* Effect.forkScoped(
        Effect.forever(Effect.flatMap(pool.on(second).getJobs("emails"), (jobs) => pool.ackJob(jobs)))
      )
      const producer = yield* Effect.forkScoped(
        Effect.forever(Effect.delay(pool.on(first).addJob("emails", "it", { replicate: 1 }), "100 millis"))
      )
      const viewer = yield* Effect.forkScoped(client.first("/api/events/cluster", 8))
      yield* Fiber.join(viewer)
      const { flows } = yield* look(client)
      assert.lengthOf(flows, 1)
      assert.deepInclude(flows[0], { from: first, to: second, queues: ["emails"] })
      assert.approximately(flows[0]?.rate ?? 0, 10, 5)
      yield* Fiber.interrupt(producer)
      yield* VirtualTime.run(Effect.sleep("2 minutes"))
      yield* client.get(ClusterAnswer, "/api/cluster")
      assert.deepStrictEqual((yield* look(client)).flows, [])
      yield* VirtualTime.run(Fiber.interrupt(consumer))
    }).pipe(Effect.provide(cluster()))
  )
})

describe("draining a node", () => {
  it.scoped("tells it to leave, moves its jobs, says how far it is, and when it is safe to stop", () =>
    Effect.gen(function* () {
      const client = yield* open()
      yield* addTo(third, "emails", 200)
      const { json, status } = yield* client.post("/api/cluster/drain", { node: third, moves: true })
      assert.strictEqual(status, 200)
      assert.deepInclude(json.drains[0], { node: third, state: "running", moves: true })
      assert.strictEqual(json.nodes[2].state, "leaving")
      const safe = yield* drainIn(client, "safe")
      assert.deepInclude(safe, { moved: 200, maybeTwice: 0, failure: null })
      assert.deepInclude(safe?.counts, { alone: 0, delivered: 0, unfinished: 0 })
      const pool = yield* DisquePool
      assert.strictEqual(yield* VirtualTime.run(pool.on(third).queueLength("emails")), 0)
      assert.strictEqual(yield* VirtualTime.run(pool.queueLength("emails")), 200)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped(
    "waits for jobs if it is not to move them, tells how many there are, and ends when the node is to stay",
    () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const client = yield* open()
        yield* addTo(third, "emails", 3)
        yield* client.post("/api/cluster/drain", { node: third, moves: false })
        yield* VirtualTime.run(Effect.sleep("10 seconds"))
        const running = (yield* look(client)).drains[0]
        assert.deepInclude(running, { state: "running", moves: false, moved: 0 })
        assert.deepInclude(running?.counts, { jobs: 3, alone: 3 })
        const { json, status } = yield* client.post("/api/cluster/undrain", { node: third })
        assert.strictEqual(status, 200)
        assert.strictEqual(json.drains[0].state, "stopped")
        assert.strictEqual(json.nodes[2].state, "up")
        assert.strictEqual(yield* VirtualTime.run(pool.on(third).queueLength("emails")), 3)
        yield* VirtualTime.run(pool.on(third).addJob("emails", "it is taken again", { replicate: 1 }))
      }).pipe(Effect.provide(cluster()))
  )

  it.scoped("is not begun for a node that is none, and says why it ended where the node does not answer", () =>
    Effect.gen(function* () {
      const client = yield* open()
      const { json, status } = yield* client.post("/api/cluster/drain", { node: "127.0.0.1:1", moves: true })
      assert.strictEqual(status, 400)
      assert.match(json.message, /no such node/)
      assert.deepStrictEqual((yield* look(client)).drains, [])
      const embedded = yield* EmbeddedDisque
      yield* embedded.kill(embedded.nodes[2] as EmbeddedNode)
      yield* client.post("/api/cluster/drain", { node: third, moves: true })
      const failed = yield* drainIn(client, "failed")
      assert.match(failed?.failure ?? "", new RegExp(`^${third} refused the connection`))
    }).pipe(Effect.provide(cluster()))
  )
})
