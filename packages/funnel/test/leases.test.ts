import { DisquePool, JobQueue } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Fiber, Option, Schedule, Schema, Scope, Stream, TestClock } from "effect"
import { DeadLetter, Funnel, Worker } from "../src/index.js"
import { known } from "./utils/jobs.js"
import { logged } from "./utils/logs.js"
import { layer } from "./utils/nodes.js"
import { pass, passIn, settle } from "./utils/time.js"

const queue = JobQueue.make("old", { payload: Schema.Number })

/** Ways in which half of the TTL of a job goes before its handler begins. */
const ways: ReadonlyArray<readonly [string, Effect.Effect<string, unknown, DisquePool>]> = [
  [
    "waited behind a backlog",
    Effect.flatMap(DisquePool, (pool) =>
      Effect.zipLeft(queue.add(pool, 1, { ttl: "1 day", retry: "2 hours" }), pass("13 hours"))
    )
  ],
  [
    "was delayed",
    Effect.flatMap(DisquePool, (pool) =>
      Effect.zipLeft(pool.addJob("old", "1", { ttl: "3 days", delay: "2 days", retry: "5 minutes" }), pass("2 days"))
    )
  ],
  [
    "has a short TTL",
    Effect.flatMap(DisquePool, (pool) =>
      Effect.zipLeft(queue.add(pool, 1, { ttl: "20 seconds", retry: "5 seconds" }), pass("11 seconds"))
    )
  ]
]

describe.concurrent("a job whose TTL is half over", () => {
  for (const [way, add] of ways) {
    it.effect(`as it ${way} is handled to its end by a worker`, () =>
      Effect.gen(function* () {
        const id = yield* add
        let begun = 0
        let done = 0
        const handler = () =>
          Effect.gen(function* () {
            begun += 1
            yield* Effect.sleep("2 seconds")
            done += 1
          })
        const lines = yield* logged(
          Effect.scoped(Effect.zipRight(Worker.make(queue, handler, { grace: 0 }), passIn(20, "1 second")))
        )
        assert.deepStrictEqual([begun, done], [1, 1])
        assert.deepStrictEqual(lines, [])
        assert.strictEqual(yield* known([id]), 0)
      }).pipe(Effect.provide(layer))
    )

    it.effect(`as it ${way} is handled to its end by a funnel`, () =>
      Effect.gen(function* () {
        const id = yield* add
        const done: Array<string> = []
        const funnel = yield* Funnel.make({ queues: "old" })
        const consumer = yield* Effect.fork(
          Stream.runForEach(funnel.incoming, (job) =>
            job.guard(Effect.sleep("2 seconds")).pipe(Effect.zipRight(Effect.sync(() => done.push(job.id))))
          )
        )
        yield* passIn(20, "1 second")
        assert.deepStrictEqual(done, [id])
        assert.strictEqual(yield* known([id]), 0)
        assert.isTrue(Option.isNone(yield* Fiber.poll(consumer)))
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  it.effect("is taken from its handler once its next delivery is due, and not before", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* queue.add(pool, 1, { ttl: "1 hour", retry: "2 minutes" })
      const lost: Array<number> = []
      const started = yield* Effect.clock
      const handler = () =>
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => lost.push(started.unsafeCurrentTimeMillis() / 1000)))
      yield* Worker.make(queue, handler, { grace: 0 })
      yield* passIn(29, "1 minute")
      // Renewed every minute, for the last time shortly before half of the TTL is over.
      assert.deepStrictEqual(lost, [])
      yield* passIn(180, "1 second")
      assert.lengthOf(lost, 1)
      assert.isAtLeast(lost[0] ?? 0, 30 * 60)
      assert.isAtMost(lost[0] ?? 0, 32 * 60)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("keeps its attempts if it cannot be kept in the process until the next attempt", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* queue.add(pool, 1, { ttl: "1 minute", retry: "3 seconds" })
      yield* passIn(40, "1 second")
      const attempts: Array<number> = []
      const fail = (_: number, { attempt }: Worker.JobInHand) =>
        Effect.zipRight(
          Effect.sync(() => attempts.push(attempt)),
          Effect.fail("no")
        )
      yield* Worker.make(queue, fail, { retry: Schedule.spaced("5 seconds"), attempts: 3, grace: 0 })
      yield* passIn(20, "1 second")
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.deepStrictEqual(
        (yield* DeadLetter.list(queue)).map(({ letter }) => [letter.reason, letter.attempts]),
        [["failed", 3]]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that was only ever delayed by its queue leaves half of a day and more for its handler", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let done = 0
      yield* Worker.make(
        queue,
        () =>
          Effect.zipRight(
            Effect.sleep("6 hours"),
            Effect.sync(() => done++)
          ),
        { grace: 0 }
      )
      yield* queue.add(pool, 1, { delay: "6 days", retry: "10 minutes" })
      yield* pass("6 days")
      yield* passIn(6 * 12 + 1, "5 minutes")
      assert.strictEqual(done, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

it.effect("a job that is delivered again while its handler runs is lost there, and handled anew", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const id = yield* queue.add(pool, 1, { retry: "1 minute" })
    const ends: Array<string> = []
    let begun = 0
    const handler = () =>
      Effect.suspend(() => {
        begun += 1
        return begun === 1
          ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => ends.push("lost")))
          : Effect.sync(() => ends.push("done"))
      })
    yield* Worker.make(queue, handler, { concurrency: 2, grace: 0 })
    yield* settle
    // Somebody else's hand, or that of an operator.
    yield* pool.enqueueJob(id)
    yield* settle
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(ends.sort(), ["done", "lost"])
    assert.strictEqual(yield* known([id]), 0)
  }).pipe(Effect.scoped, Effect.provide(layer))
)

describe.concurrent("jobs whose lease is lost before they are begun", () => {
  const oldJobs = (count: number) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let n = 0; n < count; n++) yield* queue.add(pool, n, { ttl: "1 hour", retry: "2 seconds" })
      yield* passIn(31, "1 minute")
    })

  it.effect("are in a batch once each", () =>
    Effect.gen(function* () {
      yield* oldJobs(3)
      const batches: Array<ReadonlyArray<number>> = []
      yield* Worker.makeBatch(
        queue,
        (jobs) => {
          batches.push(jobs.map(({ payload }) => payload))
          return Effect.succeed(jobs.map(() => Either.right(0)))
        },
        { size: 10, within: "5 seconds", grace: 0 }
      )
      yield* passIn(20, "500 millis")
      for (const batch of batches) assert.strictEqual(new Set(batch).size, batch.length)
      assert.sameMembers([...new Set(batches.flat())], [0, 1, 2])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("are in a group of a funnel once each", () =>
    Effect.gen(function* () {
      yield* oldJobs(3)
      const funnel = yield* Funnel.make({ queues: "old" })
      const groups: Array<ReadonlyArray<string>> = []
      yield* Effect.fork(
        Stream.runForEach(funnel.incomingGrouped(10, "5 seconds"), (group) =>
          Effect.sync(() => groups.push([...group].map((job) => new TextDecoder().decode(job.body))))
        )
      )
      yield* passIn(30, "500 millis")
      for (const group of groups) assert.strictEqual(new Set(group).size, group.length)
      assert.sameMembers([...new Set(groups.flat())], ["0", "1", "2"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("are not begun in a batch if others have acknowledged them", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* queue.add(pool, 1, { retry: "2 seconds" })
      let begun = 0
      yield* Worker.makeBatch(
        queue,
        (jobs) =>
          Effect.as(
            Effect.sync(() => (begun += jobs.length)),
            jobs.map(() => Either.right(0))
          ),
        { size: 10, within: "5 seconds", grace: 0 }
      )
      yield* pass("500 millis")
      yield* pool.ackJob(id)
      yield* passIn(10, "1 second")
      assert.strictEqual(begun, 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("spend nothing of the crash budget", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* queue.add(pool, 0, { retry: "10 minutes" })
      yield* settle
      const done: Array<number> = []
      yield* Worker.make(
        queue,
        (n) =>
          Effect.zipRight(
            Effect.sleep(n === 0 ? "1 minute" : 0),
            Effect.sync(() => done.push(n))
          ),
        { crashes: 1, prefetchTimeToLive: "1 hour", grace: 0 }
      )
      yield* settle
      yield* queue.add(pool, 1, { ttl: "30 seconds", retry: "2 seconds" })
      yield* passIn(12, "1 second")
      yield* queue.add(pool, 2, { ttl: "2 minutes", retry: "3 seconds" })
      yield* passIn(90, "1 second")
      assert.includeMembers(done, [0, 2])
      assert.deepStrictEqual(yield* DeadLetter.list(queue), [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

it.effect("a job that others got just before it came here is taken from its handler", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const id = yield* queue.add(pool, 1, { ttl: "1 hour", retry: "10 minutes" })
    yield* passIn(31, "1 minute")
    const begun: Array<string> = []
    const done: Array<string> = []
    const run = (name: string) =>
      Worker.make(
        queue,
        () =>
          Effect.sync(() => begun.push(name)).pipe(
            Effect.zipRight(Effect.sleep("1 minute")),
            Effect.zipRight(Effect.sync(() => done.push(name)))
          ),
        { prefetch: 0, grace: 0 }
      )
    yield* run("a")
    yield* settle
    // Before the first renewal: the worker does not know of it yet.
    yield* pool.enqueueJob(id)
    yield* run("b")
    yield* passIn(130, "1 second")
    assert.deepStrictEqual(begun, ["a", "b"])
    assert.deepStrictEqual(done, ["b"])
  }).pipe(Effect.scoped, Effect.provide(layer))
)

describe.concurrent("a lease whose loss is ignored (`onLeaseLost`)", () => {
  it.effect("has its job acknowledged all the same, also during the close, and not done again", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* queue.add(pool, 1, { ttl: "1 hour", retry: "5 seconds" })
      yield* passIn(31, "1 minute")
      let begun = 0
      const scope = yield* Scope.make()
      yield* Scope.extend(
        Worker.make(
          queue,
          () =>
            Effect.zipRight(
              Effect.sync(() => begun++),
              Effect.sleep("8 seconds")
            ),
          {
            onLeaseLost: "ignore"
          }
        ),
        scope
      )
      yield* passIn(7, "1 second")
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* passIn(30, "1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      assert.strictEqual(begun, 1)
      assert.strictEqual(yield* known([id]), 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("has a job that was delivered to the same worker again not done twice", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* queue.add(pool, 1, { ttl: "1 hour", retry: "5 seconds" })
      yield* passIn(31, "1 minute")
      let begun = 0
      yield* Worker.make(
        queue,
        () =>
          Effect.zipRight(
            Effect.sync(() => begun++),
            Effect.sleep("8 seconds")
          ),
        {
          onLeaseLost: "ignore",
          grace: 0
        }
      )
      yield* passIn(30, "1 second")
      assert.strictEqual(begun, 1)
      assert.strictEqual(yield* known([id]), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

it.effect("a renewal that dies is tried again, and costs no other lease", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    for (let n = 0; n < 3; n++) yield* queue.add(pool, n, { retry: "20 seconds" })
    let calls = 0
    const broken: DisquePool.Service = {
      ...pool,
      working: (job) => Effect.suspend(() => (calls++ === 0 ? Effect.die("a fault of ours") : pool.working(job)))
    }
    let begun = 0
    const lines = yield* logged(
      Effect.scoped(
        Effect.zipRight(
          Worker.make(
            queue,
            () =>
              Effect.zipRight(
                Effect.sync(() => begun++),
                Effect.sleep("1 minute")
              ),
            {
              concurrency: 3,
              grace: 0
            }
          ).pipe(Effect.provideService(DisquePool, broken)),
          passIn(70, "1 second")
        )
      )
    )
    assert.strictEqual(begun, 3)
    assert.lengthOf(
      lines.filter(({ text }) => text.startsWith("the renewal of a lease died, and is tried again")),
      1
    )
  }).pipe(Effect.provide(layer))
)
