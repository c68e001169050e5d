import { DisquePool } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Answer } from "../../src/commands/queues.js"
import { answer, cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"

/** Queues with all kinds of trouble. */
const troubled = Effect.gen(function* () {
  const pool = yield* DisquePool
  const add = (queue: string, count: number) =>
    Effect.forEach(Array.from({ length: count }), (_, i) => pool.addJob(queue, `job ${i}`, { replicate: 1 }))
  yield* add("reports", 3)
  yield* Effect.sleep("200 seconds")
  yield* add("emails", 12)
  yield* add("a queue with quite a long name, and a \u001b[31m color", 1)
  yield* pool.pause("emails", "out")
  yield* pool.pause("invoices", "in", { broadcast: true })
  yield* pool.addJob("thumbnails", "1")
  yield* pool.ackJob(yield* pool.getJobs("thumbnails", { count: 1, timeout: "1 second" }))
}).pipe(VirtualTime.run)

describe("disco queues", () => {
  looks("disco queues", ["queues"], troubled)
  looks("disco queues", ["queues", "nothing*"])

  it.effect("says of each queue how long it is, how old, what is paused where, and what is wrong", () =>
    Effect.gen(function* () {
      yield* troubled
      const { missing, queues, sample } = yield* answer(Answer, ["queues"])
      assert.deepStrictEqual([missing, sample], [[], 1])
      const byName = new Map(queues.map((queue) => [queue.name, queue]))
      const reports = byName.get("reports")
      assert.deepStrictEqual(
        [reports?.length, reports?.badges, reports?.in, reports?.out, reports?.blocked, reports?.jobsIn],
        [3, ["no consumers"], 0, 0, 0, 3n]
      )
      assert.isAbove(reports?.oldest ?? 0, 199)
      const emails = byName.get("emails")
      assert.deepStrictEqual(emails?.badges, ["no consumers", "partly paused"])
      assert.deepStrictEqual(emails?.pauses.map(({ pause }) => pause).toSorted(), ["none", "none", "out"])
      assert.deepStrictEqual(byName.get("invoices")?.badges, ["paused"])
      assert.deepStrictEqual(byName.get("thumbnails")?.badges, [])
      // What is wrong comes first.
      assert.strictEqual(queues.at(0)?.name, "reports")
      assert.strictEqual(queues.at(-1)?.name, "thumbnails")
    }).pipe(Effect.provide(cluster))
  )

  it.effect("does not call the queue that workers report to one without consumers", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("disco.workers", "{}", { retry: 0, replicate: 1 })
      yield* Effect.sleep("20 seconds")
      const { queues } = yield* answer(Answer, ["queues"])
      assert.deepStrictEqual(
        queues.map(({ badges, length, name }) => [name, length, badges]),
        [["disco.workers", 1, []]]
      )
    }).pipe(VirtualTime.run, Effect.provide(cluster))
  )

  it.effect(
    "shows those that fit a pattern, in the order and number that is asked for, and without rates at once",
    () =>
      Effect.gen(function* () {
        yield* troubled
        const { queues } = yield* answer(Answer, ["queues", "*s", "--sort", "length", "--limit", "2", "--sample", "0"])
        assert.deepStrictEqual(
          queues.map(({ in: incoming, length, name }) => [name, length, incoming]),
          [
            ["emails", 12, null],
            ["reports", 3, null]
          ]
        )
        assert.match((yield* disco(["queues", "--limit", "1", "--sample", "0"])).stdout, /\nand 4 more queues\n$/)
      }).pipe(Effect.provide(cluster))
  )

  it.effect("tells of a node that does not answer, shows the queues of the others, and ends with status 1", () =>
    Effect.gen(function* () {
      yield* troubled
      const embedded = yield* EmbeddedDisque
      const [, second] = embedded.nodes
      if (second !== undefined) yield* embedded.kill(second)
      const { status, stderr, stdout } = yield* disco(["queues", "--json"])
      assert.strictEqual(status, 1)
      assert.strictEqual(
        stderr,
        "disco: its queues are left out: 127.0.0.1:7712 refused the connection: nothing listens there\n"
      )
      assert.strictEqual(JSON.parse(stdout).missing[0].node, "127.0.0.1:7712")
    }).pipe(Effect.provide(cluster))
  )

  it.effect("answers within the timeout if no node does", () =>
    Effect.gen(function* () {
      const embedded = yield* EmbeddedDisque
      yield* Effect.forEach(embedded.nodes, embedded.freeze)
      const before = yield* Effect.clock.pipe(Effect.flatMap((clock) => clock.currentTimeMillis))
      const { status, stderr, stdout } = yield* disco(["queues", "--timeout", "2s"])
      const took = (yield* Effect.clock.pipe(Effect.flatMap((clock) => clock.currentTimeMillis))) - before
      assert.deepStrictEqual([status, stdout], [1, ""])
      assert.include(stderr, "127.0.0.1:7711")
      assert.isAtMost(took, 2100)
    }).pipe(Effect.provide(cluster))
  )
})
