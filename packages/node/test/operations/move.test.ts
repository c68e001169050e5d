import { Cluster, ConnectionError, DisquePool, Job, type JobId } from "@disco/core"
import { EmbeddedDisque, type EmbeddedNode } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, TestClock } from "effect"
import { cluster, meanwhile, range, seconds, settle, three } from "./utils.js"

/** Adds numbers, on one node after the other. */
const addNumbers = (count: number, queue = "from") =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const nodes = yield* three
    return yield* Effect.forEach(range(count), (n) =>
      pool.on(nodes[n % 3]?.address ?? "").addJob(queue, String(n), { replicate: 1, retry: "1 minute", ttl: "1 hour" })
    )
  })

/** The numbers that wait in a queue, on the nodes that are up. */
const numbersIn = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* EmbeddedDisque
    const up = nodes.filter(({ state }) => state === "up")
    const found = yield* Effect.forEach(up, ({ address }) => pool.on(address).peek(queue, { count: 10_000 }))
    return found
      .flat()
      .map((job) => Number(Job.text(job)))
      .sort((a, b) => a - b)
  })

/** Runs with a pool that adds jobs in another way. */
const adding =
  (add: (pool: DisquePool.Service) => DisquePool.Service["addJob"]) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(DisquePool, (pool) => Effect.provideService(effect, DisquePool, { ...pool, addJob: add(pool) }))

describe("Cluster.move", () => {
  it.scoped("moves the jobs of all nodes, and leaves those of other queues", () =>
    Effect.gen(function* () {
      yield* addNumbers(200)
      yield* addNumbers(3, "other")
      let progress = 0
      const onProgress = (moved: number) =>
        Effect.sync(() => {
          progress = moved
        })
      assert.deepStrictEqual(yield* meanwhile(Cluster.move("from", "to", { onProgress })), {
        moved: 200,
        maybeTwice: []
      })
      assert.strictEqual(progress, 200)
      assert.deepStrictEqual(yield* numbersIn("to"), range(200))
      assert.deepStrictEqual(yield* numbersIn("from"), [])
      assert.deepStrictEqual(yield* numbersIn("other"), range(3))
      // Nothing comes back.
      yield* seconds(200)
      assert.deepStrictEqual(yield* numbersIn("from"), [])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("keeps the retry time, the copies, and what is left of the TTL", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const options = { retry: "7 minutes", ttl: "1 hour", replicate: 2 } as const
      yield* meanwhile(pool.addJob("from", "x", options))
      yield* meanwhile(pool.addJob("from", "once", { retry: 0, replicate: 1, ttl: "1 hour" }))
      yield* TestClock.adjust("5 minutes")
      yield* meanwhile(Cluster.move("from", "to"))
      const jobs = (yield* meanwhile(pool.getJobs("to", { count: 2 }))).concat(
        yield* meanwhile(
          Effect.map(
            Effect.timeoutOption(pool.getJobs("to"), "20 seconds"),
            Option.getOrElse(() => [])
          )
        )
      )
      assert.sameMembers(jobs.map(Job.text), ["x", "once"])
      for (const job of jobs) {
        const info = Option.getOrThrow(yield* pool.show(job))
        const isOnce = Job.text(job) === "once"
        assert.strictEqual(Duration.toMinutes(info.retry), isOnce ? 0 : 7)
        assert.strictEqual(info.replicate, isOnce ? 1 : 2)
        assert.isAtMost(Duration.toMinutes(info.ttl), 55)
        assert.isAtLeast(Duration.toMinutes(info.ttl), 54)
      }
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("moves those that are named or fit, no more than were asked for, and none in a dry run", () =>
    Effect.gen(function* () {
      const ids = yield* addNumbers(100)
      const where = (job: Job.PeekedJob) => Number(Job.text(job)) % 2 === 1
      assert.strictEqual((yield* meanwhile(Cluster.move("from", "to", { where, dryRun: true }))).moved, 50)
      assert.strictEqual((yield* meanwhile(Cluster.move("from", "to", { where, dryRun: true, limit: 7 }))).moved, 7)
      assert.deepStrictEqual(yield* numbersIn("from"), range(100))
      assert.strictEqual((yield* meanwhile(Cluster.move("from", "to", { where, limit: 7 }))).moved, 7)
      assert.lengthOf(yield* numbersIn("to"), 7)
      assert.isTrue((yield* numbersIn("to")).every((n) => n % 2 === 1))
      const named = [ids[0], ids[4], ids[98]] as Array<JobId.JobId>
      assert.strictEqual((yield* meanwhile(Cluster.move("from", "named", { ids: named }))).moved, 3)
      assert.deepStrictEqual(yield* numbersIn("named"), [0, 4, 98])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("leaves a job to the consumer that has it, and does not deliver the others late", () =>
    Effect.gen(function* () {
      const [a] = yield* three
      const pool = yield* DisquePool
      yield* addNumbers(30)
      const [taken] = yield* meanwhile(pool.on(a.address).getJobs("from", { timeout: 0 }))
      const where = (job: Job.PeekedJob) => Number(Job.text(job)) < 10
      yield* meanwhile(Cluster.move("from", "to", { where }))
      const inHand = Number(Job.text(taken as Job.Job))
      assert.deepStrictEqual(
        yield* numbersIn("to"),
        range(10).filter((n) => n !== inHand)
      )
      // The others wait as they did.
      assert.deepStrictEqual(yield* numbersIn("from"), range(30).slice(10))
      assert.strictEqual(yield* pool.ackJob(taken as Job.Job), 1)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("ends where jobs cannot be added: those in hand go back, and the error says how many were moved", () =>
    Effect.gen(function* () {
      yield* addNumbers(60)
      let left = 20
      const refusing = adding((pool) => (queue, body, options) => {
        left -= 1
        return left >= 0 ? pool.addJob(queue, body, options) : pool.addJob(queue, body, { ...options, replicate: 9 })
      })
      const error = yield* meanwhile(Effect.flip(refusing(Cluster.move("from", "to"))))
      assert.strictEqual(error._tag, "MoveIncomplete")
      if (error._tag !== "MoveIncomplete") return
      assert.strictEqual(error.cause?._tag, "NotReplicated")
      assert.strictEqual(error.moved, 20)
      assert.lengthOf(yield* numbersIn("to"), 20)
      assert.lengthOf(yield* numbersIn("from"), 40)
      assert.include(error.message, '20 jobs were moved from "from" to "to", not all of them')
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("loses nothing and doubles nothing where it is interrupted at any moment", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const counts = new Set<number>()
      for (const turns of range(80)) {
        yield* addNumbers(6)
        const moving = yield* Effect.fork(Cluster.move("from", "to"))
        for (let i = 0; i < turns * 3; i++) yield* Effect.yieldNow()
        yield* meanwhile(Fiber.interrupt(moving))
        const everything = [...(yield* numbersIn("from")), ...(yield* numbersIn("to"))]
        // Each is in one of the queues, and in no more than one.
        assert.deepStrictEqual(everything.sort(), range(6), `after ${turns} turns`)
        counts.add((yield* numbersIn("to")).length)
        for (const queue of ["from", "to"]) {
          const found = yield* Effect.forEach(yield* three, ({ address }) =>
            pool.on(address).peek(queue, { count: 100 })
          )
          const ids = found.flat()
          if (ids.length > 0) yield* pool.ackJob(ids)
        }
        yield* settle
      }
      assert.includeMembers([...counts], [0, 6])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("moves the jobs of the other nodes where one says nothing, and names it", () =>
    Effect.gen(function* () {
      const { freeze, thaw } = yield* EmbeddedDisque
      yield* addNumbers(30)
      // An add that is under way when the node in use falls silent has an unknown outcome, which ends a move.
      const { nodes } = yield* Effect.flatMap(DisquePool, (pool) => pool.health)
      const inUse = nodes.find(({ isCurrent }) => isCurrent)?.address
      const b = (yield* three).find(({ address }) => address !== inUse) as EmbeddedNode
      yield* freeze(b)
      const error = yield* meanwhile(Effect.flip(Cluster.move("from", "to")))
      assert.strictEqual(error._tag, "MoveIncomplete")
      if (error._tag !== "MoveIncomplete") return
      assert.strictEqual(error.moved, 20)
      assert.isUndefined(error.cause)
      assert.deepStrictEqual(
        error.failures.map(({ node }) => node),
        [b.address]
      )
      yield* thaw(b)
      yield* seconds(30)
      assert.strictEqual((yield* meanwhile(Cluster.move("from", "to"))).moved, 10)
      assert.deepStrictEqual([...new Set(yield* numbersIn("to"))], range(30))
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("says which jobs may be in both queues", () =>
    Effect.gen(function* () {
      const [a] = yield* three
      const pool = yield* DisquePool
      const ids = yield* addNumbers(5)
      const ackJob = () => Effect.fail(new ConnectionError({ node: a.address, reason: "lost" }))
      const error = yield* meanwhile(
        Effect.flip(Effect.provideService(Cluster.move("from", "to"), DisquePool, { ...pool, ackJob }))
      )
      assert.strictEqual(error._tag, "MoveIncomplete")
      if (error._tag !== "MoveIncomplete") return
      assert.strictEqual(error.moved, 0)
      assert.strictEqual(error.cause?._tag, "ConnectionError")
      assert.isNotEmpty(error.maybeTwice)
      assert.includeMembers(ids, [...error.maybeTwice])
      assert.include(error.message, "more may be in both queues")
      yield* seconds(120)
      assert.deepStrictEqual(yield* numbersIn("from"), range(5))
    }).pipe(Effect.provide(cluster()))
  )

  for (const when of ["before", "after"] as const) {
    it.scoped(`loses nothing where a node dies as jobs are moved, ${when} one is added`, () =>
      Effect.gen(function* () {
        const [a, b] = yield* three
        const { kill } = yield* EmbeddedDisque
        const pool = yield* DisquePool
        for (const n of range(30)) {
          yield* meanwhile(pool.on((n < 15 ? a : b).address).addJob("from", String(n), { retry: "1 minute" }))
        }
        let calls = 0
        const dying = adding(
          (pool) => (queue, body, options) =>
            Effect.suspend(() => {
              calls += 1
              const dies = calls === 4 ? kill(a) : Effect.void
              const add = pool.addJob(queue, body, options)
              return when === "before" ? Effect.zipRight(dies, add) : Effect.zipLeft(add, dies)
            })
        )
        yield* meanwhile(Effect.either(dying(Cluster.move("from", "to"))))
        yield* seconds(400)
        const everything = [...(yield* numbersIn("from")), ...(yield* numbersIn("to"))]
        assert.deepStrictEqual(
          [...new Set(everything)].sort((a, b) => a - b),
          range(30)
        )
      }).pipe(Effect.provide(cluster()))
    )
  }

  it.scoped("refuses what makes no sense", () =>
    Effect.gen(function* () {
      const refused = (from: string, to: string, options?: Cluster.MoveOptions) =>
        Effect.map(Effect.flip(Cluster.move(from, to, options)), (error) => error._tag)
      assert.strictEqual(yield* refused("q", "q"), "InvalidArgument")
      assert.strictEqual(yield* refused("", "q"), "InvalidArgument")
      assert.strictEqual(yield* refused("a", "b", { limit: 0 }), "InvalidArgument")
      assert.strictEqual(yield* refused("a", "b", { ids: ["nonsense"] }), "InvalidArgument")
    }).pipe(Effect.provide(cluster()))
  )
})
