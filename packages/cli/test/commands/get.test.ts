import { DisquePool, Job, JobId } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { pauseOf } from "../../src/jobs/holding.js"
import { cluster, disco } from "../utils/disco.js"
import { takeAll } from "../utils/jobs.js"
import { masked } from "../utils/masked.js"

const addAll = (queue: string, bodies: ReadonlyArray<string>, options?: Parameters<DisquePool.Service["addJob"]>[2]) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(bodies, (body, i) =>
      pool.on(`127.0.0.1:${7711 + (i % 3)}`).addJob(queue, body, { retry: "1 hour", ...options })
    )
  )

/** What is in the queue, and how often each job was put back. */
const left = (queue: string) =>
  Effect.map(takeAll(queue), (jobs) =>
    jobs.map((job) => [Job.text(job), job.nacks, job.additionalDeliveries] as const).sort()
  )

const bodiesOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).body)

describe("disco get", () => {
  it.effect("prints jobs of all nodes, and puts them back by ENQUEUE when it ends", () =>
    Effect.gen(function* () {
      yield* addAll("q", ["a", "b", "c"])
      const { status, stderr, stdout } = yield* disco(["get", "q", "--count", "3", "--json"])
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      assert.sameMembers(bodiesOf(stdout), ["a", "b", "c"])
      assert.deepStrictEqual(yield* left("q"), [
        ["a", 0, 1],
        ["b", 0, 1],
        ["c", 0, 1]
      ])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("takes one job by default, in the order of the queues, and leaves the others untouched", () =>
    Effect.gen(function* () {
      yield* addAll("late", ["a", "b", "c"])
      yield* addAll("first", ["d"])
      const { stdout } = yield* disco(["get", "first", "late", "--json"])
      assert.deepStrictEqual(bodiesOf(stdout), ["d"])
      assert.deepStrictEqual(yield* left("late"), [
        ["a", 0, 0],
        ["b", 0, 0],
        ["c", 0, 0]
      ])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("acknowledges with --ack what it has printed, and nothing else", () =>
    Effect.gen(function* () {
      const ids = yield* addAll("q", ["a", "b", "c"])
      const { status, stdout } = yield* disco(["get", "q", "--ack", "--count", "2", "--json"])
      assert.strictEqual(status, 0)
      const taken = bodiesOf(stdout)
      assert.strictEqual(taken.length, 2)
      const rest = yield* left("q")
      assert.sameMembers([...taken, ...rest.map(([body]) => body)], ["a", "b", "c"])
      const pool = yield* DisquePool
      const known = yield* Effect.forEach(ids, (id) => pool.show(id))
      assert.strictEqual(known.filter((info) => Option.isSome(info) && info.value.state !== "acked").length, 1)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("adds a job that is delivered once only again, since it cannot be put back", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* pool.addJob("q", "once", { retry: 0, replicate: 1, ttl: "2 hours" })
      const { status, stdout } = yield* disco(["get", "q", "--json"])
      assert.strictEqual(status, 0)
      assert.deepStrictEqual(bodiesOf(stdout), ["once"])
      const [job] = yield* takeAll("q")
      if (job === undefined) assert.fail("the job is gone")
      assert.strictEqual(Job.text(job), "once")
      assert.isFalse(JobId.isAtLeastOnce(job.id))
      assert.notStrictEqual(job.id, id)
      const info = Option.getOrThrow(yield* pool.show(job))
      assert.isAtLeast(Duration.toMinutes(info.ttl), 119)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("waits for a job that comes, and ends with status 1 if none does", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* disco(["get", "a", "b", "--wait", "3s"])
      assert.deepStrictEqual(
        { status, stderr, stdout },
        { status: 1, stderr: "disco: no job came from a or b within 3s\n", stdout: "" }
      )
      const pool = yield* DisquePool
      yield* pool.addJob("a", "late", { delay: "2 seconds" })
      const late = yield* disco(["get", "a", "--wait", "10s", "--json"])
      assert.deepStrictEqual([late.status, bodiesOf(late.stdout)], [0, ["late"]])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("refuses what would keep too many jobs from consumers, or two ways to end a job", () =>
    Effect.gen(function* () {
      for (const [words, message] of [
        [["--count", "1001"], "get: --count is 1,001, expected at most 1,000 without --ack and --exec"],
        [["--ack", "--exec", "true"], "--ack and --exec exclude each other"]
      ] as const) {
        const { status, stderr } = yield* disco(["get", "q", ...words])
        assert.strictEqual(status, 2)
        assert.include(stderr, `disco: ${message}`)
      }
    }).pipe(Effect.provide(cluster))
  )

  for (const [columns, color] of [
    [80, false],
    [80, true],
    [40, false],
    [40, true]
  ] as const) {
    it.effect(`prints jobs in ${columns} columns${color ? " with color" : ""}`, ({ expect }) =>
      Effect.gen(function* () {
        yield* addAll("emails", ['{"to": "ada"}'])
        const { stderr, stdout } = yield* disco(["get", "emails"], { columns, color })
        expect(masked(stdout + stderr)).toMatchSnapshot()
      }).pipe(Effect.provide(cluster))
    )
  }
})

describe("a job whose command failed", () => {
  it("goes back after 1 second, doubling up to a minute", () => {
    assert.deepStrictEqual(
      [0, 1, 2, 5, 6, 1000].map((nacks) => Duration.toSeconds(pauseOf(nacks))),
      [1, 2, 4, 32, 60, 60]
    )
  })
})
