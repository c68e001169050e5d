import { assert, describe, it } from "@effect/vitest"
import { JobSource } from "../../src/fetching/jobSource.js"
import { Origins } from "../../src/fetching/origins.js"
import { type Job, JobId } from "../../src/index.js"

const nodes = ["a", "b", "c"].map((name) => ({ address: `${name}:1`, id: name.repeat(40) }))
const idFrom = (name: string) => JobId.make(`D-${name.repeat(8)}-${"0".repeat(24)}-05a1`)
const jobsFrom = (name: string, count: number): ReadonlyArray<Job.Job> =>
  Array.from({ length: count }, () => ({ id: idFrom(name) }) as Job.Job)

describe.concurrent("origins", () => {
  it("tell the node that most jobs come from, and how many times as many as from another", () => {
    const origins = new Origins()
    assert.isUndefined(origins.leader("a".repeat(8)))
    for (let i = 0; i < 10; i++) origins.count(idFrom("a"))
    for (let i = 0; i < 40; i++) origins.count(idFrom("b"))
    const leader = origins.leader("a".repeat(8))
    assert.strictEqual(leader?.prefix, "b".repeat(8))
    assert.isAbove(leader?.ratio ?? 0, 4)
    assert.strictEqual(origins.leader("c".repeat(8))?.ratio, Number.POSITIVE_INFINITY)
    assert.strictEqual(origins.leader(undefined)?.ratio, Number.POSITIVE_INFINITY)
  })

  it("forget jobs of long ago, however many there were", () => {
    const origins = new Origins()
    for (let i = 0; i < 100_000; i++) origins.count(idFrom("a"))
    for (let i = 0; i < 1000; i++) origins.count(idFrom("b"))
    assert.strictEqual(origins.leader(undefined)?.prefix, "b".repeat(8))
    for (let i = 0; i < 20_000; i++) origins.count(idFrom("b"))
    assert.strictEqual(origins.leader("a".repeat(8))?.ratio, Number.POSITIVE_INFINITY)
  })
})

describe.concurrent("the source of jobs", () => {
  const sourceOf = (cycle: number | undefined, leaving: ReadonlyArray<string> = []) => {
    let changes = 0
    const source = new JobSource({
      cycle,
      cluster: {
        node: "a:1",
        changes: { notify: () => changes++ },
        topology: {
          nodes,
          members: nodes.map(({ address }) => address),
          byPrefix: (prefix) => nodes.find(({ id }) => id.startsWith(prefix))?.address,
          isToLeave: (address) => leaving.includes(address)
        }
      }
    })
    return { source, changes: () => changes }
  }

  it("is every node, unless `cycle` asks for one", () => {
    const { changes, source } = sourceOf(undefined)
    source.received(jobsFrom("b", 1000))
    assert.deepStrictEqual(source.nodes, ["a:1", "b:1", "c:1"])
    assert.isUndefined(source.node)
    assert.strictEqual(changes(), 0)
  })

  it("moves to the node that clearly more jobs come from, after a cycle", () => {
    const { changes, source } = sourceOf(100)
    assert.deepStrictEqual(source.nodes, ["a:1"])
    source.received(jobsFrom("b", 99))
    assert.deepStrictEqual(source.nodes, ["a:1"])
    source.received(jobsFrom("b", 1))
    assert.deepStrictEqual([source.node, ...source.nodes], ["b:1", "b:1"])
    assert.strictEqual(changes(), 1)
    // About as many jobs come from each of two nodes: a move would not help.
    source.received(jobsFrom("a", 100))
    assert.strictEqual(source.node, "b:1")
    assert.strictEqual(changes(), 1)
  })

  it("is the node in use again when the node that was chosen fails", () => {
    const { changes, source } = sourceOf(10)
    source.received(jobsFrom("b", 10))
    source.nodeFailed("c:1")
    assert.strictEqual(source.node, "b:1")
    source.nodeFailed("b:1")
    assert.isUndefined(source.node)
    assert.deepStrictEqual(source.nodes, ["a:1"])
    assert.strictEqual(changes(), 2)
  })

  it("is no node that is leaving", () => {
    const { source } = sourceOf(10, ["b:1"])
    source.received(jobsFrom("b", 10))
    assert.isUndefined(source.node)
  })
})
