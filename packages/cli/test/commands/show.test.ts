import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { bodyText } from "../../src/jobs/bodies.js"
import { cluster, disco } from "../utils/disco.js"
import { masked } from "../utils/masked.js"

const prepared = Effect.gen(function* () {
  const pool = yield* DisquePool
  const options = { retry: "5 minutes", ttl: "1 day" } as const
  const on = pool.on("127.0.0.1:7711")
  const waiting = yield* on.addJob("emails", '{"to":"ada","n":12345678901234567890}', options)
  const delayed = yield* on.addJob("emails", "later", { ...options, delay: "1 hour" })
  const taken = yield* on.addJob("other", "in work", options)
  yield* on.getJob("other")
  return { waiting, delayed, taken }
})

describe("disco show", () => {
  for (const [columns, color] of [
    [80, false],
    [80, true],
    [40, false],
    [40, true]
  ] as const) {
    it.effect(`tells the story of a job in ${columns} columns${color ? " with color" : ""}`, ({ expect }) =>
      Effect.gen(function* () {
        const { delayed, taken, waiting } = yield* prepared
        const { status, stdout } = yield* disco(["show", waiting, delayed, taken], { columns, color })
        assert.strictEqual(status, 0)
        expect(masked(stdout)).toMatchSnapshot()
      }).pipe(Effect.provide(cluster))
    )
  }

  it.effect("changes nothing", () =>
    Effect.gen(function* () {
      const { taken, waiting } = yield* prepared
      const pool = yield* DisquePool
      const before = yield* pool.show(taken)
      yield* disco(["show", waiting, taken])
      const after = yield* pool.show(taken)
      const countsOf = (info: typeof after) =>
        info._tag === "Some" ? [info.value.state, info.value.nacks, info.value.additionalDeliveries] : []
      assert.deepStrictEqual(countsOf(after), countsOf(before))
      assert.strictEqual(yield* pool.queueLength("emails"), 1)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("prints what its schema says with --json, a line for each job", () =>
    Effect.gen(function* () {
      const { delayed, taken, waiting } = yield* prepared
      const { stdout } = yield* disco(["show", waiting, delayed, taken, "--json"])
      const [first, second, third] = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.deepInclude(first, { id: waiting, queue: "emails", state: "queued", encoding: "text", replicate: 3 })
      assert.deepStrictEqual(
        [first, second, third].map(({ events }) => events.map(({ event }: { event: string }) => event)),
        [
          ["created", "requeue", "expiry"],
          ["created", "queued", "expiry"],
          ["created", "requeue", "expiry"]
        ]
      )
      assert.strictEqual(third.state, "active")
      assert.strictEqual(first.copies.length, 3)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says of an id that no node knows it, shows the others, and ends with status 1", () =>
    Effect.gen(function* () {
      const { waiting } = yield* prepared
      const missing = "D-00000000-000000000000000000000000-05a1"
      const { status, stderr, stdout } = yield* disco(["show", missing, waiting])
      assert.strictEqual(status, 1)
      assert.strictEqual(stderr, `disco: ${missing} is known to no node: it is done, deleted, or was never added\n`)
      assert.include(stdout, waiting)
    }).pipe(Effect.provide(cluster))
  )
})

describe("a body", () => {
  const style = { columns: 80 }
  const bytes = (text: string) => new TextEncoder().encode(text)

  it("that is JSON has its indentation, and its numbers as they were written", () => {
    const json = '{"n":12345678901234567890,"a":[],"o":{},"t":"a, {b}: \\"c\\"","l":[1,{"x":null}]}'
    assert.strictEqual(
      bodyText(bytes(json), "auto", style),
      '{\n  "n": 12345678901234567890,\n  "a": [],\n  "o": {},\n  "t": "a, {b}: \\"c\\"",\n  "l": [\n    1,\n    {\n      "x": null\n    }\n  ]\n}'
    )
    assert.deepStrictEqual(JSON.parse(bodyText(bytes(json), "json", style)), JSON.parse(json))
  })

  it("that is text is shown as it is, and cannot control the terminal", () => {
    assert.strictEqual(bodyText(bytes("a\tb\nc\u001b[2J"), "auto", style), "a\tb\nc\\x1b[2J")
    assert.strictEqual(bodyText(bytes("{not json"), "json", style), "{not json")
  })

  it("that is not text is shown as hex digits that fit the terminal", () => {
    const body = Uint8Array.from({ length: 20 }, (_, i) => 0xf0 + i)
    assert.strictEqual(
      bodyText(body, "auto", style),
      "000000  f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff ................\n000010  00 01 02 03                                     ...."
    )
    for (const line of bodyText(body, "hex", { columns: 40 }).split("\n")) assert.isAtMost(line.length, 40)
  })
})
