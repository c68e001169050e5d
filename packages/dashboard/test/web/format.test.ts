import { assert, describe, it } from "@effect/vitest"
import { age, brief, count, latency, moment, size } from "../../web/format.js"

describe("figures for people", () => {
  it("writes ages as their two largest units", () => {
    assert.deepStrictEqual([0, 59.9, 60, 200, 3600, 187_200, 31_536_000].map(age), [
      "0s",
      "59s",
      "1m",
      "3m 20s",
      "1h",
      "2d 4h",
      "365d"
    ])
  })

  it("writes 64-bit integers exactly", () => {
    assert.strictEqual(count("9223372036854775807"), "9,223,372,036,854,775,807")
  })

  it("writes large figures briefly where there is little room", () => {
    assert.deepStrictEqual([0, 0.4, 9999, 12_345, 1_234_567, 5e9].map(brief), [
      "0",
      "0.4",
      "9,999",
      "12.3k",
      "1.2M",
      "5G"
    ])
  })

  it("writes sizes, short times and moments with their units", () => {
    assert.strictEqual(size(3_565_158), "3.4 MiB")
    assert.strictEqual(latency(0.421), "0.42 ms")
    assert.strictEqual(latency(1300), "1.3 s")
    assert.strictEqual(moment(0), "1970-01-01 00:00:00")
  })
})
