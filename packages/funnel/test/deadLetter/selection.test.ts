import { DisquePool, JobQueue } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Either, Exit, Option, ParseResult, Schema } from "effect"
import { DeadLetter } from "../../src/index.js"
import { numbers } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { adding, idOf, inQueue, length, letter, put, putMany, range, shown } from "./utils.js"

describe.concurrent("letters", () => {
  it.effect("are chosen by their ids or by those of the jobs that were given up", () =>
    Effect.gen(function* () {
      const ids = yield* putMany(6)
      const strange = idOf(99)
      const listed = yield* DeadLetter.list("numbers", { ids: [ids[4] ?? "", idOf(1), strange] })
      assert.deepStrictEqual(
        listed.map(({ id, letter }) => [id, letter.body]),
        [
          [ids[1], '{"n":1}'],
          [ids[4], '{"n":4}']
        ]
      )
      assert.strictEqual(yield* DeadLetter.redrive("numbers", { ids: idOf(2) }), 1)
      assert.strictEqual(yield* DeadLetter.redrive(numbers, { ids: [ids[3] ?? "", strange, idOf(2)] }), 1)
      assert.deepStrictEqual(yield* inQueue(), [2, 3])
      assert.strictEqual(yield* DeadLetter.purge("numbers", { ids: [ids[0] ?? "", idOf(1)] }), 2)
      assert.deepStrictEqual(yield* inQueue("numbers.dead"), [4, 5])
      assert.strictEqual(yield* DeadLetter.redrive("numbers", { ids: [] }), 0)
      assert.strictEqual(yield* DeadLetter.purge("numbers", { ids: strange }), 0)
      assert.deepStrictEqual(yield* inQueue("numbers.dead"), [4, 5])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are chosen by what is in them", () =>
    Effect.gen(function* () {
      yield* put(range(9).map((n) => letter(n, { reason: n % 3 === 0 ? "crashed" : "failed" })))
      const hasCrashed = ({ letter }: DeadLetter.Entry) => letter.reason === "crashed"
      const listed = yield* DeadLetter.list("numbers", { where: hasCrashed, limit: 2 })
      assert.deepStrictEqual(
        listed.map(({ letter }) => letter.body),
        ['{"n":0}', '{"n":3}']
      )
      assert.strictEqual(yield* DeadLetter.redrive("numbers", { where: hasCrashed, limit: 2 }), 2)
      assert.deepStrictEqual(yield* inQueue(), [0, 3])
      assert.strictEqual(yield* DeadLetter.purge("numbers", { where: hasCrashed }), 1)
      assert.deepStrictEqual(yield* inQueue("numbers.dead"), [1, 2, 4, 5, 7, 8])
      assert.strictEqual(yield* DeadLetter.purge("numbers", { where: hasCrashed }), 0)
      assert.strictEqual(yield* DeadLetter.purge("numbers", { ids: idOf(1), where: hasCrashed }), 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are found behind any number of others, which nobody hides, delivers or counts up meanwhile", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      // More than are looked at in the front of a queue, among jobs of other queues.
      for (const n of range(50)) yield* pool.addJob("others", String(n))
      const ids = yield* putMany(1200)
      const isLast = ({ letter }: DeadLetter.Entry) => letter.id === idOf(1199)
      for (const found of [{ where: isLast }, { ids: idOf(1199) }, { ids: ids[1199] }]) {
        assert.lengthOf(yield* DeadLetter.list("numbers", found), 1)
      }
      assert.strictEqual((yield* DeadLetter.list("numbers", { limit: 1100 })).length, 1100)
      assert.strictEqual((yield* DeadLetter.list("numbers")).length, 100)
      assert.strictEqual((yield* DeadLetter.list("numbers", { ids: ids.slice(300, 420) })).length, 120)
      let least = Number.POSITIVE_INFINITY
      const watching = adding(
        (pool) => (queue, body, options) =>
          Effect.zipRight(
            Effect.tap(pool.queueLength("numbers.dead"), (length) =>
              Effect.sync(() => (least = Math.min(least, length)))
            ),
            pool.addJob(queue, body, options)
          )
      )
      assert.strictEqual(yield* watching(DeadLetter.redrive("numbers", { where: isLast })), 1)
      assert.strictEqual(yield* watching(DeadLetter.redrive("numbers", { ids: idOf(1198) })), 1)
      assert.strictEqual(yield* watching(DeadLetter.redrive("numbers", { ids: ids[1197] })), 1)
      assert.deepStrictEqual(yield* inQueue(), [1197, 1198, 1199])
      assert.strictEqual(least, 1197)
      for (const id of ids.slice(0, 1197)) {
        const { additionalDeliveries, nacks, state } = yield* shown(id)
        assert.deepStrictEqual([state, nacks, additionalDeliveries], ["queued", 0, 0])
      }
      assert.strictEqual(yield* DeadLetter.redrive("numbers"), 1197)
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.strictEqual(yield* length("numbers"), 1200)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are found behind what is no letter, which stays untouched and is said once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const foreign = yield* Effect.forEach(range(150), (n) => pool.addJob("numbers.dead", `no letter ${n}`))
      // Neither is enough to add a job.
      yield* put([letter(0, { body: undefined, bodyBase64: "no base64!" }), letter(0, { queue: "" })])
      yield* putMany(3)
      assert.lengthOf(yield* DeadLetter.list("numbers"), 3)
      const lines = yield* logged(
        Effect.tap(DeadLetter.redrive("numbers", { limit: 2 }), (count) => assert.strictEqual(count, 2))
      )
      assert.match(lines.map(({ text }) => text).join(), /^jobs that are no letters stay in "numbers\.dead": \d+$/)
      const more = yield* logged(Effect.tap(DeadLetter.purge("numbers"), (count) => assert.strictEqual(count, 1)))
      assert.deepStrictEqual(
        more.map(({ level, text }) => [level, text]),
        [["WARN", 'jobs that are no letters stay in "numbers.dead": 152']]
      )
      assert.strictEqual(yield* length("numbers.dead"), 152)
      const { additionalDeliveries, nacks, state } = yield* shown(foreign[0] ?? "")
      assert.deepStrictEqual([state, nacks, additionalDeliveries], ["queued", 0, 0])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are not to be had by options that make no sense, and why is said", () =>
    Effect.gen(function* () {
      const strange: ReadonlyArray<readonly [string, object]> = [
        ["limit", { limit: 0 }],
        ["limit", { limit: 1.5 }],
        ["limit", { limit: Number.NaN }],
        ["ids", { ids: "D-1" }],
        ["ids", { ids: [idOf(1), "D-1"] }],
        ["ids", { ids: [1] }],
        ["ids", { ids: 1 }],
        ["where", { where: "crashed" }]
      ]
      yield* putMany(1)
      for (const [argument, options] of strange) {
        for (const use of [DeadLetter.list, DeadLetter.redrive, DeadLetter.purge]) {
          const error = yield* Effect.flip(use("numbers", options) as Effect.Effect<unknown, unknown, DisquePool>)
          assert.deepInclude(error, { _tag: "InvalidArgument", subject: "DeadLetter", argument })
        }
      }
      assert.strictEqual(yield* length("numbers.dead"), 1)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are left where they are by a predicate that throws", () =>
    Effect.gen(function* () {
      yield* putMany(3)
      const where = () => {
        throw new Error("thrown")
      }
      for (const use of [DeadLetter.list("numbers", { where }), DeadLetter.redrive("numbers", { where })]) {
        const exit = yield* Effect.exit(use as Effect.Effect<unknown, unknown, DisquePool>)
        assert.isTrue(Exit.isFailure(exit) && Cause.isDieType(exit.cause))
      }
      assert.strictEqual(yield* length("numbers.dead"), 3)
    }).pipe(Effect.provide(layer))
  )

  it.effect("have payloads where their queue has a schema, or say why not", () =>
    Effect.gen(function* () {
      yield* put([
        letter(0),
        letter(1, { reason: "undecodable", body: "no JSON" }),
        letter(2, { reason: "undecodable", body: undefined, bodyBase64: "/wA=" })
      ])
      const [first, second, third] = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(first?.payload, Either.right({ n: 0 }))
      const error = Option.getOrThrow(
        Option.flatMap(Option.fromNullable(second), ({ payload }) => Either.getLeft(payload))
      )
      assert.strictEqual(error._tag, "InvalidPayload")
      assert.strictEqual(error.job?.id, idOf(1))
      const bytes = Option.getOrThrow(
        Option.flatMap(Option.fromNullable(third), ({ payload }) => Either.getLeft(payload))
      )
      assert.deepStrictEqual(bytes.body, Uint8Array.of(0xff, 0))
      const zero = {
        where: ({ payload }: DeadLetter.TypedEntry<{ n: number }>) => Either.isRight(payload) && payload.right.n === 0
      }
      assert.lengthOf(yield* DeadLetter.list(numbers, zero), 1)
      assert.strictEqual(yield* DeadLetter.redrive(numbers, { where: ({ payload }) => Either.isRight(payload) }), 1)
      assert.deepStrictEqual(yield* inQueue(), [0])
      assert.strictEqual(yield* DeadLetter.purge(numbers, { where: ({ payload }) => Either.isLeft(payload) }), 2)
      yield* putMany(1)
      const [plain] = yield* DeadLetter.list("numbers")
      assert.notProperty(plain, "payload")
    }).pipe(Effect.provide(layer))
  )

  it.effect("have payloads from schemas that need services", () =>
    Effect.gen(function* () {
      class Scale extends Context.Tag("Scale")<Scale, number>() {}
      const scaled = JobQueue.make("numbers", {
        payload: Schema.transformOrFail(Schema.Struct({ n: Schema.Number }), Schema.Number, {
          decode: ({ n }) => Effect.map(Scale, (scale) => n * scale),
          encode: (n, _, ast) => ParseResult.fail(new ParseResult.Forbidden(ast, n))
        })
      })
      yield* putMany(3)
      const entries: Effect.Effect<
        ReadonlyArray<DeadLetter.TypedEntry<number>>,
        unknown,
        DisquePool | Scale
      > = DeadLetter.list(scaled)
      const payloads = (yield* Effect.provideService(entries, Scale, 10)).map(({ payload }) =>
        Either.getOrThrow(payload)
      )
      assert.deepStrictEqual(payloads, [0, 10, 20])
      const redriving = DeadLetter.redrive(scaled, { where: ({ payload }) => Either.getOrElse(payload, () => 0) > 100 })
      assert.strictEqual(yield* Effect.provideService(redriving, Scale, 100), 1)
      assert.deepStrictEqual(yield* inQueue(), [2])
    }).pipe(Effect.provide(layer))
  )
})
