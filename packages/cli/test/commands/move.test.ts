import { DisquePool, Job } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { takeAll } from "../utils/jobs.js"
import { looks } from "../utils/looks.js"

const addAll = (count: number) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(Array.from({ length: count }), (_, i) =>
      pool.on(`127.0.0.1:${7711 + (i % 3)}`).addJob("from", `job ${i}`, { retry: "1 hour" })
    )
  )

const lengths = Effect.flatMap(DisquePool, (pool) => Effect.all([pool.queueLength("from"), pool.queueLength("to")]))

describe("disco move", () => {
  looks("disco move", ["move", "from", "to", "--dry-run"], addAll(5))

  it.effect("says with --dry-run how many jobs would be moved, and moves none", () =>
    Effect.gen(function* () {
      yield* addAll(5)
      const { status, stdout } = yield* disco(["move", "from", "to", "--dry-run", "--grep", "[0-2]$"])
      assert.deepStrictEqual({ status, stdout }, { status: 0, stdout: "3 jobs would be moved from from to to\n" })
      assert.deepStrictEqual(yield* lengths, [5, 0])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("asks, and moves the jobs of all nodes", () =>
    Effect.gen(function* () {
      yield* addAll(6)
      const refused = yield* disco(["move", "from", "to"])
      assert.strictEqual(refused.status, 2)
      assert.include(refused.stderr, "this moves 6 jobs from from to to: give --yes")
      assert.deepStrictEqual(yield* lengths, [6, 0])
      const { status, stderr, stdout } = yield* disco(["move", "from", "to"], {
        columns: 80,
        input: ["y"],
        isTyped: true
      })
      assert.strictEqual(status, 0)
      assert.include(stderr, "this moves 6 jobs from from to to. Go on? [y/N] ")
      assert.strictEqual(stdout, "6 jobs moved from from to to\n")
      assert.deepStrictEqual(yield* lengths, [0, 6])
      const jobs = yield* takeAll("to")
      assert.deepStrictEqual(
        jobs.map(Job.text).sort(),
        Array.from({ length: 6 }, (_, i) => `job ${i}`)
      )
    }).pipe(Effect.provide(cluster))
  )

  it.effect("moves no more than --limit says", () =>
    Effect.gen(function* () {
      yield* addAll(6)
      const { stdout } = yield* disco(["move", "from", "to", "--limit", "2", "--yes", "--json"])
      assert.deepStrictEqual(JSON.parse(stdout), {
        from: "from",
        to: "to",
        moved: 2,
        isDryRun: false,
        maybeTwice: [],
        error: null
      })
      assert.deepStrictEqual(yield* lengths, [4, 2])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("leaves the jobs where they are if they cannot be added, and says why", () =>
    Effect.gen(function* () {
      yield* addAll(3)
      yield* disco(["pause", "to", "in"])
      const { status, stderr, stdout } = yield* disco(["move", "from", "to", "--yes"])
      assert.strictEqual(status, 1)
      assert.strictEqual(stdout, "0 jobs moved from from to to\n")
      assert.match(stderr, /PAUSED/)
      assert.deepStrictEqual(yield* lengths, [3, 0])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("refuses to move jobs to the queue that they are in", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["move", "q", "q", "--yes"])
      assert.deepStrictEqual(
        { status, stderr },
        { status: 2, stderr: 'disco: move: TO is the queue that the jobs are in: "q"\n' }
      )
    }).pipe(Effect.provide(cluster))
  )
})
