import { type ConnectionOptions, DisqueConnection, DisquePool, Job } from "@disco/core"
import { consume } from "@disco/core/internal"
import { EmbeddedDisque, type EmbeddedOptions } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Either, Fiber, Layer, Queue, TestClock } from "effect"

const embedded = (embedded: EmbeddedOptions, options?: ConnectionOptions) =>
  Layer.mergeAll(DisqueConnection.layer(options), DisquePool.layer(options)).pipe(
    Layer.provide(EmbeddedDisque.layerDialer),
    Layer.provideMerge(EmbeddedDisque.layer(embedded))
  )

const cluster = Effect.gen(function* () {
  const disque = yield* EmbeddedDisque
  const at = (address: string) => {
    const node = disque.nodes.find((node) => node.address === address)
    assert.isDefined(node)
    return node as (typeof disque.nodes)[0]
  }
  return { ...disque, at }
})

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

const settle = TestClock.adjust(0)

describe("a connection to a cluster", () => {
  it.scoped("goes on with another node when its own dies", () =>
    Effect.gen(function* () {
      const { at, kill, restart } = yield* cluster
      const disque = yield* DisqueConnection
      const first = yield* disque.node
      yield* kill(at(first))
      yield* disque.addJob("q", "x", { replicate: 1 })
      const second = yield* disque.node
      assert.notStrictEqual(second, first)
      // Nor is the first one forgotten.
      yield* restart(at(first))
      yield* TestClock.adjust("1 minute")
      yield* kill(at(second))
      yield* disque.addJob("q", "y", { replicate: 1 })
      assert.notStrictEqual(yield* disque.node, second)
    }).pipe(Effect.provide(embedded({ nodes: 2 })))
  )

  it.scoped("fails commands to a node that died as they were under way, and resends none but idempotent ones", () =>
    Effect.gen(function* () {
      const { at, freeze, kill } = yield* cluster
      const disque = yield* DisqueConnection
      const node = at(yield* disque.node)
      yield* freeze(node)
      const adding = yield* Effect.fork(Effect.flip(disque.addJob("q", "the body", { replicate: 1 })))
      const reading = yield* Effect.fork(disque.queueLength("q"))
      yield* settle
      yield* kill(node)
      const error = yield* Fiber.join(adding)
      assert.include(error, { _tag: "OutcomeUnknown", node: node.address, queue: "q" })
      if (error._tag === "OutcomeUnknown") {
        // Whoever may have it twice adds it again.
        const id = yield* disque.execute(error.again())
        assert.strictEqual((yield* disque.getJob("q")).id, id)
        assert.notInclude(JSON.stringify(error), "the body")
      }
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(reading), 0)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("leaves a node that says nothing once the command's time is up", () =>
    Effect.gen(function* () {
      const { at, freeze } = yield* cluster
      const disque = yield* DisqueConnection
      const node = yield* disque.node
      yield* freeze(at(node))
      const reading = yield* Effect.fork(disque.queueLength("q"))
      yield* TestClock.adjust("4900 millis")
      assert.strictEqual((yield* Fiber.poll(reading))._tag, "None")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(reading), 0)
      assert.notStrictEqual(yield* disque.node, node)
    }).pipe(Effect.provide(embedded({ nodes: 2 })))
  )

  it.scoped("leaves a node that leaves the cluster", () =>
    Effect.gen(function* () {
      const { at } = yield* cluster
      const disque = yield* DisqueConnection
      const node = yield* disque.node
      yield* disque.cluster.setLeaving(true)
      // A getJob that would block is refused there, and another node takes it.
      const getting = yield* Effect.fork(disque.getJob("q", { timeout: "10 seconds" }))
      yield* settle
      assert.notStrictEqual(yield* disque.node, node)
      yield* disque.addJob("q", "x", { replicate: 1 })
      assert.notStrictEqual((yield* Fiber.join(getting)).node, at(node).address)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("whose every node leaves says so", () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      yield* disque.cluster.setLeaving(true)
      const error = yield* Effect.flip(disque.getJob("q", { timeout: "10 seconds" }))
      assert.strictEqual(error._tag, "NodeLeaving")
    }).pipe(Effect.provide(embedded({ nodes: 1 })))
  )

  it.scoped("spreads over the nodes: of many that lose one node, not all go to the same other", () =>
    Effect.gen(function* () {
      const { at, kill, nodes } = yield* cluster
      const connections = yield* Effect.replicateEffect(DisqueConnection.make(), 60)
      const on = (address: string) => Effect.filter(connections, (each) => Effect.map(each.node, (n) => n === address))
      for (const { address } of nodes) assert.isAbove((yield* on(address)).length, 5, address)
      const lost = yield* on(nodes[0].address)
      yield* kill(at(nodes[0].address))
      const now = new Map<string, number>()
      for (const connection of lost) {
        yield* connection.ping
        const node = yield* connection.node
        now.set(node, (now.get(node) ?? 0) + 1)
      }
      assert.strictEqual(now.size, 2)
      for (const count of now.values()) assert.isAbove(count, 1)
    }).pipe(Effect.provide(EmbeddedDisque.layerDialer.pipe(Layer.provideMerge(EmbeddedDisque.layer({ nodes: 3 })))))
  )
})

describe("adds that wait for copies", () => {
  it.scoped("go over as many links as the pool may use, and leave the link for other commands free", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const add = pool.addJobs(Array.from({ length: 40 }, (_, i) => ({ queue: "q", body: String(i) })))
      // The links are opened by the first adds, for those that come after them.
      yield* Effect.zipRight(Effect.fork(add), settle)
      yield* TestClock.adjust("1 second")
      const adding = yield* Effect.fork(add)
      yield* settle
      yield* pool.ping
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.join(adding)).every(Either.isRight))
      assert.strictEqual((yield* pool.statistics).created, 1 + 5)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* pool.statistics).closed.expired, 5)
    }).pipe(
      Effect.provide(
        DisquePool.layer().pipe(
          Layer.provide(EmbeddedDisque.layerDialer),
          Layer.provide(EmbeddedDisque.layer({ nodes: 3, latency: "10 millis" }))
        )
      )
    )
  )

  it.scoped("go over up to twice as many links where they pile up", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const add = pool.addJobs(Array.from({ length: 64 }, (_, i) => ({ queue: "q", body: String(i) })))
      for (let round = 0; round < 3; round++) {
        const adding = yield* Effect.fork(add)
        yield* settle
        yield* TestClock.adjust("1 second")
        assert.isTrue((yield* Fiber.join(adding)).every(Either.isRight))
      }
      assert.strictEqual((yield* pool.statistics).created, 1 + 4)
    }).pipe(
      Effect.provide(
        DisquePool.layer({ maxActive: 2 }).pipe(
          Layer.provide(EmbeddedDisque.layerDialer),
          Layer.provide(EmbeddedDisque.layer({ nodes: 3, latency: "10 millis" }))
        )
      )
    )
  )
})

describe("adds that wait for copies", () => {
  it.scoped("and were not sent yet when their node died are made on another", () =>
    Effect.gen(function* () {
      const { at, kill } = yield* cluster
      const pool = yield* DisquePool
      const add = (jobs: number) =>
        pool.addJobs(
          Array.from({ length: jobs }, (_, i) => ({ queue: "q", body: String(i), options: { replicate: 2 } }))
        )
      // The links are opened by the first adds, for those that come after them.
      yield* Effect.zipRight(Effect.fork(add(40)), settle)
      yield* TestClock.adjust("1 second")
      const adding = yield* Effect.fork(add(300))
      yield* settle
      const { nodes } = yield* pool.health
      yield* kill(at(nodes.find(({ isCurrent }) => isCurrent)?.address ?? ""))
      yield* TestClock.adjust("1 minute")
      const errors = (yield* Fiber.join(adding)).filter(Either.isLeft).map(({ left }) => left._tag)
      // What was sent to the node that died is in doubt: the links were under way with eight each.
      assert.sameMembers([...new Set(errors)], ["OutcomeUnknown"])
      assert.isAtMost(errors.length, 10 * 8)
    }).pipe(
      Effect.provide(
        DisquePool.layer().pipe(
          Layer.provide(EmbeddedDisque.layerDialer),
          Layer.provideMerge(EmbeddedDisque.layer({ nodes: 3, latency: "10 millis" }))
        )
      )
    )
  )
})

describe("what is done with a job", () => {
  it.scoped("whose node came back without it is done where a copy is", () =>
    Effect.gen(function* () {
      const { at, kill, restart } = yield* cluster
      const disque = yield* DisqueConnection
      const id = yield* disque.addJob("q", "x", { replicate: 3, retry: "1 hour" })
      const job = yield* disque.getJob("q")
      yield* kill(at(job.node))
      yield* restart(at(job.node))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* disque.working(job), Duration.hours(1))
      assert.strictEqual(yield* disque.nackJob(job), 1)
      // It is queued once, and not on each node that has a copy.
      const again = yield* disque.getJob("q", { timeout: "2 seconds" }).pipe(Effect.fork)
      yield* TestClock.adjust("1 second")
      const second = yield* Fiber.join(again)
      assert.deepStrictEqual([second.id, second.nacks], [id, 1])
      yield* disque.ackJob(second)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual((yield* disque.getJobs("q", { timeout: 0 })).length, 0)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("that no node knows any more is called lost", () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      yield* disque.addJob("q", "x")
      const job = yield* disque.getJob("q")
      yield* disque.ackJob(job)
      yield* settle
      assert.strictEqual((yield* Effect.flip(disque.working(job)))._tag, "JobNotFound")
      assert.strictEqual(yield* disque.nackJob([job]), 0)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("by its id alone is done on the node that has it", () =>
    Effect.gen(function* () {
      const { nodes } = yield* cluster
      const disque = yield* DisqueConnection
      const current = yield* disque.node
      const other = nodes.find(({ address }) => address !== current)?.address ?? ""
      const id = yield* disque.on(other).addJob("q", "x", { replicate: 1, retry: "1 hour" })
      yield* disque.on(other).getJob("q")
      assert.deepStrictEqual(yield* disque.working(id), Duration.hours(1))
      assert.strictEqual(yield* disque.enqueueJob(id), 1)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )

  it.scoped("of several nodes is sent to each of them", () =>
    Effect.gen(function* () {
      const { nodes } = yield* cluster
      const disque = yield* DisqueConnection
      const jobs = yield* Effect.forEach(nodes, ({ address }) => {
        const node = disque.on(address)
        return Effect.zipRight(node.addJob("q", "x", { replicate: 1 }), node.getJob("q"))
      })
      assert.strictEqual(yield* disque.nackJob(jobs), 3)
      for (const { address } of nodes) assert.strictEqual(yield* disque.on(address).queueLength("q"), 1)
    }).pipe(Effect.provide(embedded({ nodes: 3 })))
  )
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

  it.scoped("says in the pool's health where it fetches, since when it heard nothing, and why", () =>
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

  it.scoped("takes no more jobs than it has room for, and gives back what comes after its end", () =>
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
    "takes all that is in the queues named first before the others, if so told, and loses none at any moment",
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
