/** Random commands and steps of the clock, given to a node and to a small reference model of what it has to answer. */
import type { DisqueLink } from "@disco/core"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as TestClock from "effect/TestClock"
import { fields, say } from "./ask.js"

const queues = ["a", "b"] as const

/** The job that a command is about: the one that was added as that, counted round. */
type Which = number

export type Step =
  | {
      readonly does: "add"
      readonly queue: string
      readonly retry: number
      readonly delay: number
      readonly ttl: number
      readonly maxlen: number
      readonly isAsync: boolean
    }
  | { readonly does: "get"; readonly from: ReadonlyArray<string>; readonly count: number }
  | {
      readonly does: "ACKJOB" | "FASTACK" | "DELJOB" | "NACK" | "ENQUEUE" | "DEQUEUE"
      readonly which: ReadonlyArray<Which>
    }
  | { readonly does: "WORKING"; readonly which: Which }
  | { readonly does: "PAUSE"; readonly queue: string; readonly state: string }
  | { readonly does: "QPEEK"; readonly queue: string; readonly count: number }
  | { readonly does: "wait"; readonly seconds: number }

const { constantFrom, integer, array, record, constant } = FastCheck
const queue = constantFrom(...queues)
const which = integer({ min: 0, max: 20 })

// The retry time has an error of a quarter of a second, and the clock stands at whole tens of seconds whenever somebody
// looks: with these times nothing is due then.
export const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  {
    weight: 5,
    arbitrary: record({
      does: constant("add" as const),
      queue,
      retry: constantFrom(0, 13, 13, 113),
      delay: constantFrom(0, 0, 0, 5, 25),
      ttl: constantFrom(97, 207, 86_407),
      maxlen: constantFrom(0, 0, 0, 2),
      isAsync: FastCheck.boolean()
    })
  },
  {
    weight: 5,
    arbitrary: record({
      does: constant("get" as const),
      from: array(queue, { minLength: 1, maxLength: 3 }),
      count: integer({ min: 1, max: 4 })
    })
  },
  {
    weight: 5,
    arbitrary: record({
      does: constantFrom(
        "ACKJOB" as const,
        "FASTACK" as const,
        "DELJOB" as const,
        "NACK" as const,
        "ENQUEUE" as const,
        "DEQUEUE" as const
      ),
      which: array(which, { minLength: 1, maxLength: 3 })
    })
  },
  { weight: 1, arbitrary: record({ does: constant("WORKING" as const), which }) },
  {
    weight: 1,
    arbitrary: record({
      does: constant("PAUSE" as const),
      queue,
      state: constantFrom("none", "out")
    })
  },
  { weight: 1, arbitrary: record({ does: constant("QPEEK" as const), queue, count: integer({ min: -4, max: 4 }) }) },
  { weight: 3, arbitrary: record({ does: constant("wait" as const), seconds: constantFrom(10, 20, 50, 100) }) }
)

/** What is in the file about a job, and changes. */
interface Progress {
  state: "active" | "queued"
  wasQueued: boolean
  delivered: boolean
  nacks: number
  deliveries: number
}

interface Job extends Progress {
  readonly id: string
  readonly queue: string
  readonly body: string
  readonly createdAt: number
  readonly retry: number
  readonly delay: number
  readonly ttl: number
  /** In seconds; undefined for never. */
  requeueAt: number | undefined
  recorded: Progress
}

const progress = ({ deliveries, delivered, nacks, state, wasQueued }: Progress): Progress => ({
  deliveries,
  delivered,
  nacks,
  state,
  wasQueued
})

/** What a node has to know and to answer. Jobs are kept in the order of their creation, which is that of queues. */
export class Model {
  now = 0
  private readonly jobs: Array<Job> = []
  private readonly paused = new Set<string>()

  find(id: string): Job | undefined {
    return this.jobs.find((job) => job.id === id)
  }

  queued(name: string): ReadonlyArray<Job> {
    return this.jobs.filter((job) => job.queue === name && job.state === "queued")
  }

  pause(name: string, state: string): string {
    if (state === "out") this.paused.add(name)
    else this.paused.delete(name)
    return state
  }

  /** Why a job cannot be added; undefined if it can. */
  refusal({ queue, maxlen }: Extract<Step, { readonly does: "add" }>): string | undefined {
    return maxlen > 0 && this.queued(queue).length >= maxlen
      ? "Error: MAXLEN Queue is already longer than the specified MAXLEN count"
      : undefined
  }

  add(id: string, body: string, { queue, retry, delay, ttl }: Extract<Step, { readonly does: "add" }>): void {
    const start: Progress = { state: "active", wasQueued: false, delivered: false, nacks: 0, deliveries: 0 }
    const requeueAt = this.now + (delay > 0 ? delay : retry)
    const job: Job = { ...start, id, queue, body, createdAt: this.now, retry, delay, ttl, requeueAt, recorded: start }
    this.jobs.push(job)
    if (delay === 0) this.enqueue(job, "deliveries")
    job.recorded = progress(job)
  }

  enqueue(job: Job, because: "nacks" | "deliveries"): boolean {
    if (job.state === "queued" || job.requeueAt === undefined || (job.retry === 0 && job.delivered)) return false
    job.state = "queued"
    job.requeueAt = job.retry === 0 ? undefined : this.now + job.retry
    if (job.wasQueued || because === "nacks") job[because]++
    else job.wasQueued = true
    return true
  }

  get(from: ReadonlyArray<string>, count: number): ReadonlyArray<Job> {
    const taken: Array<Job> = []
    for (let before = -1; before !== taken.length; ) {
      before = taken.length
      for (const name of from) {
        const job = this.paused.has(name) ? undefined : this.queued(name)[0]
        if (job === undefined || taken.length === count) continue
        job.state = "active"
        job.delivered = true
        taken.push(job)
      }
    }
    return taken
  }

  working(job: Job): number | string {
    if (this.now - job.createdAt > job.ttl / 2) {
      return "Error: TOOLATE Half of job TTL already elapsed, you are no longer allowed to postpone the next delivery."
    }
    job.state = "active"
    if (job.retry > 0) job.requeueAt = this.now + job.retry
    return job.retry
  }

  remove(job: Job): void {
    this.jobs.splice(this.jobs.indexOf(job), 1)
  }

  private dueAt(job: Job): number {
    const end = job.createdAt + job.ttl
    return Math.min(end, job.state === "active" ? (job.requeueAt ?? end) : end)
  }

  wait(seconds: number): void {
    const until = this.now + seconds
    while (true) {
      const next = this.jobs.reduce((at, job) => Math.min(at, this.dueAt(job)), Number.POSITIVE_INFINITY)
      if (next > until) break
      this.now = next
      for (const job of this.jobs.filter((each) => this.dueAt(each) === next)) {
        if (next === job.createdAt + job.ttl) this.remove(job)
        else this.enqueue(job, "deliveries")
      }
    }
    this.now = until
  }

  /** The file is written anew. */
  rewrite(): void {
    for (const job of this.jobs) job.recorded = progress(job)
  }

  /** The node starts again on its file, after some seconds. */
  restart(seconds: number, enqueueOnce: boolean): void {
    this.now += seconds
    this.paused.clear()
    for (const job of [...this.jobs]) {
      if (this.now >= job.createdAt + job.ttl) {
        this.remove(job)
        continue
      }
      Object.assign(job, job.recorded, { state: "active" })
      job.requeueAt = job.retry === 0 ? undefined : this.now + job.retry + job.delay
      if (job.recorded.state === "queued" && enqueueOnce) this.enqueue(job, "deliveries")
    }
  }
}

const shown = (job: Job) => [job.queue, job.id, job.body]

/**
 * Starts the retry time of a job anew that left its queue: it started when the job was queued, and has the errors of all
 * the rounds since. Where it is too late for that, the job goes.
 */
const startAnew = Effect.fnUntraced(function* (link: DisqueLink, model: Model, job: Job) {
  const expected = model.working(job)
  assert.deepStrictEqual(yield* say(link, "WORKING", job.id), expected)
  if (typeof expected === "number") return
  model.remove(job)
  assert.strictEqual(yield* say(link, "ACKJOB", job.id), 1)
})

/** Makes one step on both, and compares what they answer. */
export const runStep = Effect.fnUntraced(function* (link: DisqueLink, model: Model, ids: Array<string>, step: Step) {
  const idOf = (which: Which) => ids[which % ids.length]
  switch (step.does) {
    case "add": {
      const body = `${ids.length}`
      const refusal = model.refusal(step)
      const options = ["RETRY", `${step.retry}`, "DELAY", `${step.delay}`, "TTL", `${step.ttl}`]
      if (step.maxlen > 0) options.push("MAXLEN", `${step.maxlen}`)
      if (step.isAsync) options.push("REPLICATE", "1", "ASYNC")
      const reply = String(yield* say(link, "ADDJOB", step.queue, body, "0", ...options))
      if (refusal !== undefined) return assert.strictEqual(reply, refusal)
      assert.match(reply, /^D-/)
      ids.push(reply)
      return model.add(reply, body, step)
    }
    case "get": {
      const jobs = model.get(step.from, step.count)
      const reply = yield* say(link, "GETJOB", "NOHANG", "COUNT", `${step.count}`, "FROM", ...step.from)
      assert.deepStrictEqual(reply, jobs.length === 0 ? null : jobs.map(shown))
      for (const job of jobs) yield* startAnew(link, model, job)
      return
    }
    case "WORKING": {
      const id = idOf(step.which)
      if (id === undefined) return
      const job = model.find(id)
      const expected =
        job === undefined ? "Error: NOJOB Job not known in the context of this node." : model.working(job)
      return assert.deepStrictEqual(yield* say(link, "WORKING", id), expected)
    }
    case "PAUSE":
      return assert.strictEqual(yield* say(link, "PAUSE", step.queue, step.state), model.pause(step.queue, step.state))
    case "QPEEK": {
      const jobs = model.queued(step.queue)
      const peeked = step.count < 0 ? jobs.toReversed().slice(0, -step.count) : jobs.slice(0, step.count)
      return assert.deepStrictEqual(yield* say(link, "QPEEK", step.queue, `${step.count}`), peeked.map(shown))
    }
    case "wait":
      yield* TestClock.adjust(step.seconds * 1000)
      return model.wait(step.seconds)
    default: {
      const about = step.which.flatMap((which) => idOf(which) ?? [])
      let changed = 0
      const dequeued: Array<Job> = []
      for (const id of about) {
        const job = model.find(id)
        if (job === undefined) continue
        if (step.does === "DEQUEUE") {
          if (job.state !== "queued") continue
          job.state = "active"
          dequeued.push(job)
        } else if (step.does === "NACK" || step.does === "ENQUEUE") {
          if (job.state !== "active" || !model.enqueue(job, step.does === "NACK" ? "nacks" : "deliveries")) continue
        } else {
          model.remove(job)
        }
        changed++
      }
      assert.strictEqual(yield* say(link, step.does, ...about), changed)
      for (const job of dequeued) yield* startAnew(link, model, job)
    }
  }
})

/** Compares all that can be seen. */
export const compare = Effect.fnUntraced(function* (link: DisqueLink, model: Model, ids: ReadonlyArray<string>) {
  for (const name of queues) assert.strictEqual(yield* say(link, "QLEN", name), model.queued(name).length)
  for (const id of ids) {
    const job = model.find(id)
    if (job === undefined) {
      assert.isNull(yield* say(link, "SHOW", id))
      continue
    }
    const { state, queue, nacks, "additional-deliveries": deliveries } = yield* fields(link, "SHOW", id)
    assert.deepStrictEqual(
      { state, queue, nacks, deliveries },
      { state: job.state, queue: job.queue, nacks: job.nacks, deliveries: job.deliveries }
    )
  }
})
