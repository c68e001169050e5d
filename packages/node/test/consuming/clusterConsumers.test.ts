import { DisquePool, Job } from "@disco/core"
import { consume } from "@disco/core/internal"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Fiber, Layer, Queue, TestClock } from "effect"
import { cluster, embedded, settle } from "../cluster/utils.js"

/** A consumer that takes all it can get. */
const consumer = (pool: DisquePool.Service, queues: string) =>
  Effect.gen(function* () {
    const jobs = yield* Queue.unbounded<Job.Job>()
    const fiber = yield* Effect.forkScoped(
      consume(pool, queues, {
        demand: Effect.succeed,
        receive: (received) => Effect.asVoid(Queue.offerAll(jobs, received))
      })
    )
    return { fiber, jobs }
  })

describe("a consumer of a cluster", () => {
  it.scoped("gets a job at once, on whichever node it was added", () =>
    Effect.gen(function* () {
      const { nodes } = yield* cluster
      const pool = yield* DisquePool
      const { jobs } = yield* consumer(pool, "q")
      yield* TestClock.adjust("1 hour")
      for (const node of nodes) {
        const id = yield* pool.on(node.address).addJob("q", node.address, { replicate: 1 })
        yield* settle
        const job = yield* Queue.take(jobs)
        assert.deepStrictEqual([job.id, job.node], [id, node.address])
        yield* pool.ackJob(job)
      }
    }).pipe(Effect.provide(embedded({ nodes: 3, federationDelay: "1 hour" })))
  )

  it.scoped("goes on when a node dies, and takes it in again when it is back", () =>
    Effect.gen(function* () {
      const { at, kill, nodes, restart } = yield* cluster
      const pool = yield* DisquePool
      const { jobs } = yield* consumer(pool, "q")
      yield* settle
      const [{ address }] = nodes
      yield* kill(at(address))
      yield* TestClock.adjust("1 minute")
      const states = (yield* pool.health).fetchers.map(({ node, state }) => [node, state])
      assert.deepInclude(states, [nodes[1]?.address, "fetching"])
      yield* pool.addJob("q", "x", { replicate: 1 })
      yield* settle
      yield* pool.ackJob(yield* Queue.take(jobs))
      yield* restart(at(address))
      yield* TestClock.adjust("1 minute")
      yield* pool.on(address).addJob("q", "y", { replicate: 1 })
      yield* settle
      assert.strictEqual((yield* Queue.take(jobs)).node, address)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("shows in the pool's health where it fetches, when a node last answered, and why it does not", () =>
    Effect.gen(function* () {
      const { at, kill, nodes } = yield* cluster
      const pool = yield* DisquePool
      yield* consumer(pool, "q")
      yield* settle
      const [{ address }] = nodes
      yield* kill(at(address))
      yield* TestClock.adjust("100 millis")
      const health = yield* pool.health
      assert.strictEqual(health.nodes.length, 2)
      const fetcher = health.fetchers.find(({ node }) => node === address)
      assert.include(fetcher, { state: "resting", lastRound: 0 })
      assert.strictEqual(fetcher?.error?._tag, "ConnectionError")
      const rests = health.nodes.find((node) => node.address === address)?.restsFor
      assert.isTrue(Duration.greaterThan(rests ?? Duration.zero, Duration.zero))
    }).pipe(Effect.provide(embedded({ nodes: 2 })))
  )

  it.scoped("takes no more jobs than it has room for, and gives back jobs that come after its end", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 10; i++) yield* pool.addJob("q", String(i), { replicate: 1 })
      const taken: Array<Job.Job> = []
      let room = 4
      const fiber = yield* Effect.fork(
        consume(pool, "q", {
          demand: (most) =>
            Effect.suspend(() => {
              if (room === 0) return Effect.never
              const granted = Math.min(most, room)
              room -= granted
              return Effect.succeed(granted)
            }),
          receive: (jobs) => Effect.sync(() => void taken.push(...jobs))
        })
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(taken.length, 4)
      assert.strictEqual(yield* pool.queueLength("q"), 6)
    }).pipe(Effect.provide(embedded({ nodes: 1 })))
  )

  it.scoped(
    "takes all jobs of the queues that are named first before the others if the option says so, and never loses one",
    () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const spend = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.flatMap(Effect.fork(effect), (fiber) =>
            Effect.zipRight(TestClock.adjust("1 second"), Fiber.join(fiber))
          )
        for (let moment = 0; moment < 12; moment++) {
          const jobs = ["high", "low"].flatMap((queue) => [1, 2, 3, 4].map((n) => ({ queue, body: `${queue} ${n}` })))
          yield* spend(pool.addJobs(jobs))
          const taken: Array<Job.Job> = []
          let room = 6
          const fiber = yield* Effect.fork(
            consume(pool, ["high", "low"], {
              ranked: true,
              demand: (most) =>
                Effect.suspend(() => {
                  const granted = Math.min(most, room)
                  room -= granted
                  return granted === 0 ? Effect.never : Effect.succeed(granted)
                }),
              receive: (jobs) => Effect.sync(() => void taken.push(...jobs))
            })
          )
          // A GETJOB takes 10 ms there and back: the one of "high", and that of "low" after it.
          yield* TestClock.adjust(moment * 3)
          const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
          yield* TestClock.adjust("10 seconds")
          yield* Fiber.join(interrupting)
          const all = ["high 1", "high 2", "high 3", "high 4", "low 1", "low 2"]
          assert.deepStrictEqual(taken.map(Job.text), all.slice(0, taken.length))
          if (moment === 11) assert.lengthOf(taken, all.length)
          const left = yield* spend(pool.getJobs(["high", "low"], { count: 8 }))
          assert.strictEqual(taken.length + left.length, 8, `at ${moment}`)
          yield* spend(pool.ackJob([...taken, ...left]))
        }
      }).pipe(
        Effect.provide(
          DisquePool.layer().pipe(
            Layer.provide(EmbeddedDisque.layerDialer),
            Layer.provide(EmbeddedDisque.layer({ latency: "5 millis" }))
          )
        )
      )
  )

  it.scoped("keeps its links while it has no room for jobs", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let room = 0
      const waiting = new Set<() => void>()
      const demand = () =>
        Effect.async<number>((resume) => {
          if (room > 0) return resume(Effect.succeed(1))
          waiting.add(() => resume(Effect.succeed(1)))
        })
      yield* Effect.forkScoped(consume(pool, "q", { demand, receive: () => Effect.void }))
      for (let i = 0; i < 5; i++) {
        room = 1
        for (const wake of waiting) wake()
        waiting.clear()
        yield* settle
        room = 0
        for (let n = 0; n < 5; n++) yield* pool.addJob("q", "x", { replicate: 1, retry: 0 })
        yield* TestClock.adjust("5 seconds")
      }
      const { closed, created } = yield* pool.statistics
      assert.deepStrictEqual([closed.surplus, created], [0, 1 + 5])
    }).pipe(Effect.provide(embedded({ nodes: 5 })))
  )

  it.scoped("with a cycle fetches from one node, and moves to where the jobs come from", () =>
    Effect.gen(function* () {
      const { nodes } = yield* cluster
      const pool = yield* DisquePool
      const { jobs } = yield* consumer(pool, "q")
      yield* settle
      assert.strictEqual((yield* pool.health).fetchers.length, 1)
      const [from] = (yield* pool.health).fetchers
      const producer = nodes.find(({ address }) => address !== from?.node)?.address ?? ""
      for (let i = 0; i < 20; i++) {
        yield* pool.on(producer).addJob("q", String(i), { replicate: 1 })
        yield* TestClock.adjust("1 second")
      }
      const received = Chunk.toReadonlyArray(yield* Queue.takeAll(jobs))
      assert.deepStrictEqual(received.map(Job.text).sort(), Array.from({ length: 20 }, (_, i) => String(i)).sort())
      assert.deepStrictEqual(
        (yield* pool.health).fetchers.map(({ node }) => node),
        [producer]
      )
      assert.strictEqual(received.at(-1)?.node, producer)
    }).pipe(Effect.provide(embedded({ nodes: 3 }, { cycle: 10 })))
  )
})
