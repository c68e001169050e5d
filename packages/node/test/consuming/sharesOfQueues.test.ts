import { DisqueDialer, DisquePool, type Job, type JobId } from "@disco/core"
import { consume } from "@disco/core/internal"
import { EmbeddedDisque, type EmbeddedOptions } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, TestClock } from "effect"

const embedded = (options: EmbeddedOptions) =>
  DisquePool.layer().pipe(
    Layer.provide(EmbeddedDisque.layerDialer),
    Layer.provideMerge(EmbeddedDisque.layer({ federationDelay: "1 hour", ...options }))
  )

const addMany = (disque: Pick<DisquePool.Service, "addJobs">, queue: string, count: number) =>
  disque.addJobs(Array.from({ length: count }, (_, i) => ({ queue, body: String(i), options: { replicate: 1 } })))

const count = (taken: ReadonlyArray<string>, queue: string) => taken.filter((name) => name === queue).length

/** The queues of the jobs that come where there is room for so many at a time, for so many in all. */
const queuesOf = (queues: ReadonlyArray<string>, most: number, total: number) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const taken: Array<string> = []
    let room = total
    const fiber = yield* Effect.fork(
      consume(pool, queues, {
        demand: (asked) =>
          Effect.suspend(() => {
            const granted = Math.min(most, asked, room)
            room -= granted
            return granted === 0 ? Effect.never : Effect.as(Effect.yieldNow(), granted)
          }),
        receive: (jobs, reserved) =>
          Effect.sync(() => {
            room += reserved - jobs.length
            for (const { queue } of jobs) taken.push(queue)
          })
      })
    )
    for (let i = 0; i < 20 && taken.length < total; i++) yield* TestClock.adjust("1 second")
    yield* Fiber.interrupt(fiber)
    return taken
  })

/** Replies to GETJOB that are kept back between two calls. */
const held = () => {
  let isHolding = false
  const kept: Array<() => void> = []
  return {
    hold: () => {
      isHolding = true
    },
    release: () => {
      isHolding = false
      for (const reply of kept.splice(0)) reply()
    },
    pass: (reply: () => void) => {
      if (isHolding) kept.push(reply)
      else reply()
    }
  }
}
const never = held()

/** A pool over links that take no GETJOB back, as those of sockets. */
const afar = (replies: ReturnType<typeof held>) =>
  DisquePool.layer().pipe(
    Layer.provide(
      Layer.effect(
        DisqueDialer,
        Effect.map(DisqueDialer, ({ dial, seeds }) => ({
          seeds,
          dial: (address) =>
            Effect.map(dial(address), ({ withdraw: _, ...link }) => ({
              ...link,
              send: (words, done) =>
                link.send(words, (outcome) =>
                  words[0] === "GETJOB" ? replies.pass(() => done(outcome)) : done(outcome)
                )
            }))
        }))
      )
    ),
    Layer.provide(EmbeddedDisque.layerDialer),
    Layer.provide(EmbeddedDisque.layer())
  )

/** A consumer whose interruption waits for the reply to a GETJOB. */
const interruptedWith = (unwanted: (jobs: ReadonlyArray<Job.Job>) => void) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const fiber = yield* Effect.fork(
      consume(pool, "q", { demand: Effect.succeed, receive: () => Effect.void, unwanted })
    )
    yield* TestClock.adjust(0)
    const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
    yield* TestClock.adjust(0)
    assert.isNull(interrupting.unsafePoll())
    return { interrupting }
  })

const interrupted = Effect.suspend(() => {
  const returned: Array<JobId.JobId> = []
  const waiting = interruptedWith((jobs) => {
    for (const { id } of jobs) returned.push(id)
  })
  return Effect.map(waiting, ({ interrupting }) => ({ interrupting, returned }))
})

describe("a consumer of several queues", () => {
  for (const most of [1, 2, 3]) {
    it.scoped(`takes three of four jobs from the queue that is named three times, with room for ${most}`, () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* addMany(pool, "a", 500)
        yield* addMany(pool, "b", 500)
        const taken = yield* queuesOf(["a", "a", "a", "b"], most, 400)
        assert.lengthOf(taken, 400)
        assert.isAtMost(Math.abs(count(taken, "a") - 300), 2)
      }).pipe(Effect.provide(embedded({ nodes: 1 })))
    )

    it.scoped(`keeps shares over three nodes of which one has both queues, with room for ${most}`, () =>
      Effect.gen(function* () {
        const { nodes } = yield* EmbeddedDisque
        const pool = yield* DisquePool
        for (const { address } of nodes) yield* addMany(pool.on(address), "a", 500)
        yield* addMany(pool.on(nodes[0].address), "b", 500)
        const taken = yield* queuesOf(["a", "a", "a", "b"], most, 400)
        assert.lengthOf(taken, 400)
        // Each of the three may have one under way that was asked for before the others were answered.
        assert.isAtMost(Math.abs(count(taken, "a") - 300), 2 + 2 * most)
      }).pipe(Effect.provide(embedded({ nodes: 3 })))
    )
  }

  it.scoped("serves the queue that is named last within two fetches, while the first queue has many jobs", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addMany(pool, "q", 200)
      const taken: Array<string> = []
      let added = 0
      yield* Effect.forkScoped(
        consume(pool, ["q", "q.retry"], {
          demand: () => (taken.length < 100 ? Effect.succeed(1) : Effect.never),
          receive: (jobs) =>
            Effect.gen(function* () {
              for (const { queue } of jobs) taken.push(queue)
              if (taken.length % 5 !== 0) return
              added += 1
              yield* Effect.orDie(pool.addJob("q.retry", "x"))
            })
        })
      )
      yield* TestClock.adjust("1 second")
      assert.lengthOf(taken, 100)
      for (let i = 1; i < added; i++) assert.include(taken.slice(5 * i, 5 * i + 2), "q.retry")
    }).pipe(Effect.provide(embedded({ nodes: 1 })))
  )

  it.scoped("hands over jobs that come while it is interrupted, at whatever moment", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let taken = 0
      let returned = 0
      for (let moment = 0; moment < 40; moment++) {
        const before = taken + returned
        const fiber = yield* Effect.fork(
          consume(pool, "q", {
            demand: Effect.succeed,
            receive: (jobs) =>
              Effect.sync(() => {
                taken += jobs.length
              }),
            unwanted: (jobs) => {
              returned += jobs.length
            }
          })
        )
        yield* TestClock.adjust("1 second")
        const adding = yield* Effect.fork(pool.addJob("q", "x"))
        for (let i = 0; i < moment % 10; i++) yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
        yield* Fiber.join(adding)
        const left = yield* pool.getJobs("q", { timeout: 0 })
        assert.strictEqual(taken + returned - before + left.length, 1, `at ${moment}`)
        for (const job of left) assert.strictEqual(job.additionalDeliveries, 0)
      }
      assert.isAbove(taken, 0)
      assert.isAbove(returned, 0)
    }).pipe(Effect.provide(embedded({ nodes: 1 })))
  )

  it.scoped("hands over, before its interruption ends, what a node sends that cannot take its GETJOB back", () =>
    Effect.gen(function* () {
      const { interrupting, returned } = yield* interrupted
      const pool = yield* DisquePool
      const id = yield* pool.addJob("q", "x", { retry: "1 hour" })
      assert.deepStrictEqual(returned, [id])
      yield* Fiber.join(interrupting)
      // It is theirs who took it over: nobody else has put it back.
      assert.strictEqual(yield* pool.queueLength("q"), 0)
      assert.strictEqual(yield* pool.nackJob(id), 1)
      assert.deepInclude(yield* pool.getJob("q"), { id, nacks: 1, additionalDeliveries: 0 })
    }).pipe(Effect.provide(afar(never)))
  )

  it.scoped("hands over nothing once its interruption has ended: jobs that come later go back by themselves", () => {
    const replies = held()
    return Effect.gen(function* () {
      const { interrupting, returned } = yield* interrupted
      const pool = yield* DisquePool
      replies.hold()
      const id = yield* pool.addJob("q", "x", { retry: "1 hour" })
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(interrupting)
      replies.release()
      assert.deepStrictEqual(returned, [])
      assert.deepInclude(yield* pool.getJob("q"), { id, nacks: 0, additionalDeliveries: 1 })
    }).pipe(Effect.provide(afar(replies)))
  })

  it.scoped("puts back jobs by itself if the function that was to take them over failed", () =>
    Effect.gen(function* () {
      const { interrupting } = yield* interruptedWith(() => {
        throw new Error("thrown")
      })
      const pool = yield* DisquePool
      const id = yield* pool.addJob("q", "x", { retry: "1 hour" })
      yield* Fiber.join(interrupting)
      assert.deepInclude(yield* pool.getJob("q"), { id, additionalDeliveries: 1 })
    }).pipe(Effect.provide(afar(never)))
  )
})
