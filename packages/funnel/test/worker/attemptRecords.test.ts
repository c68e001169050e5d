import { type Job, JobId } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { AttemptRecords } from "../../src/worker/attemptRecords.js"
import { writeLetter } from "../../src/worker/letter.js"

const id = JobId.make("D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1")
const noon = Date.UTC(2026, 0, 1, 12)

const jobWith = (counts: { readonly nacks?: number; readonly additionalDeliveries?: number }): Job.Job => ({
  queue: "emails",
  id,
  body: new Uint8Array(),
  node: "node:7711",
  nacks: 0,
  additionalDeliveries: 0,
  ...counts
})

const letterWith = (counts: { readonly attempts: number; readonly crashes: number }) =>
  writeLetter({
    ...counts,
    job: jobWith({}),
    earlier: undefined,
    firstAt: noon,
    now: noon,
    error: "no route",
    facts: undefined
  })

const failure = { firstAt: noon, error: "no", isOver: false, progress: undefined }

describe.concurrent("the history of a job", () => {
  it("is what its node counts, if nothing else is known", () => {
    const history = new AttemptRecords().historyOf(jobWith({ nacks: 2, additionalDeliveries: 3 }), undefined)
    assert.deepStrictEqual(history, { attempts: 2, crashes: 3, firstAt: undefined, error: undefined, isOver: false })
  })

  it("adds what its letter counts", () => {
    const letter = letterWith({ attempts: 4, crashes: 1 })
    const history = new AttemptRecords().historyOf(jobWith({ nacks: 1, additionalDeliveries: 2 }), letter)
    assert.deepStrictEqual(history, { attempts: 5, crashes: 3, firstAt: noon, error: "no route", isOver: false })
  })

  it("has the failures that only this worker knows", () => {
    const records = new AttemptRecords()
    records.failed(id, { ...failure, attempts: 3 })
    assert.strictEqual(records.historyOf(jobWith({ nacks: 1 }), undefined).attempts, 3)
    assert.isTrue(records.hasFailed(id))
  })

  it("takes no return of this worker for a crash, whether the job fails before or after", () => {
    const records = new AttemptRecords()
    records.returned(id)
    records.failed(id, { ...failure, attempts: 1 })
    records.returned(id)
    const { attempts, crashes } = records.historyOf(jobWith({ additionalDeliveries: 3 }), undefined)
    assert.deepStrictEqual([attempts, crashes], [1, 1])
  })

  it("is forgotten with the job", () => {
    const records = new AttemptRecords()
    records.failed(id, { ...failure, attempts: 3, isOver: true })
    assert.isTrue(records.historyOf(jobWith({}), undefined).isOver)
    records.forget(id)
    assert.deepStrictEqual([records.hasFailed(id), records.historyOf(jobWith({}), undefined).isOver], [false, false])
  })
})

describe.concurrent("the records of attempts", () => {
  it("forget the job that changed longest ago, when there are too many", () => {
    const records = new AttemptRecords(2)
    records.failed("first", { ...failure, attempts: 1 })
    records.failed("second", { ...failure, attempts: 1 })
    records.returned("first")
    records.failed("third", { ...failure, attempts: 1 })
    assert.deepStrictEqual(
      ["first", "second", "third"].map((id) => records.hasFailed(id)),
      [true, false, true]
    )
  })
})
