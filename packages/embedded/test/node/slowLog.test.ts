import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { SlowLog } from "../../src/internal/node/slowLog.js"
import { dial, layer, say } from "../utils/ask.js"
import { timed } from "../utils/timed.js"

type Entry = readonly [id: number, at: number, micros: number, words: ReadonlyArray<string>]

const words = (count: number) => Array.from({ length: count }, (_, i) => String(i))

describe("SLOWLOG", () => {
  it.effect("has the commands that took slowlog-log-slower-than µs or longer, latest first", () =>
    timed(({ clock, say, takes }) =>
      Effect.gen(function* () {
        yield* takes(9999, "PING", "not slow")
        yield* takes(10_000, "ADDJOB", "q", "body", "0")
        clock.micros += 5_000_000
        yield* takes(123_456, "PING", "slow")
        assert.strictEqual(yield* say("SLOWLOG", "LEN"), 2)
        assert.deepStrictEqual(yield* say("SLOWLOG", "GET"), [
          [1, 1_800_000_005, 123_456, ["PING", "slow"]],
          [0, 1_800_000_000, 10_000, ["ADDJOB", "q", "body", "0"]]
        ])
      })
    )
  )

  it.effect("has all commands if the threshold is 0, also those that are refused as they run", () =>
    timed(({ say }) =>
      Effect.gen(function* () {
        yield* say("CONFIG", "SET", "slowlog-log-slower-than", "0")
        yield* say("ADDJOB", "q", "body", "no timeout")
        // These do not run.
        yield* say("NO-SUCH-COMMAND")
        yield* say("SHOW")
        const log = (yield* say("SLOWLOG", "GET")) as ReadonlyArray<Entry>
        assert.deepStrictEqual(
          log.map(([, , micros, [name]]) => [micros, name]),
          [
            [0, "ADDJOB"],
            [0, "CONFIG"]
          ]
        )
      })
    )
  )

  it("has no commands if the threshold is negative, as a configuration file may say", () => {
    const log = new SlowLog({
      config: { slowerThan: Number.POSITIVE_INFINITY, slowLogLength: 128 },
      unixSeconds: () => 0
    })
    log.add(["PING"], 1e12)
    assert.strictEqual(log.length, 0)
  })

  it.effect("gives as many as asked for: 10, none, all for a negative number", () =>
    timed(({ say, takes }) =>
      Effect.gen(function* () {
        for (let i = 0; i < 15; i++) yield* takes(10_000, "PING", String(i))
        const ids = (reply: unknown) => (reply as ReadonlyArray<Entry>).map(([id]) => id)
        assert.deepStrictEqual(ids(yield* say("SLOWLOG", "GET")), [14, 13, 12, 11, 10, 9, 8, 7, 6, 5])
        assert.deepStrictEqual(ids(yield* say("SLOWLOG", "GET", "3")), [14, 13, 12])
        assert.deepStrictEqual(ids(yield* say("SLOWLOG", "GET", "0")), [])
        assert.lengthOf(ids(yield* say("SLOWLOG", "GET", "-1")), 15)
        assert.lengthOf(ids(yield* say("SLOWLOG", "GET", "9223372036854775807")), 15)
        assert.strictEqual(yield* say("SLOWLOG", "GET", "x"), "Error: ERR value is not an integer or out of range")
      })
    )
  )

  it.effect("keeps slowlog-max-len commands, and ids go on after RESET", () =>
    timed(({ say, takes }) =>
      Effect.gen(function* () {
        for (let i = 0; i < 200; i++) yield* takes(10_000, "PING", String(i))
        assert.strictEqual(yield* say("SLOWLOG", "LEN"), 128)
        yield* say("CONFIG", "SET", "slowlog-max-len", "2")
        const kept = (yield* say("SLOWLOG", "GET", "-1")) as ReadonlyArray<Entry>
        assert.deepStrictEqual(
          kept.map(([id]) => id),
          [199, 198]
        )
        assert.strictEqual(yield* say("SLOWLOG", "RESET"), "OK")
        assert.strictEqual(yield* say("SLOWLOG", "LEN"), 0)
        yield* takes(10_000, "PING")
        const [entry] = (yield* say("SLOWLOG", "GET")) as ReadonlyArray<Entry>
        assert.strictEqual(entry?.[0], 200)
        yield* say("CONFIG", "SET", "slowlog-max-len", "0")
        assert.deepStrictEqual(yield* say("SLOWLOG", "GET"), [])
      })
    )
  )

  it.effect("cuts words after 128 bytes, and commands after 32 words", () =>
    timed(({ say, takes }) =>
      Effect.gen(function* () {
        yield* takes(10_000, "QPEEK", "x".repeat(128), "1")
        yield* takes(10_000, "QPEEK", "é".repeat(1000), "1")
        yield* takes(10_000, "LATENCY", "RESET", ...words(30))
        yield* takes(10_000, "LATENCY", "RESET", ...words(40))
        const [long, full, cut, whole] = ((yield* say("SLOWLOG", "GET")) as ReadonlyArray<Entry>).map(
          ([, , , words]) => words
        )
        assert.deepStrictEqual(whole, ["QPEEK", "x".repeat(128), "1"])
        assert.deepStrictEqual(cut, ["QPEEK", `${"é".repeat(64)}... (1872 more bytes)`, "1"])
        assert.deepStrictEqual(full, ["LATENCY", "RESET", ...words(30)])
        assert.deepStrictEqual(long, ["LATENCY", "RESET", ...words(29), "... (11 more arguments)"])
      })
    )
  )

  it.effect("is empty under TestClock, where no command takes time", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      yield* TestClock.adjust("1 hour")
      yield* say(link, "ADDJOB", "q", "body", "0")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* say(link, "SLOWLOG", "LEN"), 0)
    }).pipe(Effect.provide(layer()))
  )
})
