import { Cluster, DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, meanwhile, seconds, three } from "./utils.js"

/** What is paused on each node. */
const pausesOf = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    return yield* Effect.forEach(yield* three, ({ address }) => pool.on(address).pause(queue, "state"))
  })

describe("Cluster.pause", () => {
  it.scoped("pauses a queue on every node, and says what was paused before", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const pool = yield* DisquePool
      yield* pool.on(b.address).pause("q", "in")
      const changes = yield* meanwhile(Cluster.pause("q", "out"))
      assert.deepStrictEqual(changes, [
        { node: a.address, before: "none", after: "out" },
        { node: b.address, before: "in", after: "out" },
        { node: c.address, before: "none", after: "out" }
      ])
      assert.deepStrictEqual(yield* pausesOf("q"), ["out", "out", "out"])
      yield* meanwhile(Cluster.pause("q", "none"))
      assert.deepStrictEqual(yield* pausesOf("q"), ["none", "none", "none"])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("pauses a queue on a leaving node too, which still delivers", () =>
    Effect.gen(function* () {
      const [, b] = yield* three
      const { leave } = yield* EmbeddedDisque
      yield* leave(b)
      yield* seconds(5)
      yield* meanwhile(Cluster.pause("q", "all"))
      assert.deepStrictEqual(yield* pausesOf("q"), ["all", "all", "all"])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("fails with the nodes that did not take it, and has paused the others", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { freeze, kill, restart, thaw } = yield* EmbeddedDisque
      yield* freeze(b)
      yield* kill(c)
      const pool = yield* DisquePool
      // Replies take their time, so that a node that says nothing must leave some of it for the others.
      const slow: DisquePool.Service = {
        ...pool,
        on: (node) => {
          const commands = pool.on(node)
          return { ...commands, execute: (command) => Effect.delay(commands.execute(command), "10 millis") }
        }
      }
      const pausing = Cluster.pause("q", "out", { within: "1 second" })
      const error = yield* meanwhile(Effect.flip(Effect.provideService(pausing, DisquePool, slow)))
      assert.strictEqual(error._tag, "NotOnEveryNode")
      if (error._tag !== "NotOnEveryNode") return
      assert.deepStrictEqual(error.done, [a.address])
      assert.deepStrictEqual(
        error.failures.map(({ error, node }) => [node, error._tag === "ConnectionError" ? error.reason : error._tag]),
        [
          [b.address, "silent"],
          [c.address, "refused"]
        ]
      )
      assert.include(error.message, "done on 1 of 3 nodes")
      yield* thaw(b)
      yield* restart(c)
      assert.strictEqual((yield* pausesOf("q"))[0], "out")
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("fails where a node says afterwards that something else is paused", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const pool = yield* DisquePool
      // Another client lets the queue go on, on one node, as soon as it was paused there.
      const meddled: DisquePool.Service = {
        ...pool,
        on: (node) => {
          const commands = pool.on(node)
          return node !== b.address
            ? commands
            : {
                ...commands,
                execute: (command) =>
                  Effect.tap(commands.execute(command), () =>
                    command.wire[2] === "out" ? Effect.orDie(commands.pause("q", "none")) : Effect.void
                  )
              }
        }
      }
      const error = yield* meanwhile(Effect.flip(Effect.provideService(Cluster.pause("q", "out"), DisquePool, meddled)))
      assert.strictEqual(error._tag, "NotOnEveryNode")
      if (error._tag !== "NotOnEveryNode") return
      assert.deepStrictEqual(error.done, [a.address, c.address])
      assert.deepStrictEqual(
        error.failures.map(({ error }) => error._tag),
        ["NotVerified"]
      )
      assert.include(error.message, `${b.address} says paused: none, expected paused: out`)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("refuses what is no pause", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Cluster.pause("q", "state" as "in"))
      assert.deepInclude({ ...error }, { _tag: "InvalidArgument", argument: "what", value: '"state"' })
    }).pipe(Effect.provide(cluster()))
  )
})

describe("Cluster.forget", () => {
  it.scoped("makes every other node forget a node that is gone", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { kill } = yield* EmbeddedDisque
      yield* kill(c)
      yield* seconds(40)
      assert.deepStrictEqual(yield* meanwhile(Cluster.forget(c.id)), [a.address, b.address])
      const members = yield* meanwhile(Cluster.members())
      assert.deepStrictEqual(
        members.map(({ address }) => address),
        [a.address, b.address]
      )
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("fails with the node that could not be told", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { freeze, kill } = yield* EmbeddedDisque
      yield* kill(c)
      yield* freeze(b)
      const error = yield* meanwhile(Effect.flip(Cluster.forget(c.address, { within: "1 second" })))
      assert.strictEqual(error._tag, "NotOnEveryNode")
      if (error._tag !== "NotOnEveryNode") return
      assert.deepStrictEqual(error.done, [a.address])
      assert.deepStrictEqual(
        error.failures.map(({ node }) => node),
        [b.address]
      )
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("refuses a node that is not in the cluster, and shows nothing that may hold a password", () =>
    Effect.gen(function* () {
      const refused = (node: string) => Effect.flip(Cluster.forget(node))
      const strange = yield* refused("f".repeat(40))
      assert.strictEqual(strange._tag, "InvalidArgument")
      assert.include(strange.message, "127.0.0.1:7711, 127.0.0.1:7712, 127.0.0.1:7713")
      assert.notInclude((yield* refused("disque://:secret@host")).message, "secret")
    }).pipe(Effect.provide(cluster()))
  )
})

describe("Cluster.meet", () => {
  it.scoped("joins a node to the cluster, and waits until all nodes know it", () =>
    Effect.gen(function* () {
      const nodes = yield* three
      const pool = yield* DisquePool
      // The pool goes on with the node in use, and that one has to know the others.
      const inUse = (yield* pool.health).nodes.find(({ isCurrent }) => isCurrent)?.address
      const [lost, ...others] = [...nodes].sort((a, b) => Number(a.address === inUse) - Number(b.address === inUse))
      if (lost === undefined) return assert.fail("there are no nodes")
      yield* meanwhile(Cluster.forget(lost.id))
      yield* pool.on(lost.address).cluster.reset("soft")
      yield* seconds(70)
      const met = yield* meanwhile(Cluster.meet("127.0.0.1", Number(lost.address.split(":")[1])))
      assert.includeMembers(
        [...met],
        others.map(({ address }) => address)
      )
      const members = yield* meanwhile(Cluster.members())
      assert.deepStrictEqual(
        members.map(({ address, views }) => [address, views.length]),
        nodes.map(({ address }) => [address, 2])
      )
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("refuses at once to join the only node to itself", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [only] = (yield* pool.health).nodes
      const error = yield* Effect.flip(Cluster.meet("127.0.0.1", Number(only?.address.split(":")[1])))
      assert.strictEqual(error._tag, "InvalidArgument")
      assert.include(error.message, "another node than the only one there is")
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.scoped("fails where nobody answers at the address", () =>
    Effect.gen(function* () {
      const error = yield* meanwhile(Effect.flip(Cluster.meet("127.0.0.1", 9999, { within: "3 seconds" })))
      assert.strictEqual(error._tag, "NotOnEveryNode")
      if (error._tag !== "NotOnEveryNode") return
      assert.isEmpty(error.done)
      assert.isTrue(error.failures.every(({ error }) => error._tag === "NotVerified"))
    }).pipe(Effect.provide(cluster()))
  )
})
