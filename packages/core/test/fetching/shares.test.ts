import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { NodeShares, Shares } from "../../src/fetching/shares.js"
import type { Job } from "../../src/index.js"

/** A node with so many jobs of each queue, that serves GETJOB as Disque does. */
class Node {
  readonly left: Record<string, number>
  asked: ReadonlyArray<string> = []
  private readonly shares: NodeShares

  constructor(shares: Shares, left: Record<string, number>) {
    this.shares = new NodeShares(shares)
    this.shares.join()
    this.left = left
  }

  /** The queues of the jobs that a GETJOB takes. */
  get(count: number): ReadonlyArray<string> {
    this.asked = this.shares.order(count)
    const taken: Array<string> = []
    for (let before = -1; before !== taken.length; ) {
      before = taken.length
      for (const queue of this.asked) {
        const left = this.left[queue] ?? 0
        if (taken.length === count || left === 0) continue
        this.left[queue] = left - 1
        taken.push(queue)
      }
    }
    this.shares.received(
      taken.map((queue) => ({ queue }) as Job.Job),
      count
    )
    return taken
  }
}

const many = 1_000_000
const alone = (names: ReadonlyArray<string>, left: Record<string, number>) => new Node(new Shares(names, 64), left)
const count = (taken: ReadonlyArray<string>, queue: string) => taken.filter((name) => name === queue).length
const tally = (taken: ReadonlyArray<string>) => {
  const counts = new Map<string, number>()
  for (const name of taken) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
const repeat = (times: number, take: () => ReadonlyArray<string>) => Array.from({ length: times }, take).flat()

const letters = ["a", "b", "c", "d"]
const weights = FastCheck.array(FastCheck.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 4 })
const counts = FastCheck.array(FastCheck.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 60 })

describe.concurrent("shares", () => {
  it.prop(
    "hold at every moment, whatever the weights and however many jobs are asked for",
    [weights, counts],
    ([weights, counts]) => {
      const names = weights.flatMap((weight, i) => Array.from({ length: weight }, () => letters[i] ?? ""))
      const node = alone(names, Object.fromEntries(letters.map((name) => [name, many])))
      const taken: Array<string> = []
      for (const most of counts) {
        taken.push(...node.get(most))
        for (const [i, weight] of weights.entries()) {
          const due = (taken.length * weight) / names.length
          assert.isAtMost(Math.abs(count(taken, letters[i] ?? "") - due), weights.length, `${letters[i]} of ${taken}`)
        }
      }
    }
  )

  it("of three to one give three to one with any room, and with little room too", () => {
    for (const most of [1, 2, 3, 4, 5, 64]) {
      const node = alone(["a", "a", "a", "b"], { a: many, b: many })
      const taken = repeat(Math.ceil(400 / most), () => node.get(most)).slice(0, 400)
      assert.isAtMost(Math.abs(count(taken, "a") - 300), 1, `${most} at a time`)
    }
  })

  it("name every queue, and no more names than a round has if the queues are even", () => {
    for (const most of [1, 2, 4, 7, 64]) {
      const node = alone(["a", "a", "a", "b"], { a: many, b: many })
      for (let i = 0; i < 20; i++) {
        node.get(most)
        assert.includeMembers([...node.asked], ["a", "b"])
        assert.isAtMost(node.asked.length, 4)
      }
    }
  })

  it("ask first for a queue that was empty, so that its first job is taken at once", () => {
    for (const most of [1, 2, 64]) {
      const node = alone(["a", "b"], { a: many, b: 0 })
      for (let i = 0; i < 10; i++) {
        repeat(100, () => node.get(most))
        node.left.b = 1
        assert.strictEqual(node.get(most)[0], "b")
      }
    }
  })

  it("serve within two fetches a queue that has one job again as soon as its last one was taken", () => {
    const node = alone(["a", "b"], { a: many, b: 0 })
    for (let i = 0; i < 50; i++) {
      node.left.b = 1
      assert.include(
        repeat(2, () => node.get(1)),
        "b"
      )
    }
  })

  it("leave no claim to a queue that was empty, nor a debt to one that was alone", () => {
    const late = alone(["a", "b"], { a: many, b: 3 })
    repeat(1000, () => late.get(64))
    late.left.b = many
    assert.isAtMost(count(late.get(20), "b"), 11)
    assert.isAtMost(
      Math.abs(
        count(
          repeat(50, () => late.get(1)),
          "b"
        ) - 25
      ),
      1
    )

    const gone = alone(["a", "b"], { a: 0, b: many })
    repeat(1000, () => gone.get(64))
    gone.left.a = many
    assert.isAtMost(
      Math.abs(
        count(
          repeat(20, () => gone.get(1)),
          "b"
        ) - 10
      ),
      1
    )
  })

  it("leave no claim and no debt over several nodes either, one of which has no more jobs", () => {
    const late = new Shares(["a", "b"], 64)
    const [idle, busy] = [new Node(late, { b: 1 }), new Node(late, { a: many })]
    assert.deepStrictEqual([idle.get(1), idle.get(1)], [["b"], []])
    repeat(100, () => busy.get(64))
    busy.left.b = many
    assert.isAtMost(count(busy.get(20), "b"), 11)

    const gone = new Shares(["a", "b"], 64)
    const [first, second] = [new Node(gone, { a: many }), new Node(gone, { b: 64 })]
    first.get(1)
    second.get(64)
    assert.deepStrictEqual(second.get(1), [])
    repeat(3, () => first.get(1))
    first.left.b = many
    assert.isAtLeast(
      count(
        repeat(20, () => first.get(1)),
        "b"
      ),
      9
    )
  })

  it("give all jobs that there are, and give the others the share that a queue does not use", () => {
    const node = alone(["a", "a", "a", "b", "c"], { a: 2, b: 5, c: 100 })
    const taken = node.get(20)
    assert.deepStrictEqual([count(taken, "a"), count(taken, "b"), count(taken, "c")], [2, 5, 13])
    assert.strictEqual(node.get(100).length, 87)
    assert.deepStrictEqual(node.get(5), [])
  })

  it("hold over nodes: a node without jobs of a queue does not cost the queue its share on the nodes that have some", () => {
    for (const most of [1, 2, 10, 64]) {
      const shares = new Shares(["a", "a", "a", "b"], 64)
      const [first, second] = [new Node(shares, { a: many }), new Node(shares, { a: many, b: many })]
      const taken = repeat(100, () => [...first.get(most), ...second.get(most)])
      assert.isAtMost(Math.abs(count(taken, "b") - taken.length / 4), most, `${most} at a time`)
    }
  })

  it("make up over nodes for no more than those fetch in a round", () => {
    const shares = new Shares(["a", "b"], 10)
    const first = new Node(shares, { a: many })
    const second = new Node(shares, { a: many, b: many })
    repeat(500, () => [...repeat(9, () => first.get(10)), ...second.get(10)])
    first.left.b = many
    const taken = repeat(100, () => [...first.get(1), ...second.get(1)])
    assert.isAtMost(count(taken, "b"), 100 + 10 + 1)
  })

  it("forget what a node had once its loop has ended, or failed", () => {
    const shares = new Shares(["a", "b"], 64)
    const other = new NodeShares(shares)
    other.join()
    other.order(1)
    other.received([{ queue: "b" } as Job.Job], 1)
    const node = new Node(shares, { a: many })
    other.leave()
    repeat(100, () => node.get(1))
    node.left.b = many
    assert.isAtMost(
      Math.abs(
        count(
          repeat(20, () => node.get(1)),
          "b"
        ) - 10
      ),
      1
    )
  })

  it("bear replies that name queues that nobody asked for", () => {
    const shares = new NodeShares(new Shares(["a", "b"], 64))
    shares.join()
    shares.order(2)
    shares.received([{ queue: "x" } as Job.Job, { queue: "b" } as Job.Job], 2)
    assert.sameMembers([...shares.order(2)], ["a", "b"])
  })

  it("of many names stay a short list, with every queue in it", () => {
    const names = Array.from({ length: 1000 }, (_, i) => `q${i % 300}`)
    const node = alone(names, Object.fromEntries(names.map((name) => [name, many])))
    node.get(5000)
    assert.strictEqual(new Set(node.asked).size, 300)
    assert.isAtMost(node.asked.length, 600)
  })

  it("of 10,000 queues are kept as those of few, in little time", () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `q${i}`)
    const node = alone(names, Object.fromEntries(names.map((name) => [name, many])))
    const begun = performance.now()
    const taken = repeat(20, () => node.get(500))
    assert.isBelow(performance.now() - begun, 5000)
    const counts = tally(taken)
    for (const name of names) assert.strictEqual(counts.get(name), 1)
    const sparse = alone(names, { q3: 5, q7000: 1000 })
    assert.deepStrictEqual(
      [...tally(sparse.get(100))],
      [
        ["q3", 5],
        ["q7000", 95]
      ]
    )
    assert.deepStrictEqual([...tally(sparse.get(100))], [["q7000", 100]])
  })
})
