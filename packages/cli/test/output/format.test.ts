import { assert, describe, it } from "@effect/vitest"
import { age, count, counted, latency, list, rate, size, span } from "../../src/output/format.js"

describe("figures for people", () => {
  it("have separators, and nouns that agree", () => {
    assert.strictEqual(count(1_234_567), "1,234,567")
    assert.strictEqual(count(12_345_678_901_234_567_890n), "12,345,678,901,234,567,890")
    assert.strictEqual(counted(1, "job"), "1 job")
    assert.strictEqual(counted(0, "job"), "0 jobs")
    assert.strictEqual(counted(2n, "copy", "copies"), "2 copies")
  })

  it("show ages as their two largest units", () => {
    for (const [millis, text] of [
      [0, "0s"],
      [999, "0s"],
      [12_000, "12s"],
      [200_000, "3m 20s"],
      [180_000, "3m"],
      [3_600_000 + 5 * 60_000, "1h 5m"],
      [2 * 86_400_000 + 59_000, "2d"],
      [40 * 86_400_000 + 3_600_000, "40d 1h"]
    ] as const) {
      assert.strictEqual(age(millis), text)
    }
    assert.strictEqual(age(Number.POSITIVE_INFINITY), "forever")
  })

  it("show what was set as a time, round trips and rates with their units", () => {
    assert.deepStrictEqual([span(500), span(5000), span(90_000)], ["500ms", "5s", "1m 30s"])
    assert.deepStrictEqual(
      [latency(0.4234), latency(12.53), latency(345.6), latency(1340)],
      ["0.42 ms", "12.5 ms", "346 ms", "1.34 s"]
    )
    assert.deepStrictEqual([rate(0), rate(0.44), rate(12), rate(1203.7)], ["0/s", "0.4/s", "12/s", "1,204/s"])
    assert.deepStrictEqual([size(12), size(1536), size(150 * 1024 ** 2)], ["12 B", "1.5 KiB", "150 MiB"])
  })

  it("join lists in words", () => {
    assert.deepStrictEqual(
      [list([]), list(["a"]), list(["a", "b"]), list(["a", "b", "c"], "or")],
      ["", "a", "a and b", "a, b or c"]
    )
  })
})
