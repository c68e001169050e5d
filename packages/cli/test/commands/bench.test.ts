import { DisquePool } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Schedule, Stream } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { start as startProcess } from "../utils/process.js"
import { start } from "../utils/serve.js"

const every = Schedule.spaced("50 millis")

/** How many jobs there are in queues of benchmarks. */
const left = Effect.gen(function* () {
  const pool = yield* DisquePool
  const jobs = yield* Stream.runCollect(pool.jobs())
  return Chunk.size(
    Chunk.filter(jobs, ({ queue, state }) => state !== "acked" && queue?.startsWith("disco-bench-") === true)
  )
})

describe("disco bench", () => {
  it.effect("adds as many jobs as it is told, gets each of them once, and leaves none", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* disco([
        "bench",
        "--count",
        "300",
        "--producers",
        "3",
        "--size",
        "1kb",
        "--json"
      ])
      assert.strictEqual(status, 0, stderr)
      const { add, added, delivered, endToEnd, failed, left: remains, queue, repeated, size } = JSON.parse(stdout)
      assert.deepStrictEqual(
        { added, delivered, failed, remains, repeated, size, timed: [add.count, endToEnd.count] },
        { added: 300, delivered: 300, failed: 0, remains: [], repeated: 0, size: 1024, timed: [300, 300] }
      )
      assert.match(queue, /^disco-bench-[0-9a-f]{8}$/)
      assert.strictEqual(yield* left, 0)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("uses another queue each time, and touches no other", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("emails", "not of the benchmark")
      const queues = yield* Effect.replicateEffect(
        Effect.map(disco(["bench", "--count", "1", "--json"]), ({ stdout }) => JSON.parse(stdout).queue),
        2
      )
      assert.strictEqual(new Set(queues).size, 2)
      assert.strictEqual(yield* pool.queueLength("emails"), 1)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says why no job could be added", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["bench", "--count", "5", "--replicate", "4"])
      assert.strictEqual(status, 1)
      assert.match(stderr, /^disco: no job could be added: .*NOREPL/)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("refuses bodies that are too small for what is measured", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["bench", "--size", "15"])
      assert.strictEqual(status, 2)
      assert.match(stderr, /--size .*16 or more/)
    }).pipe(Effect.provide(cluster))
  )

  it.scopedLive(
    "empties its queue when it is interrupted",
    () =>
      Effect.gen(function* () {
        const { places } = yield* start(["--port", "0"])
        const { child, ended } = startProcess(["bench", "--nodes", places.join(), "--duration", "60s"])
        yield* Effect.gen(function* () {
          const pool = yield* DisquePool
          // It has begun.
          yield* pool.queues().pipe(Stream.runCount, Effect.repeat({ until: (count) => count > 0, schedule: every }))
          yield* Effect.sleep("500 millis")
          child.kill("SIGINT")
          const { code, stderr } = yield* Effect.promise(() => ended)
          assert.deepStrictEqual({ code, stderr }, { code: 130, stderr: "" })
          assert.strictEqual(yield* left, 0)
        }).pipe(Effect.provide(NodeDisque.layerPool({ nodes: places })))
      }),
    60_000
  )
})
