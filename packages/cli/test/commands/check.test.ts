import { DisquePool } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"

const busy = Effect.gen(function* () {
  const pool = yield* DisquePool
  const add = (queue: string) => pool.addJob(queue, "body", { replicate: 1 })
  yield* Effect.forEach(Array.from({ length: 12 }), () => add("emails"))
  yield* add("emails.dead")
  yield* Effect.sleep("10 minutes")
}).pipe(VirtualTime.run)

const check = (...words: ReadonlyArray<string>) =>
  Effect.map(disco(["check", ...words]), ({ status, stdout }) => [status, stdout.trim()] as const)

describe("disco check", () => {
  looks("disco check", ["check", "--max-length", "5", "--max-dead", "0", "--cluster-size", "4"], busy)

  it.effect("says OK, WARNING or CRITICAL in one line, with the status that monitoring systems expect", () =>
    Effect.gen(function* () {
      yield* busy
      for (const [words, status, line] of [
        [[], 0, "OK: 3 nodes, 2 queues"],
        [["--max-length", "12"], 0, "OK: 3 nodes, 2 queues"],
        [["--max-length", "11"], 2, "CRITICAL: emails has 12 jobs"],
        [["--max-length", "11,20"], 1, "WARNING: emails has 12 jobs"],
        [["--max-age", "5m,1h"], 1, "WARNING: the oldest job of emails is 10m old"],
        [["emails", "--min-consumers", "1"], 2, "CRITICAL: emails has no consumers"],
        [["unknown", "--min-consumers", "1", "--max-length", "0"], 2, "CRITICAL: unknown has no consumers"],
        [["emails", "--max-dead", "0"], 2, "CRITICAL: emails.dead has 1 dead letter"],
        [["--max-dead", "0,1"], 1, "WARNING: emails.dead has 1 dead letter"],
        [["--cluster-size", "3"], 0, "OK: 3 nodes, 2 queues"],
        [["--cluster-size", "4"], 2, "CRITICAL: 3 of 4 nodes are up"]
      ] as const) {
        assert.deepStrictEqual(yield* check(...words), [status, line], words.join(" "))
      }
    }).pipe(Effect.provide(cluster))
  )

  it.effect("finds nothing wrong with queues of Disco's own, unless they are named", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* VirtualTime.run(pool.addJob("disco.workers", "{}", { retry: 0, replicate: 1 }))
      yield* VirtualTime.run(pool.addJob("disco.ids.emails/welcome-ada", "", { retry: 0, replicate: 1 }))
      assert.strictEqual((yield* check("--min-consumers", "1"))[0], 0)
      assert.deepStrictEqual(yield* check("disco.workers", "--max-length", "0"), [
        2,
        "CRITICAL: disco.workers has 1 job"
      ])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("warns of a node that is down, and does not know what its queues are", () =>
    Effect.gen(function* () {
      yield* busy
      const { kill, nodes } = yield* EmbeddedDisque
      yield* kill(nodes[2] ?? nodes[0])
      const why = "127.0.0.1:7713 refused the connection: nothing listens there"
      assert.deepStrictEqual(yield* check(), [1, `WARNING: 127.0.0.1:7713 is unreachable (${why})`])
      assert.deepStrictEqual(yield* check("--max-length", "100"), [
        3,
        `UNKNOWN: 127.0.0.1:7713 did not tell its queues; 127.0.0.1:7713 is unreachable (${why})`
      ])
      assert.deepStrictEqual((yield* check("--max-length", "5"))[0], 2)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("is UNKNOWN if no node answers, or the command line is wrong", () =>
    Effect.gen(function* () {
      const refused = "127.0.0.1:1 refused the connection: nothing listens there (from --nodes)"
      assert.deepStrictEqual(yield* check("--nodes", "127.0.0.1:1"), [3, `UNKNOWN: no node can be reached: ${refused}`])
      assert.deepStrictEqual(yield* check("--max-length", "many"), [
        3,
        'UNKNOWN: check: --max-length is "many", expected a whole number, 0 or more'
      ])
      assert.deepStrictEqual((yield* check("--max-length", "1,2,3"))[0], 3)
    }).pipe(Effect.provide(cluster))
  )
})
