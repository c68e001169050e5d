import { DisquePool, Job } from "@disco/core"
import type { DeadLetter } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { pauseIn, takeAll } from "../utils/jobs.js"
import { masked } from "../utils/masked.js"

const idOf = (n: number) => `D-0badcafe-${String(n).padStart(24, "A")}-05a1`

const at = (seconds: number) => new Date(seconds * 1000).toISOString()

const letterOf = (n: number, more: Partial<DeadLetter.Letter> = {}): DeadLetter.Letter => ({
  queue: "emails",
  id: idOf(n),
  reason: "failed",
  error: "SMTP timeout",
  attempts: 10,
  nacks: 2,
  additionalDeliveries: 1,
  addedAt: at(n),
  firstAt: at(n + 10),
  lastAt: at(n + 100),
  retry: 60,
  ttl: 3600,
  body: `{"n":${n}}`,
  ...more
})

const put = (letters: ReadonlyArray<DeadLetter.Letter>) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(letters, (letter) => pool.addJob("emails.dead", JSON.stringify(letter), { retry: "1 hour" }))
  )

const three = put([
  letterOf(1),
  letterOf(2, { reason: "crashed", error: "the process was killed" }),
  letterOf(3, { reason: "undecodable", error: 'Expected a number,\n got "x"', body: "x" })
])

const lengths = Effect.flatMap(DisquePool, (pool) =>
  Effect.all([pool.queueLength("emails"), pool.queueLength("emails.dead")])
)

const jsonLines = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("disco dead list", () => {
  for (const [columns, color] of [
    [80, false],
    [80, true],
    [40, false],
    [40, true]
  ] as const) {
    it.effect(`tells in ${columns} columns why jobs were given up${color ? ", with color" : ""}`, ({ expect }) =>
      Effect.gen(function* () {
        yield* three
        const { status, stdout } = yield* disco(["dead", "list", "emails"], { columns, color })
        assert.strictEqual(status, 0)
        expect(masked(stdout)).toMatchSnapshot()
      }).pipe(Effect.provide(cluster))
    )
  }

  it.effect("chooses letters by their reason, or by their error", () =>
    Effect.gen(function* () {
      const ids = yield* three
      const listed = (where: string) =>
        Effect.map(disco(["dead", "list", "emails.dead", "--where", where, "--json"]), ({ stdout }) =>
          stdout === "" ? [] : jsonLines(stdout).map(({ id }) => id)
        )
      assert.deepStrictEqual(yield* listed("crashed"), [ids[1]])
      assert.deepStrictEqual(yield* listed("smtp"), [ids[0]])
      assert.deepStrictEqual(yield* listed("nothing"), [])
      assert.deepStrictEqual(yield* lengths, [0, 3])
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco dead show", () => {
  it.effect("shows all of a letter, by its id or that of its job", ({ expect }) =>
    Effect.gen(function* () {
      const [first = ""] = yield* three
      const { status, stdout } = yield* disco(["dead", "show", "emails", first, idOf(3)], { columns: 80 })
      assert.strictEqual(status, 0)
      expect(masked(stdout)).toMatchSnapshot()
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says which id is not there", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* disco(["dead", "show", "emails", idOf(9)])
      assert.deepStrictEqual({ status, stderr }, { status: 1, stderr: `disco: ${idOf(9)} is not in emails.dead\n` })
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco dead redrive", () => {
  it.effect("says with --dry-run which letters are meant, and leaves them", () =>
    Effect.gen(function* () {
      const ids = yield* three
      const { status, stdout } = yield* disco(["dead", "redrive", "emails", "--where", "failed", "--dry-run"])
      assert.deepStrictEqual(
        { status, stdout },
        { status: 0, stdout: `1 letter of emails would be added again\n${ids[0]}\n` }
      )
      assert.deepStrictEqual(yield* lengths, [0, 3])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("adds the jobs of the letters that are chosen again", () =>
    Effect.gen(function* () {
      yield* three
      const { status, stderr, stdout } = yield* disco(["dead", "redrive", "emails", "--where", "crashed"])
      assert.deepStrictEqual(
        { status, stderr, stdout },
        { status: 0, stderr: "", stdout: "1 of 1 letter of emails added again\n" }
      )
      assert.deepStrictEqual(yield* lengths, [1, 2])
      assert.deepStrictEqual((yield* takeAll("emails")).map(Job.text), ['{"n":2}'])
      assert.strictEqual((yield* disco(["dead", "redrive", "emails", idOf(1)])).status, 0)
      assert.deepStrictEqual((yield* takeAll("emails")).map(Job.text), ['{"n":1}'])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("adds no more jobs in a second than --rate says", () =>
    Effect.gen(function* () {
      yield* put(Array.from({ length: 30 }, (_, n) => letterOf(n)))
      const before = yield* Clock.currentTimeMillis
      const { stdout } = yield* disco(["dead", "redrive", "emails", "--rate", "5", "--json"])
      const after = yield* Clock.currentTimeMillis
      assert.deepInclude(JSON.parse(stdout), { chosen: 30, done: 30, error: null })
      assert.isAtLeast(after - before, Duration.toMillis("5800 millis"))
      assert.deepStrictEqual(yield* lengths, [30, 0])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says why a job cannot be added, and leaves its letter", () =>
    Effect.gen(function* () {
      yield* three
      yield* pauseIn("emails")
      const { status, stderr, stdout } = yield* disco(["dead", "redrive", "emails"])
      assert.deepStrictEqual({ status, stdout }, { status: 1, stdout: "0 of 3 letters of emails added again\n" })
      assert.match(stderr, /refused ADDJOB: PAUSED/)
      assert.deepStrictEqual(yield* lengths, [0, 3])
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco dead purge", () => {
  it.effect("asks, and deletes the letters that are chosen", () =>
    Effect.gen(function* () {
      yield* three
      const refused = yield* disco(["dead", "purge", "emails"])
      assert.strictEqual(refused.status, 2)
      assert.include(refused.stderr, "this deletes 3 letters of emails, and the jobs in them: give --yes")
      assert.deepStrictEqual(yield* lengths, [0, 3])
      const { status, stdout } = yield* disco(["dead", "purge", "emails", "--where", "undecodable", "--yes"])
      assert.deepStrictEqual({ status, stdout }, { status: 0, stdout: "1 of 1 letter of emails deleted\n" })
      assert.deepStrictEqual(yield* lengths, [0, 2])
    }).pipe(Effect.provide(cluster))
  )
})
