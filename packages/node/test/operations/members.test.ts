import { Cluster, DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Either } from "effect"
import { cluster, meanwhile, range, seconds, three } from "./utils.js"

const byAddress = (members: ReadonlyArray<Cluster.Member>, address: string): Cluster.Member => {
  const found = members.find((member) => member.address === address)
  assert.isDefined(found)
  return found as Cluster.Member
}

describe("Cluster.members", () => {
  it.scoped("gives every node, with what it measures of itself and how the others see it", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const pool = yield* DisquePool
      yield* Effect.forEach(range(5), () => pool.on(b.address).addJob("q", "x", { replicate: 1 }))
      yield* seconds(10)
      const members = yield* meanwhile(Cluster.members())
      assert.deepStrictEqual(
        members.map(({ address, id, priority, state }) => ({ address, id, priority, state })),
        [a, b, c].map(({ address, id }) => ({ address, id, priority: 1, state: "up" as const }))
      )
      const figures = members.map((member) => Either.getOrThrow(member.figures))
      assert.deepStrictEqual(
        figures.map(({ jobs, queues, version }) => ({ jobs, queues, version })),
        [0, 5, 0].map((jobs) => ({ jobs, queues: jobs === 0 ? 0 : 1, version: "1.0-rc1" }))
      )
      for (const { memory, clients, uptime } of figures) {
        assert.isAbove(memory, 0)
        assert.isAtLeast(clients, 1)
        assert.strictEqual(Duration.toSeconds(uptime), 10)
      }
      for (const { address, views } of members) {
        assert.sameMembers(
          views.map(({ from }) => from),
          [a, b, c].map((node) => node.address).filter((other) => other !== address)
        )
      }
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("tells of a node that says nothing, in time, and later that the others think it has failed", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { freeze } = yield* EmbeddedDisque
      yield* seconds(5)
      yield* freeze(a)
      const began = yield* Clock.currentTimeMillis
      const members = yield* meanwhile(Cluster.members({ within: "2 seconds" }))
      assert.isAtMost((yield* Clock.currentTimeMillis) - began, 2000)
      const silent = byAddress(members, a.address)
      assert.strictEqual(silent.id, a.id)
      assert.strictEqual(silent.state, "unreachable")
      const error = Either.getOrThrow(Either.flip(silent.figures))
      assert.deepInclude({ ...error }, { _tag: "ConnectionError", node: a.address, reason: "silent" })
      assert.isTrue([b, c].every(({ address }) => Either.isRight(byAddress(members, address).figures)))

      yield* seconds(40)
      const later = byAddress(yield* meanwhile(Cluster.members({ within: "2 seconds" })), a.address)
      assert.strictEqual(later.state, "failed")
      assert.strictEqual(later.priority, 100)
      assert.isDefined(later.lastHeard)
      // It was last heard when it froze.
      assert.isBelow(DateTime.toEpochMillis(later.lastHeard as DateTime.Utc), began + 3000)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("tells of a node that is gone, and of one that is leaving", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { kill, leave } = yield* EmbeddedDisque
      yield* leave(b)
      yield* kill(c)
      yield* seconds(40)
      const members = yield* meanwhile(Cluster.members())
      assert.deepStrictEqual(
        members.map(({ state }) => state),
        ["up", "leaving", "failed"]
      )
      const error = Either.getOrThrow(Either.flip(byAddress(members, c.address).figures))
      assert.deepInclude({ ...error }, { _tag: "ConnectionError", reason: "refused" })
      assert.isTrue(Either.isRight(byAddress(members, a.address).figures))
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("gives all nodes with a reason where none answers", () =>
    Effect.gen(function* () {
      const { kill, nodes } = yield* EmbeddedDisque
      for (const node of nodes) yield* kill(node)
      const members = yield* meanwhile(Cluster.members({ within: "1 second" }))
      assert.lengthOf(members, 3)
      assert.isTrue(members.every(({ figures }) => Either.isLeft(figures)))
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("refuses a time that is no time", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Cluster.members({ within: -1 }))
      assert.deepInclude({ ...error }, { _tag: "InvalidArgument", subject: "Cluster.members", argument: "within" })
    }).pipe(Effect.provide(cluster()))
  )
})
