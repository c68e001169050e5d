import { DisquePool, Job, JobQueue } from "@disco/core"
import { Consume, type Consuming } from "@disco/core/internal"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import {
  Context,
  Deferred,
  Effect,
  Either,
  Exit,
  Fiber,
  FiberId,
  FiberRef,
  Layer,
  Logger,
  LogLevel,
  Metric,
  Option,
  Runtime,
  Schedule,
  Schema,
  Scope,
  TestClock,
  Tracer
} from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, known, left, numbers } from "../utils/jobs.js"
import { logged, makeLog } from "../utils/logs.js"
import { clusterOf, layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

const clusterLayer = clusterOf(3)

describe("handlers", () => {
  it.effect("get each job with its payload and attempt, and a job is acknowledged when its handler succeeds", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(5)
      const seen: Array<readonly [number, number]> = []
      yield* Worker.make(numbers, ({ n }, { attempt }) => Effect.sync(() => seen.push([n, attempt])))
      yield* settle
      assert.deepStrictEqual(
        seen,
        [0, 1, 2, 3, 4].map((n) => [n, 1])
      )
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("run at most `concurrency` at a time, and a slow one holds up no other", () =>
    Effect.gen(function* () {
      yield* addAll(12)
      let running = 0
      let most = 0
      const done: Array<number> = []
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.gen(function* () {
            running += 1
            most = Math.max(most, running)
            yield* Effect.sleep(n === 0 ? "1 hour" : "1 second")
            running -= 1
            done.push(n)
          }),
        { concurrency: 3, grace: 0 }
      )
      for (let i = 0; i < 6; i++) yield* pass("1 second")
      assert.strictEqual(most, 3)
      assert.sameMembers(done, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("hold no more jobs than prefetch and concurrency when they are slower than their producers", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(100)
      yield* Worker.make(numbers, () => Effect.never, {
        concurrency: 3,
        prefetch: 5,
        prefetchTimeToLive: "1 day",
        grace: 0
      })
      yield* pass("1 minute")
      assert.strictEqual(yield* pool.queueLength("numbers"), 92)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that throw, reject, die or interrupt themselves have failed, and the worker goes on", () =>
    Effect.gen(function* () {
      yield* addAll(6)
      const errors: Array<string> = []
      yield* Worker.make(
        numbers,
        ({ n }): Effect.Effect<unknown, string> => {
          if (n === 0) throw new Error("thrown")
          if (n === 1) return Effect.promise(() => Promise.reject(new Error("rejected")))
          if (n === 2) return Effect.die(new Error("died"))
          if (n === 3) return Effect.interrupt
          if (n === 4) return Effect.fail("failed")
          return Effect.void
        },
        {
          attempts: 1,
          onFailure: ({ error }) => Effect.sync(() => errors.push(typeof error === "string" ? error : error.message))
        }
      )
      // A promise is rejected in its own time.
      yield* Effect.repeat(Effect.promise(() => Promise.resolve()).pipe(Effect.zipRight(settle)), { times: 20 })
      assert.strictEqual(errors.length, 5)
      for (const [i, expected] of ["thrown", "rejected", "died", "nterrupted", "failed"].entries()) {
        assert.include(errors[i], expected)
      }
      assert.strictEqual((yield* DeadLetter.list(numbers)).length, 5)
      assert.deepStrictEqual(yield* left("numbers"), [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that never end keep their lease for as long as Disque lets them", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      let calls = 0
      yield* Worker.make(
        numbers,
        () =>
          Effect.zipRight(
            Effect.sync(() => calls++),
            Effect.never
          ),
        { grace: 0 }
      )
      yield* pass("1 hour")
      const info = Option.getOrThrow(yield* pool.show(id ?? ""))
      assert.deepStrictEqual([calls, info.state, info.additionalDeliveries], [1, "active", 0])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("may acknowledge early, and twice", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(1)
      let calls = 0
      yield* Worker.make(numbers, (_, current) =>
        Effect.gen(function* () {
          calls += 1
          yield* current.ack
          yield* current.ack
          return yield* Effect.fail("after the work was done")
        })
      )
      yield* pass("1 hour")
      assert.deepStrictEqual([calls, yield* known(ids)], [1, 0])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("leave nothing to the next job: no fiber, no setting of a FiberRef", () =>
    Effect.gen(function* () {
      yield* addAll(2)
      const ref = FiberRef.unsafeMake("nobody's")
      const seen: Array<string> = []
      let interrupted = 0
      yield* Worker.make(numbers, () =>
        Effect.gen(function* () {
          seen.push(yield* FiberRef.get(ref))
          yield* FiberRef.set(ref, "mine")
          yield* Effect.fork(Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)))
          yield* Effect.yieldNow()
        })
      )
      yield* settle
      assert.deepStrictEqual([seen, interrupted], [["nobody's", "nobody's"], 2])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("find the services of where the worker was made, and the job in hand among them", () =>
    Effect.gen(function* () {
      class Greeting extends Context.Tag("Greeting")<Greeting, string>() {}
      yield* addAll(1)
      const seen: Array<string> = []
      const handler = () =>
        Effect.gen(function* () {
          const { job } = yield* Worker.CurrentJob
          seen.push(`${yield* Greeting} ${Job.text(job)}`)
        })
      yield* Effect.provideService(Worker.make(numbers, handler), Greeting, "hello")
      yield* settle
      assert.deepStrictEqual(seen, ['hello {"n":0}'])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("leave running what goes on with its own job, whatever job comes next", () =>
    Effect.gen(function* () {
      yield* addAll(3)
      const gate = yield* Deferred.make<void>()
      const seen: Array<string> = []
      const log = makeLog()
      yield* Worker.make(numbers, () =>
        Effect.gen(function* () {
          const runtime = yield* Effect.runtime<Worker.CurrentJob>()
          const report = Effect.gen(function* () {
            const { job } = yield* Worker.CurrentJob
            seen.push(`${Job.text(job)} ${job.id}`)
            yield* Effect.log("still here")
          })
          yield* Effect.forkDaemon(Effect.zipRight(Deferred.await(gate), report))
          yield* Effect.forkDaemon(
            Effect.zipRight(
              Deferred.await(gate),
              Effect.sync(() => Runtime.runFork(runtime)(report))
            )
          )
        })
      ).pipe(Effect.provide(log.layer))
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.strictEqual(new Set(seen).size, 3)
      assert.strictEqual(seen.length, 6)
      const ids = seen.map((line) => line.split(" ")[1])
      assert.sameMembers(
        log.lines.map(({ annotations }) => annotations.job),
        ids
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that end at once have their jobs from few fibers, and those that do not have one each", () =>
    Effect.gen(function* () {
      yield* addAll(20)
      const fibers = new Set<string>()
      let isSlow = false
      yield* Worker.make(
        numbers,
        () =>
          Effect.flatMap(Effect.fiberId, (id) => {
            fibers.add(FiberId.threadName(id))
            return isSlow ? Effect.never : Effect.void
          }),
        { concurrency: 10, prefetch: 20, grace: 0 }
      )
      yield* settle
      assert.isBelow(fibers.size, 10)
      fibers.clear()
      isSlow = true
      yield* addAll(20)
      yield* settle
      assert.strictEqual(fibers.size, 10)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("get the jobs of every node as they come, however little is fetched ahead", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const seen: Array<number> = []
      for (const [n, { address }] of nodes.entries()) {
        // No job on another node makes room for this one.
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* Worker.make(numbers, ({ n }) => Effect.sync(() => seen.push(n)), { concurrency: 3, prefetch: 1 })
            yield* pass("1 second")
            yield* numbers.add(pool.on(address), { n }, { replicate: 1 })
            yield* settle
          })
        )
      }
      assert.deepStrictEqual(seen, [0, 1, 2])
    }).pipe(Effect.scoped, Effect.provide(clusterLayer))
  )

  it.effect("are interrupted when the lease is lost, and their place is taken", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      let interrupted = 0
      const seen: Array<number> = []
      const lines = yield* logged(
        Effect.gen(function* () {
          yield* Worker.make(numbers, ({ n }) =>
            n === 0 && seen.push(n) === 1
              ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
              : Effect.sync(() => seen.push(n))
          )
          yield* settle
          // Somebody else has done the job.
          yield* pool.ackJob(id ?? "")
          yield* pass("1 minute")
          assert.strictEqual(interrupted, 1)
          yield* numbers.add(pool, { n: 7 })
          yield* settle
          assert.deepStrictEqual(seen, [0, 7])
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(lines.filter(({ text }) => text.includes("no longer ours")).length, 1)
    }).pipe(Effect.provide(layer))
  )

  it.effect("go on without a lease where they are to", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      let done = 0
      yield* Worker.make(
        numbers,
        () =>
          Effect.zipRight(
            Effect.sleep("10 minutes"),
            Effect.sync(() => done++)
          ),
        {
          onLeaseLost: "ignore"
        }
      )
      yield* settle
      yield* pool.ackJob(id ?? "")
      yield* pass("10 minutes")
      assert.strictEqual(done, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("retries", () => {
  const failing = (until: number, options: Worker.WorkerOptions<{ readonly n: number }, string> = {}) =>
    Effect.gen(function* () {
      const attempts: Array<number> = []
      const worker = yield* Worker.make(
        numbers,
        (_, { attempt }) =>
          Effect.suspend(() => {
            attempts.push(attempt)
            return attempt < until ? Effect.fail("not yet") : Effect.void
          }),
        options
      )
      return { attempts, worker }
    })

  it.effect("wait here under the lease where they are short", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* addAll(1)
      const { attempts } = yield* failing(3, { retry: Schedule.spaced("5 seconds") })
      yield* pass("4 seconds")
      assert.deepStrictEqual(attempts, [1])
      assert.strictEqual(yield* pool.queueLength("numbers.retry"), 0)
      yield* pass("1 second")
      assert.deepStrictEqual(attempts, [1, 2])
      yield* pass("5 seconds")
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("go by way of the queue for delayed jobs where they are long, and count on there", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(1)
      const { attempts } = yield* failing(3, { retry: Schedule.exponential("1 minute") })
      yield* settle
      // The old job is acknowledged, the new one waits in the node.
      assert.strictEqual(yield* known(ids), 0)
      yield* pass("59 seconds")
      assert.deepStrictEqual(attempts, [1])
      yield* pass("1 second")
      assert.deepStrictEqual(attempts, [1, 2])
      yield* pass("2 minutes")
      assert.deepStrictEqual(attempts, [1, 2, 3])
      assert.deepStrictEqual(yield* DeadLetter.list(numbers), [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("go on in another process where the first has died", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const first = yield* Effect.scoped(Effect.zipLeft(failing(9, { retry: Schedule.spaced("1 hour") }), settle))
      assert.deepStrictEqual(first.attempts, [1])
      const second = yield* failing(3, { retry: Schedule.spaced("1 hour") })
      yield* pass("1 hour")
      yield* pass("1 hour")
      assert.deepStrictEqual(second.attempts, [2, 3])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("of a day pass in no time, and end in the dead-letter queue with all that is known", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* TestClock.setTime(Date.UTC(2026, 0, 1))
      const id = yield* numbers.add(pool, { n: 42 }, { ttl: "2 days" })
      const letters: Array<Worker.Letter> = []
      const { attempts } = yield* failing(100, {
        ttl: "2 days",
        attempts: 24,
        retry: Schedule.spaced("1 hour"),
        onDeadLetter: (letter) => Effect.sync(() => letters.push(letter))
      })
      for (let hour = 0; hour < 24; hour++) yield* pass("1 hour")
      assert.deepStrictEqual(
        attempts,
        Array.from({ length: 24 }, (_, i) => i + 1)
      )
      const entries = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        entries.map(({ letter }) => letter),
        letters
      )
      assert.deepStrictEqual(letters, [
        {
          queue: "numbers",
          id,
          reason: "failed",
          error: "not yet",
          attempts: 24,
          nacks: 0,
          additionalDeliveries: 0,
          addedAt: "2026-01-01T00:00:00.000Z",
          firstAt: "2026-01-01T00:00:00.000Z",
          lastAt: "2026-01-01T23:00:00.000Z",
          retry: 60,
          ttl: 172_800,
          body: '{"n":42}'
        }
      ])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("end where the schedule does, or where it does not like the failure", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const { attempts } = yield* failing(100, {
        retry: Schedule.spaced("1 second").pipe(Schedule.whileInput((error) => error !== "not yet"))
      })
      yield* pass("1 minute")
      assert.deepStrictEqual(attempts, [1])
      assert.strictEqual((yield* DeadLetter.list(numbers)).length, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("that would come after the job's TTL are not made", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* numbers.add(pool, { n: 1 }, { ttl: "10 minutes" })
      yield* failing(100, { retry: Schedule.spaced("1 hour"), attempts: 3 })
      yield* settle
      const [entry] = yield* DeadLetter.list(numbers)
      assert.include(entry?.letter.error, "its TTL ends before the next attempt")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("of many jobs at once do not stop the worker: what cannot wait here is put off", () =>
    Effect.gen(function* () {
      yield* addAll(50)
      const seen = new Set<number>()
      yield* Worker.make(
        numbers,
        ({ n }) => Effect.suspend(() => (seen.add(n).size > 0 && n < 49 ? Effect.fail("no") : Effect.void)),
        { concurrency: 2, prefetch: 2, retry: Schedule.spaced("5 seconds") }
      )
      yield* pass("1 second")
      assert.strictEqual(seen.size, 50)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("are said once, with their number after a while", () =>
    Effect.gen(function* () {
      yield* addAll(100)
      const lines = yield* logged(
        Effect.scoped(
          Effect.gen(function* () {
            yield* Worker.make(numbers, () => Effect.fail("no"), { attempts: 1, concurrency: 4 })
            yield* settle
            yield* settle
            yield* pass("1 minute")
          })
        )
      )
      const said = lines.filter(({ text }) => text.startsWith("a job failed")).map(({ text }) => text)
      assert.deepStrictEqual(said, [
        "a job failed (attempt 1): no",
        "a job failed (attempt 1): no (and 99 times more since this was last said)"
      ])
      assert.isTrue(lines.every(({ annotations }) => annotations.queue === "numbers"))
    }).pipe(Effect.provide(layer))
  )

  it.effect("are each said at debug level, with the job", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(3)
      const lines = yield* logged(
        Effect.scoped(
          Effect.zipRight(
            Worker.make(numbers, () => Effect.fail("no"), { attempts: 1 }),
            settle
          )
        )
      ).pipe(Logger.withMinimumLogLevel(LogLevel.Debug))
      const said = lines.filter(({ level, text }) => level === "DEBUG" && text === "a job failed (attempt 1): no")
      assert.sameMembers(
        said.map(({ annotations }) => String(annotations.job)),
        ids
      )
    }).pipe(Effect.provide(layer))
  )
})

it.effect("hooks that throw or die are said to have, and change nothing", () =>
  Effect.gen(function* () {
    yield* addAll(2)
    const lines = yield* logged(
      Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, () => Effect.fail("no"), {
            attempts: 1,
            onFailure: () => {
              throw new Error("thrown")
            },
            onDeadLetter: () => Effect.die("died")
          }),
          settle
        )
      )
    )
    assert.strictEqual(lines.filter(({ text }) => text === "a hook of the worker died").length, 2)
    assert.strictEqual((yield* DeadLetter.list(numbers)).length, 2)
  }).pipe(Effect.provide(layer))
)

describe("dead letters", () => {
  it.effect("hold what does not fit the schema, at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("numbers", "no JSON")
      yield* pool.addJob("numbers", Uint8Array.of(0xff, 0x00))
      let calls = 0
      yield* Worker.make(numbers, () => Effect.sync(() => calls++))
      yield* settle
      const letters = (yield* DeadLetter.list(numbers)).map(({ letter }) => letter)
      assert.deepStrictEqual(
        letters.map(({ attempts, body, bodyBase64, reason }) => [reason, attempts, body, bodyBase64]),
        [
          ["undecodable", 0, "no JSON", undefined],
          ["undecodable", 0, undefined, "/wA="]
        ]
      )
      assert.strictEqual(calls, 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("hold what was delivered too often without having failed", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [id] = yield* addAll(1)
      for (let i = 0; i < 3; i++) {
        yield* pool.getJob("numbers")
        yield* pool.enqueueJob(id ?? "")
      }
      let calls = 0
      yield* Worker.make(numbers, () => Effect.sync(() => calls++), { crashes: 2 })
      yield* settle
      const [entry] = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual([entry?.letter.reason, entry?.letter.additionalDeliveries, calls], ["crashed", 3, 0])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("are redriven as they were, or purged, by so many as told", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll(5)
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, () => Effect.fail("no"), { attempts: 1 }),
          settle
        )
      )
      const spend = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(effect)
          yield* pass("1 second")
          return yield* Fiber.join(fiber)
        })
      assert.strictEqual(yield* spend(DeadLetter.redrive(numbers, { limit: 2 })), 2)
      assert.deepStrictEqual((yield* left("numbers")).map(Job.text), ['{"n":0}', '{"n":1}'])
      assert.strictEqual(yield* spend(DeadLetter.purge("numbers")), 3)
      assert.strictEqual(yield* pool.queueLength("numbers.dead"), 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are redriven, and what is no letter goes back to its queue at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("numbers.dead", "no letter", { retry: "1 hour" })
      yield* addAll(1)
      yield* Effect.scoped(
        Effect.zipRight(
          Worker.make(numbers, () => Effect.fail("no"), { attempts: 1 }),
          settle
        )
      )
      const lines = yield* logged(
        Effect.gen(function* () {
          const redriving = yield* Effect.fork(DeadLetter.redrive(numbers))
          yield* pass("1 second")
          assert.strictEqual(yield* Fiber.join(redriving), 1)
        })
      )
      assert.deepStrictEqual(
        lines.map(({ text }) => text),
        ['jobs that are no letters stay in "numbers.dead": 1']
      )
      assert.strictEqual(yield* pool.queueLength("numbers"), 1)
      assert.deepStrictEqual((yield* left("numbers.dead")).map(Job.text), ["no letter"])
    }).pipe(Effect.provide(layer))
  )

  it.scoped("are listed from every node, and a node that does not answer is said to be left out", () =>
    Effect.gen(function* () {
      const { kill, nodes } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const letter = (n: number) => ({
        queue: "numbers",
        id: `D-${n}`,
        attempts: 1,
        nacks: 0,
        additionalDeliveries: 0,
        firstAt: `2026-01-01T00:00:0${n}.000Z`,
        lastAt: `2026-01-01T00:00:0${n}.000Z`
      })
      // Not in the order of the nodes.
      for (const [i, { address }] of [...nodes.entries()].reverse()) {
        yield* pool.on(address).addJob("numbers.dead", JSON.stringify(letter(i)), { replicate: 1 })
      }
      const listed = (limit?: number) =>
        Effect.map(DeadLetter.list(numbers, { limit }), (entries) => entries.map(({ letter }) => letter.id))
      assert.deepStrictEqual(yield* listed(), ["D-0", "D-1", "D-2"])
      assert.deepStrictEqual(yield* listed(2), ["D-0", "D-1"])
      yield* kill(nodes[0])
      const lines = yield* logged(Effect.tap(listed(), (ids) => assert.deepStrictEqual(ids, ["D-1", "D-2"])))
      assert.lengthOf(lines, 1)
      assert.include(lines[0]?.text, nodes[0].address)
      for (const node of nodes.slice(1)) yield* kill(node)
      assert.strictEqual((yield* Effect.flip(listed()))._tag, "ConnectionError")
    }).pipe(Effect.provide(clusterLayer))
  )

  it.effect("that cannot be added leave the job to come again after its retry time, and not at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* addAll(1)
      let calls = 0
      const refusing: DisquePool.Service = {
        ...pool,
        addJob: (queue, body, options) =>
          pool.addJob(queue, body, queue.endsWith(".dead") ? { ...options, retry: "1500 millis" } : options)
      }
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Worker.make(
            numbers,
            () =>
              Effect.zipRight(
                Effect.sync(() => calls++),
                Effect.fail("no")
              ),
            { attempts: 1 }
          )
          yield* pass("50 seconds")
          assert.strictEqual(calls, 1)
          yield* pass("1 minute")
          // It may be tried once: what is tried again is the letter.
          assert.strictEqual(calls, 1)
        })
      ).pipe(Effect.provideService(DisquePool, refusing))
      assert.strictEqual(yield* known(ids), 1)
    }).pipe(Effect.provide(layer))
  )
})

describe("the close of a worker", () => {
  it.effect("waits for handlers, and puts back what was fetched ahead at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const ids = yield* addAll(10)
      const scope = yield* Scope.make()
      const done: Array<number> = []
      yield* Scope.extend(
        Worker.make(
          numbers,
          ({ n }) =>
            Effect.zipRight(
              Effect.sleep("20 seconds"),
              Effect.sync(() => done.push(n))
            ),
          {
            concurrency: 2
          }
        ),
        scope
      )
      yield* settle
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* settle
      assert.strictEqual(yield* pool.queueLength("numbers"), 8)
      yield* pass("19 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(closing)))
      yield* pass("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      assert.sameMembers(done, [0, 1])
      assert.strictEqual(yield* known(ids), 8)
    }).pipe(Effect.provide(layer))
  )

  it.effect("keeps leases through the grace, then interrupts handlers and puts back their jobs by ENQUEUE", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* numbers.add(pool, { n: 1 }, { retry: "2 seconds" })
      const scope = yield* Scope.make()
      yield* Scope.extend(
        Worker.make(numbers, () => Effect.never),
        scope
      )
      yield* settle
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* pass("24 seconds")
      assert.strictEqual(yield* pool.queueLength("numbers"), 0)
      yield* pass("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
      const jobs = yield* left("numbers")
      assert.deepStrictEqual(
        jobs.map((job) => [job.nacks, job.additionalDeliveries]),
        [[0, 1]]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("is bounded where a handler cannot be interrupted, and where the node is gone", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      yield* addAll(2)
      const scope = yield* Scope.make()
      yield* Scope.extend(
        Worker.make(numbers, () => Effect.uninterruptible(Effect.never), { concurrency: 2, grace: "1 second" }),
        scope
      )
      yield* settle
      yield* disque.kill(disque.nodes[0])
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* pass("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.poll(closing)))
      yield* pass("10 seconds")
      assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
    }).pipe(Effect.provide(layer))
  )

  it.effect("moves what waits for its next attempt to the queue of the retries, with its attempts", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const attempts: Array<number> = []
      const run = Effect.scoped(
        Effect.zipRight(
          Worker.make(
            numbers,
            (_, { attempt }) =>
              Effect.zipRight(
                Effect.sync(() => attempts.push(attempt)),
                Effect.fail("no")
              ),
            { retry: Schedule.spaced("5 seconds"), attempts: 4 }
          ),
          pass("6 seconds")
        )
      )
      for (let restarts = 0; restarts < 4; restarts++) yield* run
      assert.deepStrictEqual(attempts, [1, 2, 3, 4])
      assert.deepStrictEqual(
        (yield* DeadLetter.list(numbers)).map(({ letter }) => letter.attempts),
        [4]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("comes at any moment: every job is done or back in its queue, each once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let moment = 0; moment < 100; moment++) {
        const queue = JobQueue.make(`moment-${moment}`, { payload: Schema.Number, options: { retry: "1 hour" } })
        yield* Effect.forEach([0, 1, 2, 3, 4, 5], (n) => queue.add(pool, n))
        const done: Array<number> = []
        const scope = yield* Scope.make()
        yield* Scope.extend(
          Worker.make(
            queue,
            (n) =>
              Effect.zipRight(
                Effect.yieldNow(),
                Effect.sync(() => done.push(n))
              ),
            { concurrency: 2, prefetch: 2, grace: 0 }
          ),
          scope
        )
        for (let i = 0; i < moment; i++) yield* Effect.yieldNow()
        yield* Scope.close(scope, Exit.void)
        const back = yield* left(queue.name)
        assert.sameMembers([...done, ...back.map((job) => Number(Job.text(job)))], [0, 1, 2, 3, 4, 5], `at ${moment}`)
        assert.isTrue(back.every((job) => job.nacks === 0 && job.additionalDeliveries <= 1))
      }
    }).pipe(Effect.provide(layer))
  )
})

describe("a worker", () => {
  it.effect("pauses and resumes, and keeps no jobs meanwhile", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const seen: Array<number> = []
      const worker = yield* Worker.make(numbers, ({ n }) =>
        Effect.zipRight(
          Effect.sync(() => seen.push(n)),
          Effect.sleep("1 second")
        )
      )
      yield* addAll(4)
      yield* settle
      yield* worker.pause
      yield* pass("30 seconds")
      assert.deepStrictEqual(seen, [0])
      assert.strictEqual(yield* pool.queueLength("numbers"), 3)
      yield* worker.resume
      for (let i = 0; i < 4; i++) yield* pass("1 second")
      assert.sameMembers(seen, [0, 1, 2, 3])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("takes no more jobs in a time than its rate limit", () =>
    Effect.gen(function* () {
      yield* addAll(30)
      let calls = 0
      yield* Worker.make(numbers, () => Effect.sync(() => calls++), {
        concurrency: 4,
        rateLimit: { limit: 10, interval: "1 second" },
        grace: 0
      })
      yield* settle
      assert.isAtMost(calls, 10)
      yield* pass("1 second")
      assert.isAtMost(calls, 21)
      for (let i = 0; i < 20; i++) yield* pass("100 millis")
      assert.strictEqual(calls, 30)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("fails where no node lets it in", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const { NotAuthenticated } = yield* Effect.promise(() => import("@disco/core"))
      const error = new NotAuthenticated({ command: "GETJOB", node: "a:1", reply: "NOAUTH" })
      const locked: DisquePool.Service & Consuming = { ...pool, [Consume]: () => Effect.fail(error) }
      const running = Worker.run(numbers, () => Effect.void).pipe(Effect.provideService(DisquePool, locked))
      assert.deepStrictEqual(yield* Effect.flip(running), error)
    }).pipe(Effect.provide(layer))
  )

  it.effect("counts jobs by queue and outcome", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const queue = JobQueue.make("metered", { payload: Schema.Number })
      yield* Effect.forEach([1, 2, 3], (n) => queue.add(pool, n))
      yield* Worker.make(queue, (n) => (n === 2 ? Effect.fail("no") : Effect.void), { attempts: 1 })
      yield* settle
      const count = (outcome: string) =>
        Effect.map(
          Metric.value(
            Metric.counter("disco.worker.jobs", {
              description: "Jobs that workers had, by queue and outcome",
              incremental: true
            }).pipe(Metric.tagged("messaging.destination.name", "metered"), Metric.tagged("outcome", outcome))
          ),
          ({ count }) => count
        )
      assert.deepStrictEqual([yield* count("done"), yield* count("dead")], [2, 1])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("refuses options that make no sense, and says why", () =>
    Effect.gen(function* () {
      const all: ReadonlyArray<Worker.BatchOptions<unknown, never>> = [
        { concurrency: 0 },
        { concurrency: Number.NaN },
        { prefetch: -1 },
        { prefetchTimeToLive: 0 },
        { attempts: 1.5 },
        { crashes: -1 },
        { size: 0 },
        { grace: Number.POSITIVE_INFINITY },
        { rateLimit: { limit: 0, interval: "1 second" } },
        { ttl: "1 hour", retry: Schedule.spaced("10 minutes"), attempts: 10 }
      ]
      const refused: Array<string> = []
      for (const options of all) {
        const error = yield* Effect.flip(Effect.scoped(Worker.makeBatch(numbers, () => Effect.succeed([]), options)))
        assert.include(error.message, "Worker: ")
        refused.push(error.argument)
      }
      assert.deepStrictEqual(refused, [
        "concurrency",
        "concurrency",
        "prefetch",
        "prefetchTimeToLive",
        "attempts",
        "crashes",
        "size",
        "grace",
        "rateLimit.limit",
        "ttl"
      ])
    }).pipe(Effect.provide(layer))
  )

  it.effect("as a layer works until its scope closes", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(3)
      yield* Effect.provide(
        settle,
        Worker.layer(numbers, () => Effect.void)
      )
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.provide(layer))
  )
})

describe("batches", () => {
  it.effect("are as full as they can be, and each job has a result of its own", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(7)
      const sizes: Array<number> = []
      yield* Worker.makeBatch(
        numbers,
        (jobs) => {
          sizes.push(jobs.length)
          return Effect.succeed(
            jobs.map(({ payload }) => (payload.n === 3 ? Either.left("no") : Either.right(payload.n)))
          )
        },
        { size: 5, within: "100 millis", attempts: 1 }
      )
      yield* pass("100 millis")
      yield* pass("100 millis")
      assert.deepStrictEqual(sizes, [5, 2])
      assert.strictEqual(yield* known(ids), 0)
      const letters = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        letters.map(({ letter }) => letter.body),
        ['{"n":3}']
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("whose handler gives too few results have failed for the jobs without one", () =>
    Effect.gen(function* () {
      yield* addAll(2)
      yield* Worker.makeBatch(numbers, () => Effect.succeed([Either.right(undefined)]), { attempts: 1, size: 2 })
      yield* settle
      const letters = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        letters.map(({ letter }) => letter.error),
        ["the handler gave no result for this job"]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("traces", () => {
  const makeTracer = () => {
    const spans: Array<Tracer.Span> = []
    const native = Tracer.make({
      span: (name, parent, context, links, startTime, kind) => {
        const span = {
          _tag: "Span" as const,
          name,
          parent,
          context,
          links,
          kind,
          spanId: `${spans.length + 1}`.padStart(16, "0"),
          traceId: Option.match(parent, {
            onNone: () => `${spans.length + 1}`.padStart(32, "0"),
            onSome: (p) => p.traceId
          }),
          sampled: true,
          status: { _tag: "Started" as const, startTime },
          attributes: new Map<string, unknown>(),
          attribute: (key: string, value: unknown) => {
            span.attributes.set(key, value)
          },
          end: () => {},
          event: () => {},
          addLinks: () => {}
        }
        spans.push(span)
        return span
      },
      context: (f) => f()
    })
    return { spans, layer: Layer.setTracer(native) }
  }

  const traced = JobQueue.make("traced", { payload: Schema.Number, traced: true })

  it.effect("lead from who added a job to who works on it; another attempt is linked", () =>
    Effect.gen(function* () {
      const tracer = makeTracer()
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* Effect.withSpan(traced.add(pool, 1), "caller")
        yield* Worker.make(traced, (_, { attempt }) => (attempt === 1 ? Effect.fail("no") : Effect.void), {
          retry: Schedule.spaced("1 second")
        })
        yield* settle
        yield* pass("1 second")
      }).pipe(Effect.scoped, Effect.provide(tracer.layer))
      const caller = tracer.spans.find(({ name }) => name === "caller")
      const works = tracer.spans.filter(({ name }) => name === "process traced")
      assert.deepStrictEqual(
        works.map(({ kind, links, traceId }) => [
          kind,
          traceId === caller?.traceId,
          links.map(({ span }) => span.spanId)
        ]),
        [
          ["consumer", true, []],
          ["consumer", false, [caller?.spanId]]
        ]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("are linked where they are to be", () =>
    Effect.gen(function* () {
      const tracer = makeTracer()
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* Effect.withSpan(traced.add(pool, 1), "caller")
        yield* Worker.make(traced, () => Effect.void, { traces: "link" })
        yield* settle
      }).pipe(Effect.scoped, Effect.provide(tracer.layer))
      const [work] = tracer.spans.filter(({ name }) => name === "process traced")
      assert.strictEqual(work?.links.length, 1)
      assert.isTrue(Option.isNone(work?.parent ?? Option.some(undefined)))
    }).pipe(Effect.provide(layer))
  )
})

it.effect("a worker that has nothing to say says nothing", () =>
  Effect.gen(function* () {
    const log = makeLog()
    yield* addAll(3)
    yield* Effect.scoped(
      Effect.zipRight(
        Worker.make(numbers, () => Effect.void),
        pass("1 hour")
      )
    ).pipe(Effect.provide(log.layer))
    assert.deepStrictEqual(log.lines, [])
  }).pipe(Effect.provide(layer))
)
