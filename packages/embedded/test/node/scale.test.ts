/** What many jobs cost. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { type Answer, EmbeddedDisque, type EmbeddedNode } from "../../src/index.js"
import { compareJobs, Job, State } from "../../src/internal/node/job.js"
import { JobList } from "../../src/internal/node/jobList.js"
import { Random } from "../../src/internal/node/random.js"
import { type Timed, TimerHeap } from "../../src/internal/node/timers.js"

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

const heapUsed = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const session = (node: EmbeddedNode, onAnswer: (answer: Answer) => void = () => {}) => {
  const client = node.connect({ onAnswer, onEnd: () => {} }, { isAuthenticated: true })
  if (client === undefined) throw new Error("The node is down.")
  return client
}

describe("100,000 delayed jobs", () => {
  it.scoped("wait on one sleep, take less than a kilobyte each, and come when they are due", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque.make()
      const answers: Array<Answer> = []
      const client = session(nodes[0], (answer) => answers.push(answer))
      const count = 100_000
      const before = heapUsed()
      const adder = session(nodes[0])
      for (let i = 0; i < count; i++) {
        adder.send(["ADDJOB", "q", `the body of job ${i}`, "0", "DELAY", String(1000 + ((i * 7919) % count))])
      }
      assert.isBelow((heapUsed() - before) / count, 1000)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* TestClock.sleeps()), [1_000_000])
      yield* TestClock.adjust("1010 seconds")
      client.send(["QLEN", "q"])
      // One is due with every second, the first at 1000 s.
      assert.deepStrictEqual(answers, [11])
    })
  )
})

/** Something with a place in a heap, which counts how often it is moved. */
class Counted implements Timed {
  static moves = 0
  private index = -1
  get timerIndex(): number {
    return this.index
  }
  set timerIndex(index: number) {
    Counted.moves++
    this.index = index
  }
}

describe("the work for one more", () => {
  it("grows with the logarithm of the timers there are", () => {
    const random = new Random(5)
    const heap = new TimerHeap<Counted>()
    const items = Array.from({ length: 100_000 }, () => new Counted())
    Counted.moves = 0
    for (const item of items) heap.set(item, random.below(1_000_000))
    for (const item of items) heap.set(item, random.below(1_000_000))
    while (heap.take(1_000_000) !== undefined) {}
    // 300,000 operations, of at most 17 levels each.
    assert.isBelow(Counted.moves, 300_000 * 18)
    assert.strictEqual(heap.size, 0)
  })

  it("grows with the logarithm of the jobs that are queued", () => {
    const random = new Random(6)
    const list = new JobList()
    const jobs = Array.from({ length: 30_000 }, (_, i) => {
      const job = new Job(`${i}`, State.queued, [])
      // Looked at by every comparison.
      let createdAt = random.below(1_000_000)
      Object.defineProperty(job, "createdAt", {
        get: () => {
          looks++
          return createdAt
        },
        set: (value: number) => {
          createdAt = value
        }
      })
      return job
    })
    let looks = 0
    for (const job of jobs) list.add(job)
    for (const job of jobs.slice(0, 15_000)) list.remove(job)
    // A comparison looks at both; 15 of them halve 30,000 jobs, and a few more are made at the edges of blocks.
    assert.isBelow(looks, 45_000 * 2 * 30)
    let last = list.shift()
    for (let next = list.shift(); last !== undefined && next !== undefined; next = list.shift()) {
      assert.isBelow(compareJobs(last, next), 0)
      last = next
    }
    assert.strictEqual(list.length, 0)
  })
})
