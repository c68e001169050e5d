import { Cluster, DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Stream, TestClock } from "effect"
import { cluster, meanwhile, range, seconds, settle, three } from "./utils.js"

const drained = (node: string, options?: Cluster.DrainOptions) =>
  Effect.map(meanwhile(Stream.runCollect(Cluster.drain(node, options))), Chunk.toReadonlyArray)

const last = <A>(all: ReadonlyArray<A>): A => {
  assert.isNotEmpty(all)
  return all[all.length - 1] as A
}

/** The bodies of the jobs that wait on nodes that are up. */
const waiting = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* EmbeddedDisque
    const up = nodes.filter(({ state }) => state === "up")
    const found = yield* Effect.forEach(up, ({ address }) => pool.on(address).peek(queue, { count: 10_000 }))
    return found.flat().map(Job.text).sort()
  })

describe("Cluster.drain", () => {
  it.scoped("makes a node leave, and says that it is safe to stop where other nodes have copies of its jobs", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { kill } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      for (const n of range(20)) {
        yield* meanwhile(pool.on(c.address).addJob("q", `${n}`, { replicate: 2, retry: "1 minute" }))
      }
      const { isSafe, alone, queued, jobs, node, id } = last(yield* drained(c.id))
      assert.deepStrictEqual(
        { isSafe, alone, queued, node, id },
        { isSafe: true, alone: 0, queued: 20, node: c.address, id: c.id }
      )
      assert.strictEqual(jobs, 20)
      assert.isTrue(yield* pool.on(c.address).cluster.leaving)
      yield* kill(c)
      yield* seconds(200)
      assert.deepStrictEqual([...new Set(yield* waiting("q"))], range(20).map(String).sort())
      assert.isTrue([a, b].every(({ state }) => state === "up"))
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("waits for the jobs that the node alone has, and ends once they are done", () =>
    Effect.gen(function* () {
      const [, , c] = yield* three
      const pool = yield* DisquePool
      const ids = yield* Effect.forEach(range(3), () => pool.on(c.address).addJob("q", "x", { replicate: 1 }))
      const seen: Array<number> = []
      const draining = yield* Effect.fork(
        Stream.runForEach(Cluster.drain(c.address), ({ alone }) => Effect.sync(() => seen.push(alone)))
      )
      yield* seconds(7)
      yield* pool.on(c.address).ackJob(ids.slice(0, 2))
      yield* seconds(7)
      assert.isNull(draining.unsafePoll())
      yield* pool.on(c.address).ackJob(ids.slice(2))
      yield* meanwhile(Fiber.join(draining))
      assert.deepStrictEqual([...new Set(seen)], [3, 1, 0])
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("moves the jobs that the node alone has, delayed ones too, so that none is lost with it", () =>
    Effect.gen(function* () {
      const [, , c] = yield* three
      const { kill } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      for (const n of range(300)) yield* pool.on(c.address).addJob("q", `${n}`, { replicate: 1 })
      yield* pool.on(c.address).addJob("q", "once", { replicate: 1, retry: 0 })
      const options = { delay: "10 minutes", replicate: 1, ttl: "1 hour" } as const
      yield* pool.on(c.address).addJob("q", "delayed", options)
      yield* TestClock.adjust("1 minute")
      const { isSafe, moved, maybeTwice, failure } = last(yield* drained(c.address, { moves: true }))
      assert.deepStrictEqual(
        { isSafe, moved, maybeTwice, failure },
        { isSafe: true, moved: 302, maybeTwice: [], failure: undefined }
      )
      yield* kill(c)
      assert.deepStrictEqual(yield* waiting("q"), [...range(300).map(String), "once"].sort())
      yield* TestClock.adjust("8 minutes")
      assert.notInclude(yield* waiting("q"), "delayed")
      yield* seconds(62)
      assert.deepStrictEqual([...new Set(yield* waiting("q"))], [...range(300).map(String), "delayed", "once"].sort())
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("waits for a job in the hands of a consumer, and does not move it", () =>
    Effect.gen(function* () {
      const [, , c] = yield* three
      const pool = yield* DisquePool
      yield* pool.on(c.address).addJob("q", "x", { replicate: 1, retry: "1 hour" })
      const [job] = yield* meanwhile(pool.on(c.address).getJobs("q", { timeout: 0 }))
      let progress: Cluster.DrainProgress | undefined
      const draining = yield* Effect.fork(
        Stream.runForEach(Cluster.drain(c.address, { moves: true }), (now) =>
          Effect.sync(() => {
            progress = now
          })
        )
      )
      yield* seconds(10)
      assert.deepInclude({ ...progress }, { alone: 1, delivered: 1, moved: 0, isSafe: false })
      yield* pool.ackJob(job as Job.Job)
      yield* meanwhile(Fiber.join(draining))
      assert.deepInclude({ ...progress }, { alone: 0, moved: 0, isSafe: true })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("does not wait for a job that was delivered, and is delivered once at most", () =>
    Effect.gen(function* () {
      const [, , c] = yield* three
      const pool = yield* DisquePool
      yield* pool.on(c.address).addJob("q", "x", { replicate: 1, retry: 0 })
      yield* meanwhile(pool.on(c.address).getJobs("q", { timeout: 0 }))
      assert.deepInclude({ ...last(yield* drained(c.address)) }, { jobs: 1, alone: 0, isSafe: true })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("counts no copy on a node that leaves too, or says nothing", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const { freeze, leave, thaw } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* meanwhile(pool.on(c.address).addJob("q", "x", { replicate: 3, retry: "1 hour" }))
      yield* leave(a)
      yield* freeze(b)
      let progress: Cluster.DrainProgress | undefined
      const draining = yield* Effect.fork(
        Stream.runForEach(Cluster.drain(c.address), (now) =>
          Effect.sync(() => {
            progress = now
          })
        )
      )
      yield* seconds(20)
      assert.deepInclude({ ...progress }, { alone: 1, isSafe: false })
      yield* thaw(b)
      yield* meanwhile(Fiber.join(draining))
      assert.deepInclude({ ...progress }, { alone: 0, isSafe: true })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped(
    "leaves the node a leaving one where it is interrupted, at any moment, and loses nothing; undrain makes it stay",
    () =>
      Effect.gen(function* () {
        const [, , c] = yield* three
        const pool = yield* DisquePool
        const moved = new Set<boolean>()
        for (const turns of range(40)) {
          const bodies = range(5).map((n) => `${turns}-${n}`)
          for (const body of bodies) yield* pool.on(c.address).addJob("q", body, { replicate: 1, retry: "1 minute" })
          const draining = yield* Effect.fork(Stream.runDrain(Cluster.drain(c.address, { moves: true })))
          for (let i = 0; i < turns * 8; i++) yield* Effect.yieldNow()
          yield* meanwhile(Fiber.interrupt(draining))
          assert.includeMembers([...new Set(yield* waiting("q"))], bodies, `after ${turns} turns`)
          moved.add((yield* pool.on(c.address).queueLength("q")) === 0)
          if (turns === 39) assert.isTrue(yield* pool.on(c.address).cluster.leaving)
          yield* meanwhile(Cluster.undrain(c.address))
          assert.isFalse(yield* pool.on(c.address).cluster.leaving)
          const found = yield* Effect.forEach(yield* three, ({ address }) => pool.on(address).peek("q", { count: 100 }))
          yield* pool.ackJob(found.flat())
          yield* settle
        }
        assert.sameMembers([...moved], [true, false])
      }).pipe(Effect.provide(cluster()))
  )

  it.scoped("says why jobs cannot be moved, and goes on once they can", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      const pool = yield* DisquePool
      yield* pool.on(c.address).addJob("q", "x", { replicate: 1 })
      for (const { address } of [a, b]) yield* pool.on(address).pause("q", "in")
      let progress: Cluster.DrainProgress | undefined
      const draining = yield* Effect.fork(
        Stream.runForEach(Cluster.drain(c.address, { moves: true }), (now) =>
          Effect.sync(() => {
            progress = now
          })
        )
      )
      yield* seconds(5)
      assert.strictEqual(progress?.failure?._tag, "QueuePaused")
      assert.deepStrictEqual(yield* waiting("q"), ["x"])
      for (const { address } of [a, b]) yield* pool.on(address).pause("q", "none")
      yield* meanwhile(Fiber.join(draining))
      assert.deepInclude({ ...progress }, { isSafe: true, moved: 1, failure: undefined })
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("fails where the node dies, or is no node of the cluster", () =>
    Effect.gen(function* () {
      const [, , c] = yield* three
      const { kill } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* pool.on(c.address).addJob("q", "x", { replicate: 1 })
      const draining = yield* Effect.fork(Stream.runDrain(Cluster.drain(c.address)))
      yield* seconds(3)
      yield* kill(c)
      const exit = yield* meanwhile(Fiber.await(draining))
      assert.isTrue(Exit.isFailure(exit))
      const error = yield* Effect.flip(Stream.runDrain(Cluster.drain("10.1.2.3:7711")))
      assert.deepInclude({ ...error }, { _tag: "InvalidArgument", value: '"10.1.2.3:7711"' })
    }).pipe(Effect.provide(cluster()))
  )
})
