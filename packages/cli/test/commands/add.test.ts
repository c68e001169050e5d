import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DisquePool, Job, JobId } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Schema } from "effect"
import { Added } from "../../src/commands/add.js"
import { cluster, disco } from "../utils/disco.js"
import { pauseIn, takeAll } from "../utils/jobs.js"

const bodies = (queue: string) => Effect.map(takeAll(queue), (jobs) => jobs.map(Job.text).sort())

const ids = (stdout: string) => stdout.trimEnd().split("\n")

describe("disco add", () => {
  it.effect("adds a job for each BODY, and prints the ids alone", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* disco(["add", "q", "one", "zwei ☃"])
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      assert.isTrue(ids(stdout).length === 2 && ids(stdout).every(JobId.isJobId))
      assert.deepStrictEqual(yield* bodies("q"), ["one", "zwei ☃"])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("takes the options of a job", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const words = ["add", "q", "body", "--delay", "1h", "--retry", "2m", "--ttl", "2d", "--replicate", "2"]
      const { stdout } = yield* disco(words)
      const info = Option.getOrThrow(yield* pool.show(stdout.trim()))
      assert.deepStrictEqual(
        [info.delay, info.retry, info.replicate].map((value) =>
          Duration.isDuration(value) ? Duration.toSeconds(value) : value
        ),
        [3600, 120, 2]
      )
      assert.approximately(Duration.toHours(info.ttl), 48, 0.1)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("takes the whole of standard input for -, and of a file for --file", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "disco-add-"))
      writeFileSync(join(folder, "body"), Uint8Array.of(0, 255, 10))
      const first = yield* disco(["add", "q", "-"], { input: ["a", "b"] })
      const second = yield* disco(["add", "bytes", "--file", join(folder, "body")], { hasFiles: true })
      rmSync(folder, { recursive: true })
      assert.deepStrictEqual([first.status, second.status], [0, 0])
      assert.deepStrictEqual(yield* bodies("q"), ["a\nb\n"])
      const [job] = yield* takeAll("bytes")
      assert.deepStrictEqual([...(job?.body ?? [])], [0, 255, 10])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("adds a job for each line, in their order, and prints an id for each", () =>
    Effect.gen(function* () {
      const input = Array.from({ length: 1000 }, (_, i) => `line ${i}`)
      const { status, stderr, stdout } = yield* disco(["add", "q", "--lines"], { input })
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      const bodyOf = new Map((yield* takeAll("q")).map((job) => [job.id as string, Job.text(job)]))
      assert.deepStrictEqual(
        ids(stdout).map((id) => bodyOf.get(id)),
        input
      )
    }).pipe(Effect.provide(cluster))
  )

  it.effect("adds each job as often as --count says", () =>
    Effect.gen(function* () {
      const { stdout } = yield* disco(["add", "q", "a", "b", "--count", "3"])
      assert.strictEqual(new Set(ids(stdout)).size, 6)
      assert.deepStrictEqual(yield* bodies("q"), ["a", "a", "a", "b", "b", "b"])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("names the lines that were not added, adds the others, and ends with status 1", () =>
    Effect.gen(function* () {
      const long = "x".repeat(16 * 1024 * 1024 + 1)
      const { status, stderr, stdout } = yield* disco(["add", "q", "--lines", "--json"], { input: ["a", long, "b"] })
      assert.strictEqual(status, 1)
      assert.include(stderr, "disco: line 2: the line is longer than 16 MiB\n")
      assert.include(stderr, "disco: 2 jobs added, 1 not added in ")
      assert.deepStrictEqual(yield* bodies("q"), ["a", "b"])
      const schema = Schema.parseJson(Added)
      const lines = yield* Effect.forEach(ids(stdout), (line) => Schema.decode(schema)(line))
      assert.deepStrictEqual(
        lines.map(({ error, id, line }) => [line, id !== null, error]),
        [
          [1, true, null],
          [2, false, "the line is longer than 16 MiB"],
          [3, true, null]
        ]
      )
    }).pipe(Effect.provide(cluster))
  )

  it.effect("stops reading after 256 failures in a row, and says where", () =>
    Effect.gen(function* () {
      yield* pauseIn("q")
      const input = Array.from({ length: 5000 }, (_, i) => String(i))
      const { status, stderr, stdout } = yield* disco(["add", "q", "--lines"], { input })
      assert.deepStrictEqual({ status, stdout }, { status: 1, stdout: "" })
      assert.match(stderr, /disco: line 1: .* refused ADDJOB: PAUSED/)
      const last = Number(
        /stopped after 256 failures in a row: no line behind ([\d,]+) was added/.exec(stderr)?.[1]?.replace(",", "")
      )
      assert.isAtLeast(last, 256)
      assert.isBelow(last, 5000)
      assert.include(stderr, `disco: 0 jobs added, ${last.toLocaleString("en-US")} not added in `)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("refuses a wrong command line before it reads or adds anything", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["add", "q"], "add needs a BODY, - for standard input, --lines, or --file FILE"],
        [["add", "q", "a", "--file", "f"], "--file and BODY both say what to add: give one of them"],
        [["add", "q", "a", "--lines"], "--lines reads standard input or a --file, and there is a BODY too"],
        [["add", "q", "a", "-"], "- is the whole of standard input, and stands without another BODY"],
        [["add", "q", "a", "--delay", "1500ms"], "ADDJOB: delay is"],
        [["add", "q", "a", "--delay", "2d"], "ADDJOB: delay is 172800 s, expected less than the TTL of 86400 s"],
        [["add", "q", "a", "--retry", "0", "--replicate", "2"], "ADDJOB: replicate is 2, expected 1 where retry is 0"]
      ]
      for (const [words, message] of cases) {
        const { status, stderr, stdout } = yield* disco(words, { input: ["line"] })
        assert.deepStrictEqual({ status, stdout }, { status: 2, stdout: "" })
        assert.include(stderr, `disco: ${message}`)
      }
      const missing = yield* disco(["add", "q", "--file", "/nowhere/file"], { hasFiles: true })
      assert.strictEqual(missing.status, 1)
      assert.include(missing.stderr, 'disco: --file: "/nowhere/file" cannot be read: there is no such file\n')
      assert.deepStrictEqual(yield* bodies("q"), [])
    }).pipe(Effect.provide(cluster))
  )
})
