import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { type Count, clusterRates, flow, type NodeFlow, nodeRates } from "../../src/operations/rates.js"

const count = (seconds: number, jobsIn: number, jobsOut: number, age = seconds): Count => ({
  stats: { age: Duration.seconds(age), jobsIn: BigInt(jobsIn), jobsOut: BigInt(jobsOut) },
  at: seconds * 1000
})

const node = (id: string, [come, gone]: readonly [number, number], importRate = 0, importFrom: Array<string> = []) =>
  ({ id, flow: { in: come, out: gone, seconds: 2 }, importRate, importFrom }) satisfies NodeFlow

describe.concurrent("the flow of a queue on a node", () => {
  it("is what was counted between two times", () => {
    assert.deepStrictEqual(flow(count(10, 100, 50), count(12, 130, 90)), { in: 30, out: 40, seconds: 2 })
  })

  it("is what was counted since the node began anew, and never negative", () => {
    assert.deepStrictEqual(flow(count(10, 100, 50), count(12, 7, 3, 1)), { in: 7, out: 3, seconds: 2 })
    // The queue was forgotten, and came again with more than before.
    assert.deepStrictEqual(flow(count(10, 1, 1, 500), count(12, 7, 3, 1)), { in: 7, out: 3, seconds: 2 })
    assert.deepStrictEqual(flow(count(10, 5, 5), count(12, 6, 2)), { in: 6, out: 2, seconds: 2 })
  })

  it("is unknown while no time has passed", () => {
    assert.isUndefined(flow(count(10, 100, 50), count(10, 130, 90)))
  })

  it("is exact for counts beyond 2⁵³", () => {
    const much = 2n ** 62n
    const at = (seconds: number, more: bigint): Count => ({
      stats: { age: Duration.seconds(seconds), jobsIn: much + more, jobsOut: much },
      at: seconds * 1000
    })
    assert.deepStrictEqual(flow(at(1, 0n), at(2, 3n)), { in: 3, out: 0, seconds: 1 })
  })
})

describe.concurrent("the rates of a queue", () => {
  it("are sums of those of the nodes", () => {
    const rates = clusterRates(nodeRates([node("a", [10, 4]), node("b", [2, 0])]))
    assert.deepInclude({ ...rates }, { in: 6, out: 2, imported: 0 })
    assert.isUndefined(clusterRates([]))
  })

  it("count a job once that went from node to node", () => {
    const rates = clusterRates(nodeRates([node("a", [10, 10]), node("b", [10, 10], 5, ["a"])]))
    assert.deepInclude({ ...rates }, { in: 5, out: 5, imported: 5 })
  })

  it("take no more for imported than came in, or than went out where it came from", () => {
    const cameIn = clusterRates(nodeRates([node("a", [10, 10]), node("b", [2, 2], 50, ["a"])]))
    assert.deepInclude({ ...cameIn }, { in: 5, out: 5, imported: 1 })
    const wentOut = clusterRates(nodeRates([node("a", [10, 1]), node("b", [10, 9], 50, ["a"])]))
    assert.deepInclude({ ...wentOut }, { in: 9.5, out: 4.5, imported: 0.5 })
  })

  it("believe the import rate where nothing is known of the node that the jobs came from", () => {
    const rates = clusterRates(nodeRates([node("b", [10, 9], 3, ["gone"])]))
    assert.deepInclude({ ...rates }, { in: 2, out: 1.5, imported: 3 })
  })
})
