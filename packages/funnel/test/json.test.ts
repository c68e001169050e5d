import { DisquePool, JobQueue } from "@disco/core"
import { toJson } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Chunk, Data, Effect, Either, Exit, Fiber, Option, Queue, Redacted, Schema, Stream } from "effect"
import { DeadLetter, Funnel, Worker } from "../src/index.js"
import { layer } from "./utils/nodes.js"
import { pass, settle } from "./utils/time.js"

/** Payloads of which JSON knows nothing. */
const big = JobQueue.make("big", {
  payload: Schema.Struct({
    n: Schema.BigInt,
    by: Schema.Map({ key: Schema.String, value: Schema.BigInt }),
    of: Schema.Set(Schema.Number),
    bytes: Schema.Uint8ArrayFromBase64
  }),
  options: { retry: "1 minute" }
})
const payload = { n: 2n ** 63n, by: new Map([["a", 1n]]), of: new Set([1, 2]), bytes: Uint8Array.of(255, 0) }
const told = { n: "9223372036854775808", by: { a: "1" }, of: [1, 2], bytes: { base64: "/wA=" } }

const tell = (value: unknown) => JSON.parse(JSON.stringify(value))

class Refused extends Data.TaggedError("Refused")<{ readonly amount: bigint; readonly self?: unknown }> {
  override get message() {
    return `refused: ${this.amount}`
  }
}

const inFunnel = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(Effect.scoped(effect), layer)

describe.concurrent("JSON takes", () => {
  it.effect("jobs of a queue with a type, however they come", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* big.add(pool, payload)
      const [peeked] = tell(yield* big.peek(pool))
      assert.deepStrictEqual([peeked._tag, peeked.right.payload], ["Right", told])
      const job = yield* big.get(pool)
      assert.deepStrictEqual(tell(job).payload, told)
      assert.strictEqual(tell(job).id, job.id)
      yield* pool.nackJob(job)
      yield* pool.addJob("big", "nonsense")
      const [good, bad] = tell(yield* big.getMany(pool, { count: 2 }))
      assert.deepStrictEqual(good.right.payload, told)
      assert.deepStrictEqual([bad._tag, bad.left._tag, bad.left.queue], ["Left", "InvalidPayload", "big"])
      assert.deepStrictEqual(tell(big).name, "big")
    }).pipe(inFunnel)
  )

  it.effect("jobs in the hands of a consumer, and funnels", () =>
    Effect.gen(function* () {
      const typed = yield* Funnel.forQueue(big, { acknowledge: "manual" })
      yield* typed.send({ payload })
      const [job] = Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(typed.incoming, 1)))
      const { id, node, ...rest } = tell(job)
      assert.deepStrictEqual([id, node], [job?.id, job?.node])
      assert.deepStrictEqual(rest.payload, told)
      assert.hasAllKeys(rest, ["queue", "body", "nacks", "additionalDeliveries", "payload"])
      const plain = yield* Funnel.make({ queues: { "with text": 2, other: 1 } })
      yield* Queue.offer(plain.outgoing, { queue: "with text", body: "text" })
      yield* settle
      assert.strictEqual(tell(Option.getOrThrow(yield* Stream.runHead(plain.incoming))).body, "text")
      assert.deepStrictEqual(tell(plain), { _id: "Funnel", queues: ["with text", "other"] })
      assert.deepStrictEqual(tell(typed), { _id: "Funnel", queues: ["big"] })
    }).pipe(inFunnel)
  )

  it.effect("jobs that could not be added, with why", () =>
    Effect.gen(function* () {
      const funnel = yield* Funnel.forQueue(big)
      const undelivered = yield* Effect.fork(Stream.runHead(funnel.undelivered))
      yield* settle
      yield* Queue.offer(funnel.outgoing, { payload, options: { replicate: 70_000 } })
      yield* settle
      const given = tell(Option.getOrThrow(yield* Fiber.join(undelivered)))
      assert.deepStrictEqual(given.job.payload, told)
      assert.strictEqual(given.error._tag, "InvalidArgument")
    }).pipe(inFunnel)
  )

  it.effect("what a worker tells of failures, and the letters, and the worker", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const seen: Array<unknown> = []
      const note = (value: unknown) => Effect.sync(() => void seen.push(tell(value)))
      yield* big.add(pool, payload)
      const worker = yield* Worker.make(
        big,
        (_, current) =>
          Effect.gen(function* () {
            yield* note(current)
            yield* note(yield* Worker.CurrentJob)
            const refused = new Refused({ amount: 3n })
            return yield* new Refused({ amount: 2n, self: { refused, circular: Object.assign(refused, { refused }) } })
          }),
        { attempts: 1, onFailure: note, onDeadLetter: note }
      )
      yield* settle
      yield* pass("1 second")
      const [handed, current, failure, letter] = seen as ReadonlyArray<ReturnType<typeof tell>>
      for (const given of [handed, current]) assert.deepStrictEqual([given.attempt, given.job.queue], [1, "big"])
      assert.deepStrictEqual(failure.payload, told)
      assert.deepStrictEqual(
        [failure.attempt, failure.error._tag, failure.error.amount, failure.job.queue],
        [1, "Refused", "2", "big"]
      )
      assert.deepStrictEqual([letter.reason, letter.error], ["failed", "refused: 2"])
      assert.strictEqual(tell(yield* DeadLetter.list("big"))[0].letter.reason, "failed")
      assert.deepStrictEqual(tell(yield* DeadLetter.list(big))[0].payload.right, told)
      assert.deepStrictEqual(tell(worker), { _id: "Worker", queue: "big" })
    }).pipe(inFunnel)
  )

  it.effect("the jobs of a batch", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* big.add(pool, payload)
      let batch: ReturnType<typeof tell>
      const worker = yield* Worker.makeBatch(
        big,
        (jobs) => {
          batch = tell(jobs)
          return Effect.succeed(jobs.map(() => Either.void))
        },
        { size: 2, within: 0 }
      )
      yield* settle
      assert.deepStrictEqual([batch[0].payload, batch[0].attempt, batch[0].job.queue], [told, 1, "big"])
      assert.strictEqual(tell(worker).queue, "big")
    }).pipe(inFunnel)
  )

  it("errors, with all that a handler put into them", () => {
    const given = tell(Worker.giveUp(new Refused({ amount: 1n })))
    assert.deepStrictEqual([given._tag, given.message, given.error.amount], ["GiveUp", "refused: 1", "1"])
    assert.strictEqual(tell(Worker.giveUp(new Error("no"))).error.message, "no")
    assert.include(JSON.stringify(new Worker.HandlerDied({ cause: 1n })), "died: 1")
    const lost = new Funnel.LeaseLost({ queue: "q", jobId: "D-1", reason: "expired" })
    assert.strictEqual(tell(Exit.fail(lost)).cause.error.reason, "expired")
    assert.strictEqual(tell(Cause.die(new Funnel.FunnelClosed())).defect._tag, "FunnelClosed")
  })

  it("whatever `toJson` is given", () => {
    const circular: { self?: unknown; n: bigint } = { n: 1n }
    circular.self = circular
    const shared = { n: 1n }
    const throwing = new Proxy({}, { ownKeys: () => assert.fail("must not be looked at") })
    let deep: unknown = 1n
    for (let i = 0; i < 100_000; i++) deep = [deep]
    for (const [value, expected] of [
      [circular, { n: "1", self: "[circular]" }],
      [
        [shared, shared],
        [{ n: "1" }, { n: "1" }]
      ],
      [throwing, "[unreadable]"],
      [deep, "[unreadable]"],
      [new Map([[1n, Uint8Array.of(0x61)]]), { 1: "a" }],
      [new Map([[1, 1n]]), [[1, "1"]]],
      [Option.some({ n: 1n }), { _id: "Option", _tag: "Some", value: { n: "1" } }],
      [Redacted.make("secret"), "<redacted>"],
      [new Date(0), "1970-01-01T00:00:00.000Z"],
      [undefined, undefined],
      [null, null]
    ] as const) {
      assert.deepStrictEqual(toJson(value), expected)
    }
  })
})
