import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { type Ask, RankedPoll } from "../../src/fetching/ranks.js"
import type { Job } from "../../src/index.js"

/** Serves GETJOB as Disque does: one job of each name in turn, and again. */
const serve = (left: Map<string, number>, { count, queues }: Ask): ReadonlyArray<string> => {
  const taken: Array<string> = []
  for (let before = -1; before !== taken.length; ) {
    before = taken.length
    for (const queue of queues) {
      const there = left.get(queue) ?? 0
      if (taken.length === count || there === 0) continue
      left.set(queue, there - 1)
      taken.push(queue)
    }
  }
  return taken
}

/** The queues of the jobs that a poll takes, and what it asked for. */
const poll = (names: ReadonlyArray<string>, left: Map<string, number>, count: number) => {
  const ranks = new RankedPoll(names, count)
  const asks: Array<Ask> = []
  const taken: Array<string> = []
  for (let ask = ranks.next(); ask !== undefined; ask = ranks.next()) {
    asks.push(ask)
    const jobs = serve(left, ask)
    taken.push(...jobs)
    ranks.received(jobs.map((queue) => ({ queue }) as Job.Job))
  }
  return { asks, taken }
}

const namesOf = (count: number) => Array.from({ length: count }, (_, i) => `q${i}`)

describe.concurrent("a poll of ranked queues", () => {
  it.prop(
    "takes what is first in rank, as much as there is room for, whatever there is",
    [
      FastCheck.array(FastCheck.oneof(FastCheck.constant(0), FastCheck.integer({ min: 0, max: 20 })), {
        minLength: 1,
        maxLength: 700
      }),
      FastCheck.integer({ min: 1, max: 300 })
    ],
    ([stock, count]) => {
      const names = namesOf(stock.length)
      const all = names.flatMap((name, i) => Array<string>(stock[i] ?? 0).fill(name))
      const { asks, taken } = poll(names, new Map(names.map((name, i) => [name, stock[i] ?? 0])), count)
      assert.deepStrictEqual(taken, all.slice(0, count))
      for (const ask of asks) assert.isAtMost(ask.queues.length, 16_384)
    }
  )

  it("is one GETJOB if the queues are few, and as many as there are sizes if 10,000 queues are empty", () => {
    const few = new Map([
      ["a", 2],
      ["b", 0],
      ["c", 30]
    ])
    const { asks, taken } = poll(["a", "b", "c"], few, 16)
    assert.strictEqual(asks.length, 1)
    assert.deepStrictEqual(taken, ["a", "a", ...Array<string>(14).fill("c")])
    assert.strictEqual(poll(namesOf(10_000), new Map(), 16).asks.length, 3)
  })

  it("asks two GETJOBs more for each queue that has some far from the others, of 10,000", () => {
    const left = new Map([
      ["q7", 3],
      ["q5000", 2],
      ["q9999", 4]
    ])
    const { asks, taken } = poll(namesOf(10_000), left, 16)
    assert.deepStrictEqual(taken, [
      ...Array<string>(3).fill("q7"),
      ...Array<string>(2).fill("q5000"),
      ...Array<string>(4).fill("q9999")
    ])
    assert.isAtMost(asks.length, 9)
  })

  it("asks once if there is room for one job and the first queues have one", () => {
    assert.strictEqual(poll(namesOf(10_000), new Map([["q200", 1]]), 1).asks.length, 1)
  })

  it("ends if a reply names a queue that was not asked for", () => {
    const ranks = new RankedPoll(namesOf(1000), 4)
    let asks = 0
    while (ranks.next() !== undefined && asks < 100) {
      asks += 1
      ranks.received([{ queue: "x" } as Job.Job])
    }
    assert.isAtMost(asks, 4)
  })
})
