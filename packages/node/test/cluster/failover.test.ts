import { DisqueConnection } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, TestClock } from "effect"
import { cluster, embedded, settle } from "./utils.js"

describe("a connection to a cluster", () => {
  it.scoped("goes on with another node when its own dies", () =>
    Effect.gen(function* () {
      const { at, kill, restart } = yield* cluster
      const disque = yield* DisqueConnection
      const first = yield* disque.node
      yield* kill(at(first))
      yield* disque.addJob("q", "x", { replicate: 1 })
      const second = yield* disque.node
      assert.notStrictEqual(second, first)
      // Nor is the first one forgotten.
      yield* restart(at(first))
      yield* TestClock.adjust("1 minute")
      yield* kill(at(second))
      yield* disque.addJob("q", "y", { replicate: 1 })
      assert.notStrictEqual(yield* disque.node, second)
    }).pipe(Effect.provide(embedded({ nodes: 2 })))
  )

  it.scoped("fails commands that were under way to a node that died, and sends only idempotent ones again", () =>
    Effect.gen(function* () {
      const { at, freeze, kill } = yield* cluster
      const disque = yield* DisqueConnection
      const node = at(yield* disque.node)
      yield* freeze(node)
      const adding = yield* Effect.fork(Effect.flip(disque.addJob("q", "the body", { replicate: 1 })))
      const reading = yield* Effect.fork(disque.queueLength("q"))
      yield* settle
      yield* kill(node)
      const error = yield* Fiber.join(adding)
      assert.include(error, { _tag: "OutcomeUnknown", node: node.address, queue: "q" })
      if (error._tag === "OutcomeUnknown") {
        // Whoever may have it twice adds it again.
        const id = yield* disque.execute(error.again())
        assert.strictEqual((yield* disque.getJob("q")).id, id)
        assert.notInclude(JSON.stringify(error), "the body")
      }
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(reading), 0)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("leaves a node that says nothing once the command's time is up", () =>
    Effect.gen(function* () {
      const { at, freeze } = yield* cluster
      const disque = yield* DisqueConnection
      const node = yield* disque.node
      yield* freeze(at(node))
      const reading = yield* Effect.fork(disque.queueLength("q"))
      yield* TestClock.adjust("4900 millis")
      assert.strictEqual((yield* Fiber.poll(reading))._tag, "None")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(reading), 0)
      assert.notStrictEqual(yield* disque.node, node)
    }).pipe(Effect.provide(embedded({ nodes: 2 })))
  )

  it.scoped("leaves a node that leaves the cluster", () =>
    Effect.gen(function* () {
      const { at } = yield* cluster
      const disque = yield* DisqueConnection
      const node = yield* disque.node
      yield* disque.cluster.setLeaving(true)
      // A getJob that would block is refused there, and another node takes it.
      const getting = yield* Effect.fork(disque.getJob("q", { timeout: "10 seconds" }))
      yield* settle
      assert.notStrictEqual(yield* disque.node, node)
      yield* disque.addJob("q", "x", { replicate: 1 })
      assert.notStrictEqual((yield* Fiber.join(getting)).node, at(node).address)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("all of whose nodes are leaving fails with NodeLeaving", () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      yield* disque.cluster.setLeaving(true)
      const error = yield* Effect.flip(disque.getJob("q", { timeout: "10 seconds" }))
      assert.strictEqual(error._tag, "NodeLeaving")
    }).pipe(Effect.provide(embedded({ nodes: 1 })))
  )

  it.scoped("spreads over the nodes: of many that lose one node, not all go to the same other", () =>
    Effect.gen(function* () {
      const { at, kill, nodes } = yield* cluster
      const connections = yield* Effect.replicateEffect(DisqueConnection.make(), 60)
      const on = (address: string) => Effect.filter(connections, (each) => Effect.map(each.node, (n) => n === address))
      for (const { address } of nodes) assert.isAbove((yield* on(address)).length, 5, address)
      const lost = yield* on(nodes[0].address)
      yield* kill(at(nodes[0].address))
      const now = new Map<string, number>()
      for (const connection of lost) {
        yield* connection.ping
        const node = yield* connection.node
        now.set(node, (now.get(node) ?? 0) + 1)
      }
      assert.strictEqual(now.size, 2)
      for (const count of now.values()) assert.isAbove(count, 1)
    }).pipe(Effect.provide(EmbeddedDisque.layerDialer.pipe(Layer.provideMerge(EmbeddedDisque.layer({ nodes: 3 })))))
  )
})

describe("a command about a job", () => {
  it.scoped("whose node came back without it is done on a node that has a copy", () =>
    Effect.gen(function* () {
      const { at, kill, restart } = yield* cluster
      const disque = yield* DisqueConnection
      const id = yield* disque.addJob("q", "x", { replicate: 3, retry: "1 hour" })
      const job = yield* disque.getJob("q")
      yield* kill(at(job.node))
      yield* restart(at(job.node))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* disque.working(job), Duration.hours(1))
      assert.strictEqual(yield* disque.nackJob(job), 1)
      // It is queued once, and not on each node that has a copy.
      const again = yield* disque.getJob("q", { timeout: "2 seconds" }).pipe(Effect.fork)
      yield* TestClock.adjust("1 second")
      const second = yield* Fiber.join(again)
      assert.deepStrictEqual([second.id, second.nacks], [id, 1])
      yield* disque.ackJob(second)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual((yield* disque.getJobs("q", { timeout: 0 })).length, 0)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("that no node knows any more fails with JobNotFound", () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      yield* disque.addJob("q", "x")
      const job = yield* disque.getJob("q")
      yield* disque.ackJob(job)
      yield* settle
      assert.strictEqual((yield* Effect.flip(disque.working(job)))._tag, "JobNotFound")
      assert.strictEqual(yield* disque.nackJob([job]), 0)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("by its id alone is done on the node that has it", () =>
    Effect.gen(function* () {
      const { nodes } = yield* cluster
      const disque = yield* DisqueConnection
      const current = yield* disque.node
      const other = nodes.find(({ address }) => address !== current)?.address ?? ""
      const id = yield* disque.on(other).addJob("q", "x", { replicate: 1, retry: "1 hour" })
      yield* disque.on(other).getJob("q")
      assert.deepStrictEqual(yield* disque.working(id), Duration.hours(1))
      assert.strictEqual(yield* disque.enqueueJob(id), 1)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("of several nodes is sent to each of them", () =>
    Effect.gen(function* () {
      const { nodes } = yield* cluster
      const disque = yield* DisqueConnection
      const jobs = yield* Effect.forEach(nodes, ({ address }) => {
        const node = disque.on(address)
        return Effect.zipRight(node.addJob("q", "x", { replicate: 1 }), node.getJob("q"))
      })
      assert.strictEqual(yield* disque.nackJob(jobs), 3)
      for (const { address } of nodes) assert.strictEqual(yield* disque.on(address).queueLength("q"), 1)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )
})
