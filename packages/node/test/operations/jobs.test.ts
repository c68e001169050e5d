import { Cluster, DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Ref, Stream, TestClock } from "effect"
import { cluster, meanwhile, range, three } from "./utils.js"

const collect = (options?: Cluster.ClusterJobsOptions) =>
  Effect.map(meanwhile(Stream.runCollect(Cluster.jobs(options))), Chunk.toReadonlyArray)

const bodies = (jobs: ReadonlyArray<Cluster.ClusterJob>) =>
  jobs.map(({ body }) => (body === null ? "" : Job.text({ body }))).sort()

describe("Cluster.jobs", () => {
  it.scoped("gives each job once, with its state in the cluster and its copies", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const pool = yield* DisquePool
      const everywhere = yield* meanwhile(pool.on(b.address).addJob("q", "everywhere"))
      const alone = yield* pool.on(c.address).addJob("q", "alone", { replicate: 1 })
      const jobs = yield* collect({ queue: "q" })
      assert.sameMembers(
        jobs.map(({ id }) => id),
        [everywhere, alone]
      )
      const job = jobs.find(({ id }) => id === everywhere)
      // It waits on one node alone, and the others have copies.
      assert.strictEqual(job?.state, "queued")
      assert.strictEqual(job?.node, b.address)
      assert.sameDeepMembers(
        [...(job?.copies ?? [])],
        [
          { node: a.address, state: "active" },
          { node: b.address, state: "queued" },
          { node: c.address, state: "active" }
        ]
      )
      assert.deepStrictEqual(jobs.find(({ id }) => id === alone)?.copies, [{ node: c.address, state: "queued" }])
      assert.doesNotThrow(() => JSON.stringify(jobs))
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("gives jobs by their state in the cluster, not by that of a copy", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      const pool = yield* DisquePool
      yield* meanwhile(pool.on(a.address).addJob("q", "waits"))
      yield* meanwhile(pool.on(b.address).addJob("q", "is delayed", { delay: "1 hour" }))
      yield* meanwhile(pool.on(b.address).addJob("q", "is delivered"))
      yield* meanwhile(pool.on(b.address).getJobs("q", { timeout: 0 }))
      assert.deepStrictEqual(bodies(yield* collect({ states: ["queued"] })), ["waits"])
      assert.deepStrictEqual(bodies(yield* collect({ states: ["active"] })), ["is delayed", "is delivered"])
      assert.deepStrictEqual(bodies(yield* collect()), ["is delayed", "is delivered", "waits"])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("gives jobs by their age, by a predicate, and no more than were asked for", () =>
    Effect.gen(function* () {
      const [a] = yield* three
      const pool = yield* DisquePool
      yield* Effect.forEach(range(300), (n) => pool.on(a.address).addJob("q", `old ${n}`, { replicate: 1 }))
      yield* TestClock.adjust("10 minutes")
      yield* pool.on(a.address).addJob("q", "new", { replicate: 1 })
      const old = yield* collect({ olderThan: "5 minutes" })
      assert.lengthOf(old, 300)
      assert.isTrue(old.every(({ age }) => age !== undefined && Duration.toMinutes(age) === 10))
      const where = ({ body }: Job.JobInfo) => body !== null && Job.text({ body }).endsWith("7")
      assert.lengthOf(yield* collect({ where }), 30)
      assert.lengthOf(yield* collect({ where, limit: 4 }), 4)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("gives the jobs of the other nodes where one fails, and fails at the end", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { freeze } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      for (const { address } of [a, b, c]) yield* pool.on(address).addJob("q", address, { replicate: 1 })
      const copied = yield* meanwhile(pool.on(a.address).addJob("q", "copied"))
      yield* freeze(b)
      const given = yield* Ref.make<ReadonlyArray<Cluster.ClusterJob>>([])
      const error = yield* meanwhile(
        Effect.flip(
          Stream.runForEach(Cluster.jobs({ within: "1 second" }), (job) => Ref.update(given, (all) => [...all, job]))
        )
      )
      const jobs = yield* Ref.get(given)
      assert.deepStrictEqual(bodies(jobs), [a.address, c.address, "copied"].sort())
      assert.deepStrictEqual(jobs.find(({ id }) => id === copied)?.unknown, [b.id])
      assert.strictEqual(error._tag, "NotOnEveryNode")
      if (error._tag !== "NotOnEveryNode") return
      assert.deepStrictEqual(
        error.failures.map(({ node }) => node),
        [b.address]
      )
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("refuses options that make no sense", () =>
    Effect.gen(function* () {
      const refused = (options: Cluster.ClusterJobsOptions) =>
        Effect.map(Effect.flip(Stream.runHead(Cluster.jobs(options))), (error) => error._tag)
      assert.strictEqual(yield* refused({ limit: 0 }), "InvalidArgument")
      assert.strictEqual(yield* refused({ queue: "" }), "InvalidArgument")
      assert.strictEqual(yield* refused({ states: ["lost" as "acked"] }), "InvalidArgument")
      assert.strictEqual(yield* refused({ olderThan: "soon" as "1 day" }), "InvalidArgument")
    }).pipe(Effect.provide(cluster()))
  )
})

describe("Cluster.jobCounts", () => {
  it.scoped("counts each job once, by its state in the cluster", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const pool = yield* DisquePool
      const addAt = (address: string, options: { readonly delay?: "1 hour"; readonly replicate?: number } = {}) =>
        meanwhile(pool.on(address).addJob("q", "x", options))
      for (const { address } of [a, b, c, a]) yield* addAt(address)
      yield* addAt(b.address, { delay: "1 hour" })
      yield* addAt(c.address, { replicate: 1 })
      yield* meanwhile(pool.on(a.address).addJob("other", "x"))
      yield* pool.on(a.address).getJobs("q", { timeout: 0 })
      assert.deepStrictEqual(yield* meanwhile(Cluster.jobCounts("q")), {
        states: { "wait-repl": 0, queued: 4, active: 2, acked: 0 },
        isComplete: true,
        failures: []
      })
      assert.strictEqual((yield* meanwhile(Cluster.jobCounts())).states.queued, 5)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("counts no more than the budget allows, and says so; says which node failed", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      const { kill } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* Effect.forEach(range(50), () => pool.on(a.address).addJob("q", "x", { replicate: 1 }))
      const few = yield* meanwhile(Cluster.jobCounts("q", { budget: 20 }))
      assert.strictEqual(few.states.queued, 20)
      assert.isFalse(few.isComplete)
      assert.isTrue((yield* meanwhile(Cluster.jobCounts("q", { budget: 50 }))).isComplete)
      yield* kill(b)
      const partly = yield* meanwhile(Cluster.jobCounts("q"))
      assert.strictEqual(partly.states.queued, 50)
      assert.isFalse(partly.isComplete)
      assert.deepStrictEqual(
        partly.failures.map(({ node }) => node),
        [b.address]
      )
    }).pipe(Effect.provide(cluster()))
  )
})
