import { assert, describe, it } from "@effect/vitest"
import { compareJobs, Job, State } from "../../src/internal/node/job.js"
import { JobList } from "../../src/internal/node/jobList.js"
import { Random } from "../../src/internal/node/random.js"

const job = (createdAt: number, sequence = 0, id = `${createdAt}/${sequence}`): Job => {
  const made = new Job(id, State.active, [])
  made.createdAt = createdAt
  made.sequence = sequence
  return made
}

const ids = (jobs: ReadonlyArray<Job>): ReadonlyArray<string> => jobs.map((each) => each.id)

describe("JobList", () => {
  it("orders by creation time, then by sequence, then by id", () => {
    const list = new JobList()
    for (const each of [job(2), job(1, 1), job(1, 0, "b"), job(3), job(1, 0, "a")]) list.add(each)
    assert.deepStrictEqual(ids(list.peek(9, false)), ["a", "b", "1/1", "2/0", "3/0"])
    assert.deepStrictEqual(ids(list.peek(2, true)), ["3/0", "2/0"])
  })

  it("agrees with a sorted array over random additions, removals and takings", () => {
    const random = new Random(7)
    const list = new JobList()
    const model: Array<Job> = []
    let time = 0
    for (let i = 0; i < 12_000; i++) {
      const action = random.below(10)
      if (action < 6) {
        const added = random.below(3) === 0 ? job(random.below(time + 1), i) : job(time++, i)
        list.add(added)
        model.push(added)
        model.sort(compareJobs)
      } else if (action < 8) {
        const removed = model.splice(random.below(model.length || 1), 1)[0]
        if (removed !== undefined) list.remove(removed)
      } else {
        assert.strictEqual(list.shift(), model.shift())
      }
      if (i % 1000 === 0) assert.deepStrictEqual(list.peek(model.length, false), model)
    }
    assert.isAbove(model.length, 1024)
    assert.strictEqual(list.length, model.length)
    assert.deepStrictEqual(list.peek(model.length, true), model.toReversed())
  })

  it("does nothing about a job that it does not hold", () => {
    const list = new JobList()
    list.add(job(1))
    list.remove(job(1, 0, "other"))
    list.remove(job(5))
    assert.strictEqual(list.length, 1)
  })
})
