import { assert, describe, it } from "@effect/vitest"
import { Jobs, Stopwatch } from "../../src/bench/tally.js"

describe("what a benchmark counts", () => {
  it("counts a job as delivered whether it comes before or after the answer to ADDJOB", () => {
    const jobs = new Jobs()
    jobs.add(0)
    jobs.see(0)
    jobs.see(1)
    jobs.add(1)
    jobs.add(2)
    assert.deepStrictEqual([jobs.added, jobs.delivered, jobs.repeated], [3, 2, 0])
  })

  it("counts each further delivery of a job as a repetition", () => {
    const jobs = new Jobs()
    jobs.add(7)
    for (let i = 0; i < 3; i++) jobs.see(7)
    assert.deepStrictEqual([jobs.delivered, jobs.repeated], [1, 2])
  })

  it("does not count a delivery whose job was never said to be added", () => {
    const jobs = new Jobs()
    jobs.see(1_000_000)
    assert.deepStrictEqual([jobs.added, jobs.delivered, jobs.repeated], [0, 0, 0])
  })

  it("tells median, p99 and maximum to three digits, and nothing where nothing was measured", () => {
    const stopwatch = new Stopwatch()
    assert.isUndefined(stopwatch.times)
    for (let i = 1; i <= 1000; i++) stopwatch.note(i)
    const { count, max, median, p99 } = stopwatch.times ?? assert.fail("no times")
    assert.strictEqual(count, 1000)
    assert.closeTo(median, 500, 1)
    assert.closeTo(p99, 990, 2)
    assert.closeTo(max, 1000, 1)
  })
})
