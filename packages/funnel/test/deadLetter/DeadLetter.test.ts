import { DisquePool, Job, type JobId, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Context,
  Duration,
  Effect,
  Either,
  Exit,
  Fiber,
  Layer,
  Option,
  ParseResult,
  Schema,
  TestClock
} from "effect"
import { DeadLetter } from "../../src/index.js"
import { left, numbers } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { settle } from "../utils/time.js"

const cluster = (nodes: number) =>
  DisquePool.layer().pipe(
    Layer.provide(EmbeddedDisque.layerDialer),
    Layer.provideMerge(EmbeddedDisque.layer({ nodes }))
  )

/** The id of a job that was given up: at-least-once, unless told otherwise. */
const idOf = (n: number, retries = true) => `D-0badcafe-${String(n).padStart(24, "A")}-05a${retries ? 1 : 0}`

const letter = (n: number, more: Partial<DeadLetter.Letter> = {}): DeadLetter.Letter => ({
  queue: "numbers",
  id: idOf(n),
  reason: "failed",
  error: "no",
  attempts: 1,
  nacks: 0,
  additionalDeliveries: 0,
  firstAt: new Date(n * 1000).toISOString(),
  lastAt: new Date(n * 1000).toISOString(),
  retry: 60,
  ttl: 3600,
  body: `{"n":${n}}`,
  ...more
})

/** Puts letters into their queue on a node, where told so, and gives their ids. */
const put = (letters: ReadonlyArray<DeadLetter.Letter>, node?: string, options: { readonly replicate?: number } = {}) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(letters, (letter) =>
      (node === undefined ? pool : pool.on(node)).addJob("numbers.dead", JSON.stringify(letter), options)
    )
  )

/** The same queue, whose jobs have no copies: where a node is gone, they need not wait for one. */
const single = JobQueue.make("numbers", { payload: numbers.payload, options: { replicate: 1 } })

const range = (count: number) => Array.from({ length: count }, (_, n) => n)
const putMany = (count: number, node?: string) =>
  put(
    range(count).map((n) => letter(n)),
    node,
    { replicate: 1 }
  )

const length = (queue: string) => Effect.flatMap(DisquePool, (pool) => pool.queueLength(queue))

/** The numbers in the queue of all nodes. */
const inQueue = (queue = "numbers") =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.gen(function* () {
      const { nodes } = yield* pool.health
      const found = yield* Effect.forEach(nodes, ({ address }) => pool.on(address).peek(queue, { count: 1000 }))
      const bodies = found
        .flat()
        .map((job) => JSON.parse(Job.text(job)) as { readonly n: number; readonly body: string })
      return bodies.map(({ body, n }) => n ?? JSON.parse(body).n).sort((a, b) => a - b)
    })
  )

const shown = (id: string) => Effect.flatMap(DisquePool, (pool) => Effect.map(pool.show(id), Option.getOrThrow))

/** Runs with a pool that adds jobs in another way. */
const adding =
  (add: (pool: DisquePool.Service) => DisquePool.Service["addJob"]) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(DisquePool, (pool) => Effect.provideService(effect, DisquePool, { ...pool, addJob: add(pool) }))

describe("letters", () => {
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

describe("redrive and purge", () => {
  it.scoped("take no time, and what there is on every node", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      for (const { address } of nodes) yield* putMany(70, address)
      assert.strictEqual(yield* DeadLetter.purge("numbers", { limit: 60 }), 60)
      assert.strictEqual(yield* DeadLetter.redrive("numbers", { limit: 100 }), 100)
      assert.strictEqual(yield* DeadLetter.redrive(numbers), 50)
      assert.strictEqual(yield* length("numbers"), 150)
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.strictEqual(yield* DeadLetter.redrive(numbers), 0)
      assert.strictEqual(yield* DeadLetter.purge(numbers), 0)
    }).pipe(Effect.provide(cluster(3)))
  )

  it.scoped("that run at the same time deal with each letter once", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      for (const { address } of nodes) yield* putMany(30, address)
      const counts = yield* Effect.all(
        [
          DeadLetter.redrive("numbers"),
          DeadLetter.redrive(numbers, { where: () => true }),
          DeadLetter.redrive("numbers", { ids: range(30).map((n) => idOf(n)) }),
          DeadLetter.purge("numbers", { limit: 10 })
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(
        counts.reduce((sum, count) => sum + count),
        90
      )
      yield* TestClock.adjust("6 minutes")
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.strictEqual((yield* length("numbers")) + (counts[3] ?? 0), 90)
    }).pipe(Effect.provide(cluster(3)))
  )

  it.scoped("deal once with a letter that two nodes have queued", () =>
    Effect.gen(function* () {
      const { heal, isolate, nodes } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* put([letter(7)], nodes[0].address, { replicate: 2 })
      yield* isolate(nodes[0])
      // The other node hears nothing of the first, and queues its copy.
      yield* TestClock.adjust("10 minutes")
      const lengths = yield* Effect.forEach(nodes, ({ address }) => pool.on(address).queueLength("numbers.dead"))
      assert.deepStrictEqual(lengths, [1, 1])
      assert.lengthOf(yield* DeadLetter.list("numbers"), 1)
      const add = adding((pool) => (queue, body, options) => pool.addJob(queue, body, { ...options, replicate: 1 }))
      assert.strictEqual(yield* add(DeadLetter.redrive("numbers")), 1)
      yield* heal
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.deepStrictEqual(yield* inQueue(), [7])
    }).pipe(Effect.provide(cluster(2)))
  )

  it.effect("deal with no more letters than there were, though jobs fail again while they are redriven", () =>
    Effect.gen(function* () {
      yield* putMany(100)
      const failing = adding(
        (pool) => (queue, body, options) =>
          Effect.zipLeft(
            pool.addJob(queue, body, options),
            Effect.provideService(
              put([letter(JSON.parse(String(new TextDecoder().decode(body as Uint8Array))).n)]),
              DisquePool,
              pool
            )
          )
      )
      assert.strictEqual(yield* failing(DeadLetter.redrive("numbers")), 100)
      assert.strictEqual(yield* length("numbers.dead"), 100)
    }).pipe(Effect.provide(layer))
  )

  it.scoped("leave out a node that does not answer, and fail where none does", () =>
    Effect.gen(function* () {
      const { kill, nodes } = yield* EmbeddedDisque
      for (const { address } of nodes) yield* putMany(4, address)
      yield* kill(nodes[0])
      const lines = yield* logged(
        Effect.gen(function* () {
          assert.strictEqual(yield* DeadLetter.redrive(single, { where: () => true, limit: 6 }), 6)
          assert.strictEqual(yield* DeadLetter.purge("numbers", { ids: [idOf(2), idOf(3)] }), 2)
        })
      )
      assert.lengthOf(lines, 2)
      for (const { text } of lines) assert.include(text, nodes[0].address)
      for (const node of nodes.slice(1)) yield* kill(node)
      for (const use of [DeadLetter.redrive("numbers"), DeadLetter.purge("numbers", { ids: idOf(1) })]) {
        assert.strictEqual((yield* Effect.flip(use))._tag, "ConnectionError")
      }
    }).pipe(Effect.provide(cluster(3)))
  )
})

describe("a redriven job", () => {
  const redriven = (given: string | typeof numbers, more: Partial<DeadLetter.Letter>) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* put([letter(1, more)])
      assert.strictEqual(yield* typeof given === "string" ? DeadLetter.redrive(given) : DeadLetter.redrive(given), 1)
      const [job] = yield* left("numbers")
      const { delay, replicate, retry, ttl } = yield* shown(job?.id ?? "")
      yield* pool.ackJob(job?.id ?? "")
      return [Duration.toSeconds(retry), Duration.toSeconds(ttl), replicate, Duration.toSeconds(delay)]
    })

  const days = (count: number) => count * 86_400
  const unknown = { retry: undefined, ttl: undefined }
  const queue = JobQueue.make("numbers", {
    payload: numbers.payload,
    options: { retry: "2 minutes", ttl: "3 days", delay: "1 day" }
  })

  it.scoped("is added as it was, and where its letter does not know that, as its queue adds jobs", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* redriven("numbers", {}), [60, 3600, 2, 0])
      assert.deepStrictEqual(yield* redriven(queue, {}), [60, 3600, 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", unknown), [300, days(7), 2, 0])
      assert.deepStrictEqual(yield* redriven(queue, unknown), [120, days(3), 2, 0])
      const plain = JobQueue.make("numbers", { payload: numbers.payload })
      assert.deepStrictEqual(yield* redriven(plain, unknown), [300, days(7), 2, 0])
    }).pipe(Effect.provide(cluster(2)))
  )

  it.scoped("has times that Disque can hold, whatever another machine wrote", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 0 }), [60, days(7), 2, 0])
      assert.deepStrictEqual(yield* redriven(queue, { ttl: 0 }), [60, days(3), 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 0.2, retry: 0.2 }), [1, 1, 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 99.6, retry: 9.6 }), [10, 100, 2, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ttl: 1e300, retry: 1e300 }), [4_294_967, 2_147_483_647, 2, 0])
    }).pipe(Effect.provide(cluster(2)))
  )

  it.scoped("is added once at most, and on one node, where it was so before", () =>
    Effect.gen(function* () {
      const atMostOnce = JobQueue.make("numbers", {
        payload: numbers.payload,
        options: { retry: 0, replicate: 1, ttl: "1 hour" }
      })
      assert.deepStrictEqual(yield* redriven("numbers", { retry: 0 }), [0, 3600, 1, 0])
      assert.deepStrictEqual(yield* redriven(queue, { retry: 0 }), [0, 3600, 1, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ...unknown, id: idOf(1, false) }), [0, days(7), 1, 0])
      assert.deepStrictEqual(yield* redriven(atMostOnce, { ...unknown, id: idOf(1, false) }), [0, 3600, 1, 0])
      // What the letter says goes before its id, and either before how the queue is now.
      assert.deepStrictEqual(yield* redriven("numbers", { id: idOf(1, false) }), [60, 3600, 2, 0])
      assert.deepStrictEqual(yield* redriven(atMostOnce, unknown), [300, 3600, 1, 0])
      assert.deepStrictEqual(yield* redriven("numbers", { ...unknown, id: "no id" }), [300, days(7), 2, 0])
    }).pipe(Effect.provide(cluster(2)))
  )
})

describe("nothing is lost", () => {
  /** All numbers in both queues, each of them once, when everything that can come again has. */
  const everything = Effect.gen(function* () {
    yield* TestClock.adjust("1 hour")
    yield* settle
    return [...new Set([...(yield* inQueue()), ...(yield* inQueue("numbers.dead"))])].sort((a, b) => a - b)
  })

  it.effect("where jobs cannot be added: their letters go back at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* putMany(40)
      yield* pool.pause("numbers", "in")
      const error = yield* Effect.flip(DeadLetter.redrive("numbers"))
      assert.strictEqual(error._tag, "QueuePaused")
      assert.strictEqual(yield* length("numbers.dead"), 40)
      const deliveries = yield* Effect.forEach(ids, (id) => Effect.map(shown(id), (info) => info.additionalDeliveries))
      // Only those in hand were touched.
      assert.strictEqual(
        deliveries.reduce((sum, count) => sum + count),
        40
      )
      yield* pool.pause("numbers", "none")
      assert.strictEqual(yield* DeadLetter.redrive("numbers"), 40)
    }).pipe(Effect.provide(layer))
  )

  it.effect("where a redrive is interrupted while it adds jobs: their letters go back at once", () =>
    Effect.gen(function* () {
      const ids = yield* putMany(40)
      const hanging = adding(() => () => Effect.never)
      const redriving = yield* Effect.fork(hanging(DeadLetter.redrive("numbers")))
      yield* settle
      assert.isBelow(yield* length("numbers.dead"), 40)
      yield* Fiber.interrupt(redriving)
      assert.strictEqual(yield* length("numbers.dead"), 40)
      assert.lengthOf(ids, 40)
    }).pipe(Effect.provide(layer))
  )

  it.effect("where a redrive is interrupted at any moment", () =>
    Effect.gen(function* () {
      const redriven = new Set<number>()
      for (const turns of range(60)) {
        yield* putMany(5)
        const redriving = yield* Effect.fork(DeadLetter.redrive("numbers"))
        for (let i = 0; i < turns; i++) yield* Effect.yieldNow()
        yield* Fiber.interrupt(redriving)
        assert.deepStrictEqual(
          [...new Set([...(yield* inQueue()), ...(yield* inQueue("numbers.dead"))])].sort(),
          [0, 1, 2, 3, 4],
          `after ${turns} turns`
        )
        redriven.add(yield* length("numbers"))
        yield* DeadLetter.purge("numbers")
        const pool = yield* DisquePool
        for (const job of yield* left("numbers")) yield* pool.ackJob(job)
      }
      assert.includeMembers([...redriven], [0, 5])
    }).pipe(Effect.provide(layer))
  )

  for (const when of ["before", "after"] as const) {
    it.scoped(`where a node dies during a redrive, ${when} a job is added`, () =>
      Effect.gen(function* () {
        const { kill, nodes } = yield* EmbeddedDisque
        const letters = range(30).map((n) => letter(n))
        yield* put(letters.slice(0, 15), nodes[0].address)
        yield* put(letters.slice(15), nodes[1]?.address)
        let calls = 0
        const dying = adding(
          (pool) => (queue, body, options) =>
            Effect.suspend(() => {
              calls += 1
              const dies = calls === 4 ? kill(nodes[0]) : Effect.void
              const add = pool.addJob(queue, body, options)
              return when === "before" ? Effect.zipRight(dies, add) : Effect.zipLeft(add, dies)
            })
        )
        // Where copies are to be made on a node that is gone, that takes its time.
        const redriving = yield* Effect.fork(Effect.either(dying(DeadLetter.redrive("numbers"))))
        yield* Effect.repeatN(TestClock.adjust("1 minute"), 10)
        yield* Fiber.join(redriving)
        const pool = yield* DisquePool
        const found = yield* Effect.forEach(nodes.slice(1), ({ address }) =>
          Effect.all([
            pool.on(address).peek("numbers", { count: 1000 }),
            pool.on(address).peek("numbers.dead", { count: 1000 })
          ])
        )
        const numbersLeft = new Set(
          found.flat(2).map((job) => {
            const read = JSON.parse(Job.text(job))
            return (read.n ?? JSON.parse(read.body).n) as number
          })
        )
        assert.deepStrictEqual(
          [...numbersLeft].sort((a, b) => a - b),
          range(30)
        )
      }).pipe(Effect.provide(cluster(3)))
    )
  }

  it.effect("where a letter cannot be put back: it comes again after its retry time, and that is said", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* putMany(1)
      const refused = yield* Effect.flip(pool.addJob("", "nothing"))
      const broken = {
        ...pool,
        addJob: () => Effect.fail(refused),
        enqueueJob: () => Effect.fail(refused) as Effect.Effect<never, never>
      }
      const lines = yield* logged(Effect.flip(Effect.provideService(DeadLetter.redrive("numbers"), DisquePool, broken)))
      assert.lengthOf(lines, 1)
      assert.match(lines[0]?.text ?? "", /could not be put back, and comes again after its retry time/)
      assert.strictEqual(yield* length("numbers.dead"), 0)
      assert.deepStrictEqual(yield* everything, [0])
      assert.strictEqual(yield* length("numbers.dead"), 1)
    }).pipe(Effect.provide(layer))
  )

  it.scoped("where a letter is one that Disque never queues again: a copy goes back in its place", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const once = { retry: 0, replicate: 1 }
      const id: JobId.JobId = yield* pool.addJob("numbers.dead", JSON.stringify(letter(3)), once)
      yield* pool.pause("numbers", "in", { broadcast: true })
      assert.strictEqual((yield* Effect.flip(DeadLetter.redrive("numbers")))._tag, "QueuePaused")
      const [entry] = yield* DeadLetter.list("numbers")
      assert.strictEqual(entry?.letter.id, idOf(3))
      assert.notStrictEqual(entry?.id, id)
      yield* pool.pause("numbers", "none", { broadcast: true })
      assert.strictEqual(yield* DeadLetter.redrive("numbers"), 1)
      assert.deepStrictEqual(yield* everything, [3])
    }).pipe(Effect.provide(cluster(2)))
  )
})
