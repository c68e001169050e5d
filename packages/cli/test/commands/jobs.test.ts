import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { masked } from "../utils/masked.js"
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

describe("disco jobs", () => {
  for (const [columns, color] of [
    [120, false],
    [80, false],
    [80, true],
    [40, false],
    [40, true]
  ] as const) {
    it.effect(`fits ${columns} columns${color ? " with color" : ""}, with whole ids`, ({ expect }) =>
      Effect.gen(function* () {
        yield* prepared
        const { status, stdout } = yield* disco(["jobs"], { columns, color })
        assert.strictEqual(status, 0)
        expect(masked(stdout)).toMatchSnapshot()
      }).pipe(Effect.provide(cluster))
    )
  }

  it.effect("gives each job of all nodes once, with its state in the cluster", () =>
    Effect.gen(function* () {
      const { first, second, third } = yield* prepared
      const { stdout } = yield* disco(["jobs", "--json"])
      const jobs = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.sameMembers(
        jobs.map(({ id }) => id),
        [first, second, third]
      )
      const byId = new Map(jobs.map((job) => [job.id, job]))
      assert.deepInclude(byId.get(first), { state: "queued", queue: "emails", body: '{"to": "ada@example.com"}' })
      assert.strictEqual(byId.get(first).copies.length, 3)
      assert.deepInclude(byId.get(third), { state: "active", body: "AP8=", encoding: "base64" })
    }).pipe(Effect.provide(cluster))
  )

  it.effect("gives those that fit all options", () =>
    Effect.gen(function* () {
      const { first, second, third } = yield* prepared
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = [
        [
          ["--queue", "emails"],
          [first, second]
        ],
        [["--state", "active"], [third]],
        [
          ["--state", "active", "--state", "queued"],
          [first, second, third]
        ],
        [["--grep", "ada@|nobody"], [first]],
        [["--older-than", "2h"], []],
        [
          ["--older-than", "0"],
          [first, second, third]
        ]
      ]
      for (const [options, expected] of cases) {
        const { status, stdout } = yield* disco(["jobs", ...options])
        assert.strictEqual(status, 0)
        assert.sameMembers([...idsOf(stdout)], [...expected], options.join(" "))
      }
      assert.strictEqual(idsOf((yield* disco(["jobs", "--limit", "2"])).stdout).length, 2)
      assert.strictEqual((yield* disco(["jobs", "--older-than", "2h"])).stderr, "disco: no job was found\n")
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says of a pattern that is none what was expected", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["jobs", "--grep", "("])
      assert.deepStrictEqual(
        { status, stderr },
        { status: 2, stderr: 'disco: jobs: --grep is "(", expected a regular expression, as JavaScript has them\n' }
      )
    }).pipe(Effect.provide(cluster))
  )

  it.effect("gives the jobs of the other nodes if one does not answer, and ends with status 1", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const { first, second, third } = yield* prepared
      yield* disque.kill(node(disque, 2))
      const { status, stderr, stdout } = yield* disco(["jobs"])
      assert.strictEqual(status, 1)
      assert.sameMembers([...idsOf(stdout)], [first, second, third])
      assert.include(stderr, "127.0.0.1:7713")
    }).pipe(Effect.provide(cluster))
  )
})
