import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LatencyMonitor } from "../../src/internal/node/latencyMonitor.js"
import { latencyReport } from "../../src/internal/node/latencyReport.js"
import { sparkline } from "../../src/internal/node/sparkline.js"
import { twoDecimals } from "../../src/internal/wire/decimals.js"
import { type TimedNode, timed } from "../utils/timed.js"

const second = 1_000_000

/** What a real server was made to wait for by DEBUG SLEEP: when, in ms, and for how many ms. */
const sleeps = [
  [0, 50.9],
  [2000, 200],
  [3000, 120],
  [4000, 20],
  [4050, 300]
] as const

const slow = Effect.fnUntraced(function* ({ clock, say, takes }: TimedNode) {
  yield* say("CONFIG", "SET", "latency-monitor-threshold", "10")
  const start = clock.micros
  for (const [at, millis] of sleeps) {
    clock.micros = start + at * 1000
    yield* takes(millis * 1000, "DEBUG", "SLEEP", "0")
  }
})

describe("LATENCY", () => {
  it.effect("tells of slow commands, and of those that should be fast, from the threshold on", () =>
    timed(({ say, takes }) =>
      Effect.gen(function* () {
        yield* takes(5 * second, "PING")
        assert.deepStrictEqual(yield* say("LATENCY", "LATEST"), [])
        yield* say("CONFIG", "SET", "latency-monitor-threshold", "10")
        yield* takes(9999, "PING")
        yield* takes(9999, "DEBUG", "SLEEP", "0")
        assert.deepStrictEqual(yield* say("LATENCY", "LATEST"), [])
        yield* takes(10_000, "PING")
        yield* takes(11_999, "DEBUG", "SLEEP", "0")
        assert.deepStrictEqual(yield* say("LATENCY", "LATEST"), [
          ["fast-command", 1_800_000_010, 10, 10],
          ["command", 1_800_000_010, 11, 11]
        ])
      })
    )
  )

  it.effect("has one sample for each second, the worst one, as a real server showed", () =>
    timed((node) =>
      Effect.gen(function* () {
        yield* slow(node)
        const at = 1_800_000_000
        assert.deepStrictEqual(yield* node.say("LATENCY", "HISTORY", "command"), [
          [at, 50],
          [at + 2, 200],
          [at + 3, 120],
          [at + 4, 300]
        ])
        assert.deepStrictEqual(yield* node.say("LATENCY", "LATEST"), [["command", at + 4, 300, 200]])
        assert.deepStrictEqual(yield* node.say("LATENCY", "HISTORY", "COMMAND"), [])
      })
    )
  )

  it.effect("draws a graph as a real server did", () =>
    timed((node) =>
      Effect.gen(function* () {
        yield* slow(node)
        assert.strictEqual(
          yield* node.say("LATENCY", "GRAPH", "command"),
          [
            "command - high 300 ms, low 50 ms (all time high 200 ms)",
            "-".repeat(80),
            "   #",
            " o |",
            " |_|",
            "_|||",
            "    ",
            "4210",
            "ssss",
            ""
          ].join("\n")
        )
        assert.strictEqual(
          yield* node.say("LATENCY", "GRAPH", "nothing"),
          "Error: ERR No samples available for event 'nothing'"
        )
        node.clock.micros += 3 * 86_400 * second
        yield* node.takes(90_000, "DEBUG", "SLEEP", "0")
        node.clock.micros += 600 * second
        assert.include(yield* node.say("LATENCY", "GRAPH", "command"), "33331\ndddd0\n    m\n")
      })
    )
  )

  it.effect("explains what a real server explained", () =>
    timed((node) =>
      Effect.gen(function* () {
        assert.include(yield* node.say("LATENCY", "DOCTOR"), "I'm sorry, Dave, I can't do that.")
        yield* node.say("CONFIG", "SET", "latency-monitor-threshold", "10")
        assert.include(yield* node.say("LATENCY", "DOCTOR"), "no latency spike was observed")
        yield* node.say("CONFIG", "SET", "slowlog-log-slower-than", "0")
        yield* slow(node)
        assert.strictEqual(
          yield* node.say("LATENCY", "DOCTOR"),
          [
            "Dave, I have observed latency spikes in this Disque instance. You don't mind talking about it, do you Dave?",
            "",
            "1. command: 4 latency spikes (average 167ms, mean deviation 82ms, period 1.00 sec). Worst all time event 200ms.",
            "",
            "I have a few advices for you:",
            "",
            "- There are latency issues with potentially slow commands you are using. Try to enable the Slow Log Disque feature using the command 'CONFIG SET slowlog-log-slower-than 10000'. If the Slow log is disabled Disque is not able to log slow commands execution for you.",
            "- Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check http://disque.io/commands/slowlog for more information.",
            "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple smaller objects.",
            ""
          ].join("\n")
        )
      })
    )
  )

  it.effect("forgets events by name in any case, or all of them", () =>
    timed(({ say, takes }) =>
      Effect.gen(function* () {
        yield* say("CONFIG", "SET", "latency-monitor-threshold", "1")
        yield* takes(1000, "PING")
        yield* takes(1000, "DEBUG", "SLEEP", "0")
        assert.strictEqual(yield* say("LATENCY", "RESET", "COMMAND", "nothing"), 1)
        assert.deepStrictEqual(yield* say("LATENCY", "HISTORY", "command"), [])
        yield* takes(1000, "DEBUG", "SLEEP", "0")
        assert.strictEqual(yield* say("LATENCY", "RESET"), 2)
        assert.strictEqual(yield* say("LATENCY", "RESET"), 0)
      })
    )
  )

  it.effect("tells of timers that took long, and counts them to no command", () =>
    timed(({ clock, say, takes }) =>
      Effect.gen(function* () {
        yield* say("CONFIG", "SET", "latency-monitor-threshold", "10")
        yield* say("ADDJOB", "q", "body", "0", "DELAY", "1")
        clock.micros += 10 * second
        yield* takes(20_000, "QLEN", "q")
        assert.deepStrictEqual(yield* say("LATENCY", "LATEST"), [
          ["jobs-processing", 1_800_000_010, 20, 20],
          ["fast-command", 1_800_000_010, 20, 20]
        ])
      })
    )
  )
})

describe("the latency monitor", () => {
  it("keeps 160 samples of an event", () => {
    let now = 0
    const monitor = new LatencyMonitor({ config: { latencyThreshold: 1 }, unixSeconds: () => ++now })
    for (let i = 0; i < 200; i++) monitor.add("aof-write", 1_000_000 - i * 1000)
    const event = monitor.get("aof-write")
    assert.strictEqual(event?.samples.length, 160)
    assert.deepStrictEqual(event?.samples[0], { at: 41, millis: 960 })
    assert.deepStrictEqual(event?.latest, { at: 200, millis: 801 })
    assert.strictEqual(event?.most, 1000)
  })

  it("draws 80 samples in a row of the graph", () => {
    const points = Array.from({ length: 81 }, (_, i) => ({ value: i, label: "1h" }))
    const lines = sparkline(points).split("\n")
    assert.deepStrictEqual(
      lines.map((line) => line.length),
      [80, 80, 80, 80, 80, 80, 80, 0, 1, 1, 1, 1, 1, 1, 1, 0]
    )
  })

  it("draws equal samples at the bottom", () => {
    assert.strictEqual(sparkline([{ value: 7, label: "1s" }]), " \n \n \n_\n \n1\ns\n")
  })

  const report = (name: string, settings: Record<string, string>) => {
    const latest = { at: 1000, millis: 20 }
    return latencyReport(
      [{ name, latest, samples: [latest], most: 20 }],
      {
        latencyThreshold: 10,
        get: (name) => settings[name] ?? ""
      },
      1000
    )
  }

  it("advises by the event and the settings", () => {
    assert.include(report("aof-fsync-always", { appendfsync: "always" }), "Your fsync policy is set to 'always'")
    assert.notInclude(report("aof-fsync-always", { appendfsync: "everysec" }), "fsync policy")
    assert.include(report("fast-command", {}), '  3) Check if you have a "noisy neighbour" problem.\n  4)')
    assert.include(report("aof-rename", {}), "- SSD disks are able")
    assert.include(report("jobs-processing", {}), "I'm not able to suggest any easy fix")
    const tuning = "Please use 'CONFIG SET slowlog-log-slower-than 10000'"
    assert.include(report("command", { "slowlog-log-slower-than": "11000" }), tuning)
    assert.notInclude(report("command", { "slowlog-log-slower-than": "10999" }), tuning)
    assert.notInclude(report("command", { "slowlog-log-slower-than": "-1" }), "CONFIG SET")
  })
})

it("two decimals are rounded as C rounds them", () => {
  const written = [0, 0.125, 0.375, 0.625, 0.875, 1.005, 2.675, 1 / 3, 138_118.796875].map(twoDecimals)
  assert.deepStrictEqual(written, ["0.00", "0.12", "0.38", "0.62", "0.88", "1.00", "2.67", "0.33", "138118.80"])
})
