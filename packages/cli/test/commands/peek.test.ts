import { DisquePool } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"
import { node } from "../utils/node.js"

const prepared = Effect.gen(function* () {
  const pool = yield* DisquePool
  const on = (port: number) => pool.on(`127.0.0.1:${port}`)
  const first = yield* on(7711).addJob("emails", '{"to": "ada@example.com"}', { retry: "1 hour" })
  const second = yield* on(7712).addJob("emails", "to grace", { retry: "1 hour", replicate: 1 })
  const third = yield* on(7713).addJob("images", Uint8Array.of(0, 255), { delay: "1 hour" })
  return { first, second, third }
})

const idsOf = (stdout: string): ReadonlyArray<string> => stdout.match(/^D-\S+/gm) ?? []

describe("disco peek", () => {
  looks("disco peek", ["peek", "emails"], prepared)

  it.effect("shows the jobs that wait on all nodes, the oldest first or the newest, and takes none", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids: Array<string> = []
      for (let i = 0; i < 6; i++) {
        yield* VirtualTime.run(Effect.sleep("1 second"))
        ids.push(
          yield* pool.on(`127.0.0.1:${7711 + (i % 3)}`).addJob("q", `job ${i}`, { retry: "1 hour", replicate: 1 })
        )
      }
      const oldest = yield* disco(["peek", "q", "--count", "4"])
      assert.deepStrictEqual(idsOf(oldest.stdout), ids.slice(0, 4))
      const newest = yield* disco(["peek", "q", "--count", "2", "--newest", "--json"])
      assert.deepStrictEqual(
        newest.stdout
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line).body),
        ["job 5", "job 4"]
      )
      assert.strictEqual(yield* pool.queueLength("q"), 6)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says that no job waits", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* disco(["peek", "empty"])
      assert.deepStrictEqual(
        { status, stderr, stdout },
        { status: 0, stderr: "disco: no job waits in empty\n", stdout: "" }
      )
    }).pipe(Effect.provide(cluster))
  )

  it.effect("shows the jobs of the other nodes if one does not answer, and ends with status 1", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      yield* prepared
      yield* disque.kill(node(disque, 1))
      const { status, stderr, stdout } = yield* disco(["peek", "emails"])
      assert.strictEqual(status, 1)
      assert.strictEqual(idsOf(stdout).length, 1)
      assert.match(stderr, /disco: 127\.0\.0\.1:7712 .*: its jobs are missing\n/)
    }).pipe(Effect.provide(cluster))
  )
})
