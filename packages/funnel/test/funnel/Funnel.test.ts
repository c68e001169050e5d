import { DisquePool, Job, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import {
  Chunk,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberRef,
  Option,
  Queue,
  Schedule,
  Schema,
  Scope,
  Stream
} from "effect"
import { DeadLetter, Funnel } from "../../src/index.js"
import { addAll, known, left, numbers } from "../utils/jobs.js"
import { logged } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

const add = (queue: string, count: number) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => pool.addJob(queue, String(n), { retry: "1 hour" }))
  )

/** The bodies of what is in the queue. */
const bodies = (queue: string) =>
  Effect.map(left(queue), (jobs) => jobs.map((job) => Number(Job.text(job))).sort((a, b) => a - b))

const number = (job: Job.Job) => Number(Job.text(job))

describe("the funnel of the Go original", () => {
  it.effect("incoming channel: a job in the queue comes through incoming, with its id and its payload", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* pool.addJob("disco-test-queue", "this-is-the-payload")
      const funnel = yield* Funnel.make({ queues: "disco-test-queue" })
      const job = Option.getOrThrow(yield* Stream.runHead(funnel.incoming))
      assert.deepStrictEqual([job.id, Job.text(job)], [id, "this-is-the-payload"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("outgoing channel: a job offered to outgoing comes through incoming", () =>
    Effect.gen(function* () {
      const funnel = yield* Funnel.make({ queues: "disco-test-queue" })
      yield* Queue.offer(funnel.outgoing, { queue: "disco-test-queue", body: "this-is-the-payload" })
      const job = Option.getOrThrow(yield* Stream.runHead(funnel.incoming))
      assert.strictEqual(Job.text(job), "this-is-the-payload")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("closing: a closed funnel blocks neither who offers nor who reads", () =>
    Effect.gen(function* () {
      const funnel = yield* Effect.scoped(Funnel.make({ queues: "disco-test-queue" }))
      const offering = yield* Effect.exit(Queue.offer(funnel.outgoing, { queue: "disco-test-queue", body: "late" }))
      assert.isTrue(Exit.isInterrupted(offering))
      const sending = yield* Effect.flip(funnel.send({ queue: "disco-test-queue", body: "late" }))
      assert.strictEqual(sending._tag, "FunnelClosed")
      assert.isTrue(Chunk.isEmpty(yield* Stream.runCollect(funnel.incoming)))
      assert.deepStrictEqual(yield* left("disco-test-queue"), [])
    }).pipe(Effect.provide(layer))
  )
})

describe("incoming, with", () => {
  type Consume = (
    funnel: Funnel.Funnel,
    handle: (n: number) => Effect.Effect<void, string>
  ) => Effect.Effect<unknown, unknown>

  const cases: Record<string, { readonly consume: Consume; readonly ahead?: number }> = {
    runForEach: { consume: ({ incoming }, handle) => Stream.runForEach(incoming, (job) => handle(number(job))) },
    mapEffect: {
      consume: ({ incoming }, handle) => Stream.runDrain(Stream.mapEffect(incoming, (job) => handle(number(job))))
    },
    "mapEffect with concurrency": {
      consume: ({ incoming }, handle) =>
        Stream.runDrain(Stream.mapEffect(incoming, (job) => handle(number(job)), { concurrency: 4 }))
    },
    "mapEffect with concurrency, unordered": {
      consume: ({ incoming }, handle) =>
        Stream.runDrain(Stream.mapEffect(incoming, (job) => handle(number(job)), { concurrency: 4, unordered: true }))
    },
    "flatMap with concurrency": {
      consume: ({ incoming }, handle) =>
        Stream.runDrain(Stream.flatMap(incoming, (job) => Stream.fromEffect(handle(number(job))), { concurrency: 3 }))
    },
    merge: {
      consume: ({ incoming }, handle) =>
        Stream.runForEach(Stream.merge(Stream.map(incoming, number), Stream.never), handle)
    },
    timeout: {
      consume: ({ incoming }, handle) =>
        Stream.runForEach(Stream.timeout(incoming, "1 hour"), (job) => handle(number(job)))
    },
    "buffer and ahead": {
      ahead: 6,
      consume: ({ incoming }, handle) =>
        Stream.runForEach(Stream.buffer(incoming, { capacity: 3 }), (job) => handle(number(job)))
    },
    "grouped and ahead": {
      ahead: 6,
      consume: ({ incoming }, handle) =>
        Stream.runForEach(Stream.grouped(incoming, 3), (jobs) => Effect.forEach(jobs, (job) => handle(number(job))))
    },
    "groupedWithin and ahead": {
      ahead: 6,
      consume: ({ incoming }, handle) =>
        Stream.runForEach(Stream.groupedWithin(incoming, 3, "1 second"), (jobs) =>
          Effect.forEach(jobs, (job) => handle(number(job)))
        )
    },
    incomingGrouped: {
      consume: (funnel, handle) =>
        Stream.runForEach(funnel.incomingGrouped(3, "1 second"), (jobs) =>
          Effect.forEach(jobs, (job) => handle(number(job)))
        )
    },
    "incomingGrouped, and mapEffect with concurrency": {
      consume: (funnel, handle) =>
        funnel.incomingGrouped(2, 0).pipe(
          Stream.mapEffect((jobs) => Effect.forEach(jobs, (job) => handle(number(job))), { concurrency: 2 }),
          Stream.runDrain
        )
    }
  }

  for (const [name, { ahead, consume }] of Object.entries(cases)) {
    const options = { queues: "q", ahead }

    it.effect(`${name}: what was handled and what was not are together all there is, when a handler fails`, () =>
      Effect.gen(function* () {
        for (const kind of ["at once", "after a while", "by dying"]) {
          const ids = yield* add("q", 20)
          const done = new Set<number>()
          const handle = (n: number) =>
            Effect.gen(function* () {
              if (kind === "after a while") yield* Effect.sleep("1 second")
              if (n === 9) return yield* kind === "by dying" ? Effect.die("no") : Effect.fail("no")
              done.add(n)
            })
          const funnel = yield* Funnel.make(options)
          const running = yield* Effect.fork(consume(funnel, handle))
          for (let i = 0; i < 25; i++) yield* pass("1 second")
          const exit = yield* Fiber.await(running)
          assert.isTrue(Exit.isFailure(exit))
          const back = yield* bodies("q")
          assert.include(back, 9, kind)
          assert.isEmpty(
            Array.from({ length: 20 }, (_, n) => n).filter((n) => !done.has(n) && !back.includes(n)),
            `lost ${kind}`
          )
          const pool = yield* DisquePool
          yield* pool.ackJob(ids)
        }
      }).pipe(Effect.scoped, Effect.provide(layer))
    )

    it.effect(`${name}: nothing is lost when it is interrupted at any moment`, () =>
      Effect.gen(function* () {
        for (let moment = 0; moment < 12; moment++) {
          const ids = yield* add("q", 8)
          const done = new Set<number>()
          const funnel = yield* Funnel.make(options)
          const running = yield* Effect.fork(
            consume(funnel, (n) =>
              Effect.zipRight(
                Effect.sleep("1 second"),
                Effect.sync(() => done.add(n))
              )
            )
          )
          for (let i = 0; i < moment; i++) yield* moment % 2 === 0 ? pass("500 millis") : Effect.yieldNow()
          yield* Fiber.interrupt(running)
          const back = yield* bodies("q")
          assert.isEmpty(
            Array.from({ length: 8 }, (_, n) => n).filter((n) => !done.has(n) && !back.includes(n)),
            `lost at ${moment}`
          )
          const pool = yield* DisquePool
          yield* pool.ackJob(ids)
        }
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  for (const name of [
    "mapEffect with concurrency",
    "mapEffect with concurrency, unordered",
    "flatMap with concurrency"
  ]) {
    it.effect(`${name}: jobs are acknowledged when the stream ends well, before or after the operator`, () =>
      Effect.gen(function* () {
        for (const place of ["before", "after"]) {
          for (const pause of [0, 1000]) {
            const ids = yield* add("q", 10)
            const funnel = yield* Funnel.make({ queues: "q" })
            const handle = Effect.sleep(pause)
            const map = Stream.mapEffect(() => handle, { concurrency: 4, unordered: name.endsWith("unordered") })
            const flat = Stream.flatMap(() => Stream.fromEffect(handle), { concurrency: 4 })
            const operator = name.startsWith("flatMap") ? flat : map
            const take = <A>(stream: Stream.Stream<A, Funnel.FunnelError>) => Stream.take(stream, 10)
            const stream = place === "before" ? operator(take(funnel.incoming)) : take(operator(funnel.incoming))
            const running = yield* Effect.fork(Stream.runDrain(stream))
            for (let i = 0; i < 12; i++) yield* pass("1 second")
            yield* Fiber.join(running)
            // The fiber that works on the last one may be cut in its last steps: that one comes again, as any job may.
            const again = yield* known(ids)
            if (name === "mapEffect with concurrency") assert.strictEqual(again, 0, `${place} ${pause}`)
            else assert.isAtMost(again, 1, `${place} ${pause}`)
            const pool = yield* DisquePool
            yield* pool.ackJob(ids)
            yield* left("q")
          }
        }
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  }

  it.effect(
    "incomingGrouped: groups are as many as there are in time, each acknowledged when the next one is pulled",
    () =>
      Effect.gen(function* () {
        const ids = yield* add("q", 7)
        const funnel = yield* Funnel.make({ queues: "q", prefetch: 2 })
        const groups: Array<ReadonlyArray<number>> = []
        const running = yield* Effect.fork(
          Stream.runForEach(funnel.incomingGrouped(3, "1 second"), (jobs) => {
            groups.push(Chunk.toReadonlyArray(Chunk.map(jobs, number)))
            return Effect.sleep("10 seconds")
          })
        )
        yield* pass("5 seconds")
        assert.deepStrictEqual(groups, [[0, 1, 2]])
        assert.strictEqual(yield* known(ids), 7)
        yield* pass("10 seconds")
        assert.strictEqual(yield* known(ids), 4)
        yield* pass("7 seconds")
        assert.deepStrictEqual(groups.slice(1), [[3, 4, 5], [6]])
        assert.strictEqual(yield* known(ids), 1)
        yield* Fiber.interrupt(running)
        assert.deepStrictEqual(yield* bodies("q"), [6])
      }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("incomingGrouped: a size of none and a time without an end are refused", () =>
    Effect.gen(function* () {
      const funnel = yield* Funnel.make({ queues: "q" })
      const size = yield* Effect.flip(Stream.runDrain(funnel.incomingGrouped(0, "1 second")))
      assert.include(size.message, "a whole number, 1 or more")
      const within = yield* Effect.flip(Stream.runDrain(funnel.incomingGrouped(1, "infinity" as "1 second")))
      assert.include(within.message, "a finite duration")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("take: jobs are acknowledged one by one, and those that were fetched ahead go back when it ends", () =>
    Effect.gen(function* () {
      const ids = yield* add("q", 10)
      const seen: Array<number> = []
      const funnel = yield* Funnel.make({ queues: "q" })
      yield* Stream.runForEach(Stream.take(funnel.incoming, 4), () =>
        Effect.gen(function* () {
          yield* settle
          seen.push(yield* known(ids))
        })
      )
      assert.deepStrictEqual(seen, [10, 9, 8, 7])
      assert.deepStrictEqual(yield* bodies("q"), [4, 5, 6, 7, 8, 9])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("mapEffect with concurrency and take: what was in work when it ended goes back", () =>
    Effect.gen(function* () {
      yield* add("q", 20)
      const funnel = yield* Funnel.make({ queues: "q" })
      const running = yield* Effect.fork(
        funnel.incoming.pipe(
          Stream.mapEffect((job) => Effect.sleep(number(job) < 8 ? "1 second" : "1 hour"), { concurrency: 4 }),
          Stream.take(8),
          Stream.runDrain
        )
      )
      for (let i = 0; i < 4; i++) yield* pass("1 second")
      yield* Fiber.join(running)
      assert.deepStrictEqual(
        yield* bodies("q"),
        Array.from({ length: 12 }, (_, i) => i + 8)
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect(
    "a consumer that forks for a while: each job is acknowledged when its fibers have ended, and not lost",
    () =>
      Effect.gen(function* () {
        const ids = yield* add("q", 3)
        const funnel = yield* Funnel.make({ queues: "q" })
        const running = yield* Effect.fork(
          Stream.runForEach(funnel.incoming, () => Effect.forkDaemon(Effect.sleep("10 seconds")))
        )
        yield* settle
        yield* pass("1 minute")
        yield* Fiber.interrupt(running)
        assert.strictEqual(yield* known(ids), 0)
      }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("several consumers: each job goes to one, and a failure of one leaves the others theirs", () =>
    Effect.gen(function* () {
      yield* add("q", 30)
      const seen: Array<number> = []
      const funnel = yield* Funnel.make({ queues: "q" })
      const consume = (isBad: boolean) =>
        Stream.runForEach(funnel.incoming, (job) => {
          if (isBad && number(job) % 10 === 3 && job.nacks === 0) return Effect.fail("no")
          seen.push(number(job))
          return Effect.yieldNow()
        })
      const others = yield* Effect.fork(Effect.all([consume(false), consume(false)], { concurrency: "unbounded" }))
      const bad = yield* Effect.fork(consume(true))
      yield* settle
      yield* settle
      yield* Fiber.interrupt(bad)
      yield* settle
      yield* Fiber.interrupt(others)
      assert.sameMembers(
        seen,
        Array.from({ length: 30 }, (_, n) => n)
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("fetching", () => {
  it.effect("takes no more than prefetch and what consumers have in hand, and none without a consumer", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* add("q", 50)
      const funnel = yield* Funnel.make({ queues: "q", prefetch: 5, prefetchTimeToLive: "1 day" })
      yield* pass("1 second")
      assert.strictEqual(yield* pool.queueLength("q"), 50)
      const consumer = Stream.runForEach(funnel.incoming, () => Effect.never)
      const consumers = yield* Effect.fork(Effect.all([consumer, consumer, consumer], { concurrency: "unbounded" }))
      yield* pass("1 minute")
      assert.strictEqual(yield* pool.queueLength("q"), 42)
      yield* Fiber.interrupt(consumers)
      assert.strictEqual(yield* pool.queueLength("q"), 50)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("keeps no job from others when nobody waits for it any more", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const funnel = yield* Funnel.make({ queues: "q" })
      const consumer = yield* Effect.fork(Stream.runDrain(funnel.incoming))
      yield* settle
      yield* Fiber.interrupt(consumer)
      const id = yield* pool.addJob("q", "for others", { retry: "1 hour" })
      const job = yield* Effect.fork(pool.getJob("q", { timeout: "1 second" }))
      yield* pass("1 second")
      assert.strictEqual((yield* Fiber.join(job)).id, id)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("gives jobs of the queues named first before the others, whenever they come", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 30; i++) yield* pool.addJob("low", `low ${i}`)
      const seen: Array<string> = []
      const funnel = yield* Funnel.make({ queues: ["high", "low"] })
      yield* Stream.runForEach(Stream.take(funnel.incoming, 12), (job) =>
        Effect.gen(function* () {
          seen.push(job.queue)
          if (seen.length === 3) for (let i = 0; i < 5; i++) yield* pool.addJob("high", `high ${i}`)
          yield* settle
        })
      )
      assert.deepStrictEqual(seen.slice(0, 3), ["low", "low", "low"])
      assert.deepStrictEqual(seen.slice(3, 8), ["high", "high", "high", "high", "high"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("takes from queues by their weights", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 100; i++) {
        yield* pool.addJob("a", "a")
        yield* pool.addJob("b", "b")
      }
      const funnel = yield* Funnel.make({ queues: { a: 3, b: 1 } })
      const jobs = yield* Stream.runCollect(Stream.take(funnel.incoming, 80))
      assert.closeTo([...jobs].filter(({ queue }) => queue === "a").length, 60, 6)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("goes on when the node is back, and says once that it was gone", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const lines = yield* logged(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q" })
          const first = yield* Effect.fork(Stream.runHead(funnel.incoming))
          yield* settle
          yield* disque.kill(disque.nodes[0])
          yield* pass("30 seconds")
          yield* disque.restart(disque.nodes[0])
          yield* pass("30 seconds")
          yield* pool.addJob("q", "after")
          yield* pass("30 seconds")
          assert.strictEqual(Job.text(Option.getOrThrow(yield* Fiber.join(first))), "after")
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(lines.filter((line) => line.text.startsWith("jobs cannot be fetched")).length, 1)
    }).pipe(Effect.provide(layer))
  )
})

describe("leases", () => {
  it.effect("of jobs in hand and of those fetched ahead are kept: nothing is delivered twice in an hour", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let i = 0; i < 5; i++) yield* pool.addJob("q", String(i), { retry: "2 minutes" })
      yield* pass("100 seconds")
      const funnel = yield* Funnel.make({ queues: "q", prefetchTimeToLive: "1 day" })
      const consumer = yield* Effect.fork(Stream.runForEach(funnel.incoming, () => Effect.never))
      yield* pass("1 hour")
      assert.strictEqual(yield* pool.queueLength("q"), 0)
      yield* Fiber.interrupt(consumer)
      const jobs = yield* left("q")
      assert.deepStrictEqual(
        jobs.map((job) => [job.nacks, job.additionalDeliveries]),
        Array.from({ length: 5 }, () => [1, 0])
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("cost a job that is done at once no command", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let working = 0
      const counting: DisquePool.Service = {
        ...pool,
        working: (job) =>
          Effect.zipRight(
            Effect.sync(() => working++),
            pool.working(job)
          )
      }
      yield* add("q", 100)
      yield* Effect.gen(function* () {
        const funnel = yield* Funnel.make({ queues: "q" })
        yield* Stream.runDrain(Stream.take(funnel.incoming, 100))
      }).pipe(Effect.scoped, Effect.provideService(DisquePool, counting))
      assert.strictEqual(working, 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("that are lost reach who has the job, as a value or as an interruption, and who settles it", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const [first, second] = yield* add("q", 2)
      const funnel = yield* Funnel.make({ queues: "q" })
      const reasons: Array<string> = []
      let interrupted = 0
      const consume = Stream.runForEach(funnel.incoming, (job) =>
        Effect.gen(function* () {
          if (job.id === first) reasons.push((yield* job.lost).reason)
          else {
            const work = Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
            const error = yield* Effect.flip(job.guard(work))
            reasons.push(error.reason)
          }
          const settled = yield* Effect.all([Effect.flip(job.nack), Effect.flip(job.ack)])
          reasons.push(...settled.map((error) => error._tag))
          // Settling it again does no harm.
          yield* job.ack
        })
      )
      const consumer = yield* Effect.fork(Effect.all([consume, consume], { concurrency: "unbounded" }))
      yield* settle
      yield* pool.deleteJob([first, second].filter((id) => id !== undefined))
      yield* pass("2 hours")
      yield* pass("2 hours")
      assert.sameMembers(reasons, ["unknown", "LeaseLost", "LeaseLost", "unknown", "LeaseLost", "LeaseLost"])
      assert.strictEqual(interrupted, 1)
      yield* Fiber.interrupt(consumer)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("end at half of the TTL: TOOLATE reaches who has the job", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("q", "old", { ttl: "10 minutes", retry: "1 minute" })
      const funnel = yield* Funnel.make({ queues: "q" })
      const reason = yield* Effect.fork(
        Stream.runHead(Stream.mapEffect(funnel.incoming, (job) => Effect.map(job.lost, ({ reason }) => reason)))
      )
      yield* pass("6 minutes")
      assert.deepStrictEqual(yield* Fiber.join(reason), Option.some("too-old"))
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("settling", () => {
  it.effect("by hand is done and reported at once, and a second time does no harm", () =>
    Effect.gen(function* () {
      const ids = yield* add("q", 3)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q", acknowledge: "manual", prefetch: 1 })
          yield* Stream.runForEach(Stream.take(funnel.incoming, 3), (job) =>
            number(job) === 0
              ? Effect.zipRight(job.ack, Effect.zipRight(job.ack, job.nack))
              : number(job) === 2
                ? Effect.zipRight(job.nack, Effect.zipRight(job.nack, job.ack))
                : Effect.void
          )
        })
      )
      assert.strictEqual(yield* known(ids), 2)
      assert.deepStrictEqual(yield* bodies("q"), [1, 2])
    }).pipe(Effect.provide(layer))
  )

  it.effect("goes out in few commands, by ACKJOB or FASTACK as told", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (const ackWith of ["ackjob", "fastack"] as const) {
        const ids = yield* add("q", 200)
        const calls = { ackjob: 0, fastack: 0 }
        const counting: DisquePool.Service = {
          ...pool,
          ackJob: (jobs) =>
            Effect.zipRight(
              Effect.sync(() => calls.ackjob++),
              pool.ackJob(jobs)
            ),
          fastAckJob: (jobs) =>
            Effect.zipRight(
              Effect.sync(() => calls.fastack++),
              pool.fastAckJob(jobs)
            )
        }
        yield* Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q", ackWith, prefetch: 64 })
          yield* Stream.runDrain(Stream.take(funnel.incoming, 200))
        }).pipe(Effect.scoped, Effect.provideService(DisquePool, counting))
        assert.strictEqual(yield* known(ids), 0)
        assert.isBelow(calls[ackWith], 60)
        assert.strictEqual(calls[ackWith === "ackjob" ? "fastack" : "ackjob"], 0)
      }
    }).pipe(Effect.provide(layer))
  )
})

describe("outgoing", () => {
  it.effect("reports what cannot be added by its queue and its size, and adds the others", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const lines = yield* logged(
        Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: "q" })
            yield* Queue.offer(funnel.outgoing, { queue: "q", body: "secret", options: { delay: "1500 millis" } })
            yield* Queue.offer(funnel.outgoing, { queue: "q", body: "fine" })
          })
        )
      )
      assert.strictEqual(yield* pool.queueLength("q"), 1)
      assert.deepStrictEqual(
        lines.map(({ annotations, level, text }) => [level, text, annotations.queue, annotations.bytes]),
        [["ERROR", "a job could not be added", "q", 6]]
      )
      assert.notInclude(JSON.stringify(lines), "secret")
    }).pipe(Effect.provide(layer))
  )

  it.effect("gives what cannot be added to who reads undelivered, with the reason", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        Effect.gen(function* () {
          const got: Array<string> = []
          const reader = yield* Effect.scoped(
            Effect.gen(function* () {
              const funnel = yield* Funnel.make({ queues: "q", outgoingCapacity: 2 })
              const reader = yield* Effect.forkDaemon(
                Stream.runForEach(funnel.undelivered, ({ error, job }) =>
                  Effect.sync(() => got.push(`${String(job.body)} ${error._tag}`))
                )
              )
              yield* settle
              for (let i = 0; i < 5; i++) {
                yield* Queue.offer(funnel.outgoing, { queue: "q", body: String(i), options: { delay: "1500 millis" } })
              }
              return reader
            })
          )
          // It ends with the funnel.
          yield* Fiber.join(reader)
          assert.sameMembers(
            got,
            [0, 1, 2, 3, 4].map((i) => `${i} InvalidArgument`)
          )
        })
      )
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(layer))
  )

  it.effect("tries again as its schedule says, and then gives up", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.pause("q", "in")
      const funnel = yield* Funnel.make({
        queues: "q",
        addSchedule: Schedule.spaced("1 second").pipe(Schedule.intersect(Schedule.recurs(3)))
      })
      const sending = yield* Effect.fork(Effect.flip(funnel.send({ queue: "q", body: "a" })))
      yield* pass("2 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(sending)))
      yield* pass("1 second")
      assert.strictEqual((yield* Fiber.join(sending))._tag, "QueuePaused")
      const second = yield* Effect.fork(funnel.send({ queue: "q", body: "b" }))
      yield* settle
      yield* pool.pause("q", "none")
      yield* pass("1 second")
      const id = yield* Fiber.join(second)
      assert.deepStrictEqual(
        (yield* left("q")).map((job) => job.id),
        [id]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("makes who offers wait while it is full, and sends in parallel as much as told", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let running = 0
      let most = 0
      const slow: DisquePool.Service = {
        ...pool,
        addJobs: (jobs) =>
          Effect.suspend(() => {
            running += jobs.length
            most = Math.max(most, running)
            return Effect.ensuring(
              Effect.zipRight(Effect.sleep("1 second"), pool.addJobs(jobs)),
              Effect.sync(() => {
                running -= jobs.length
              })
            )
          })
      }
      yield* Effect.gen(function* () {
        const funnel = yield* Funnel.make({ queues: "q", batch: 3, outgoingCapacity: 2 })
        let offered = 0
        const producer = yield* Effect.fork(
          Effect.forEach(Array.from({ length: 20 }), (_, i) =>
            Effect.tap(Queue.offer(funnel.outgoing, { queue: "q", body: String(i) }), () => offered++)
          )
        )
        yield* settle
        assert.isAtMost(offered, 3 + 3 + 2)
        for (let i = 0; i < 10; i++) yield* pass("1 second")
        yield* Fiber.join(producer)
        assert.strictEqual(most, 3)
      }).pipe(Effect.scoped, Effect.provideService(DisquePool, slow))
      assert.strictEqual(yield* pool.queueLength("q"), 20)
    }).pipe(Effect.provide(layer))
  )

  it.effect("adds with the defaults of the funnel, and with what the job says instead", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({
            queues: "q",
            addTimeout: "1 second",
            defaults: { retry: "1 minute", ttl: "1 hour" }
          })
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "a" })
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "b", options: { retry: "2 minutes" } })
        })
      )
      const jobs = yield* pool.getJobs("q", { count: 2 })
      const retries = yield* Effect.forEach(jobs, (job) => pool.working(job))
      assert.deepStrictEqual(retries, [Duration.minutes(1), Duration.minutes(2)])
    }).pipe(Effect.provide(layer))
  )

  it.effect("waits for a node that is gone, and adds when it is back", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const funnel = yield* Funnel.make({ queues: "q" })
      yield* disque.kill(disque.nodes[0])
      yield* Queue.offer(funnel.outgoing, { queue: "q", body: "patient" })
      yield* pass("3 seconds")
      yield* disque.restart(disque.nodes[0])
      yield* pass("30 seconds")
      assert.strictEqual(yield* pool.queueLength("q"), 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("a funnel for a queue with a type", () => {
  it.effect("gives payloads, and takes them", () =>
    Effect.gen(function* () {
      const funnel = yield* Funnel.forQueue(numbers)
      yield* Queue.offer(funnel.outgoing, { payload: { n: 1 } })
      yield* funnel.send({ payload: { n: 2 } })
      const jobs = yield* Stream.runCollect(Stream.take(funnel.incoming, 2))
      assert.sameMembers(
        [...jobs].map(({ payload }) => payload.n),
        [1, 2]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("puts what does not fit into the dead-letter queue with the reason, and goes on", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* pool.addJob("numbers", '{"n":"one"}')
      yield* addAll(1)
      const funnel = yield* Funnel.forQueue(numbers)
      const job = Option.getOrThrow(yield* Stream.runHead(funnel.incoming))
      assert.deepStrictEqual(job.payload, { n: 0 })
      const [entry] = yield* DeadLetter.list(numbers)
      assert.deepStrictEqual(
        [entry?.letter.id, entry?.letter.reason, entry?.letter.body],
        [id, "undecodable", '{"n":"one"}']
      )
      assert.include(entry?.letter.error, "Expected number")
      assert.strictEqual(yield* known([id]), 0)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("says which payload it could not take", () =>
    Effect.gen(function* () {
      const positive = JobQueue.make("positive", { payload: Schema.Positive })
      const funnel = yield* Funnel.forQueue(positive)
      assert.strictEqual((yield* Effect.flip(funnel.send({ payload: -1 })))._tag, "InvalidPayload")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("the close", () => {
  it.effect("ends in its time when the node is gone, and reports what it could not do", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      yield* pool.addJob("q", "in hand")
      const scope = yield* Scope.make()
      const lines = yield* logged(
        Effect.gen(function* () {
          const funnel = yield* Scope.extend(Funnel.make({ queues: "q", closeWithin: "5 seconds" }), scope)
          yield* Effect.forkDaemon(Stream.runForEach(funnel.incoming, () => Effect.never))
          yield* settle
          yield* disque.kill(disque.nodes[0])
          yield* Queue.offer(funnel.outgoing, { queue: "q", body: "offered" })
          const sending = yield* Effect.fork(Effect.flip(funnel.send({ queue: "q", body: "sent" })))
          yield* settle
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* pass("6 seconds")
          assert.isTrue(Option.isSome(yield* Fiber.poll(closing)))
          assert.strictEqual((yield* Fiber.join(sending))._tag, "FunnelClosed")
        })
      )
      const errors = lines.filter((line) => line.level === "ERROR").map((line) => line.text)
      assert.include(errors.join("\n"), "the funnel could not close in time")
      assert.include(errors, "a job could not be added")
    }).pipe(Effect.provide(layer))
  )

  it.effect("nacks exactly what is in hand, once each, at every moment; nothing that is done", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (let moment = 0; moment < 120; moment++) {
        const queue = `q${moment}`
        const done: Array<number> = []
        yield* add(queue, 6)
        const scope = yield* Scope.make()
        const funnel = yield* Scope.extend(Funnel.make({ queues: queue, prefetch: 2 }), scope)
        const consume = Stream.runForEach(funnel.incoming, (job) =>
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => done.push(number(job)))
          )
        )
        const consumers = yield* Effect.fork(Effect.all([consume, consume], { concurrency: "unbounded" }))
        for (let i = 0; i < moment; i++) yield* Effect.yieldNow()
        const waiting = yield* pool.queueLength(queue)
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.interrupt(consumers)
        const back = yield* left(queue)
        const lost = [0, 1, 2, 3, 4, 5].filter((n) => !done.includes(n) && !back.some((job) => number(job) === n))
        assert.isEmpty(lost, `lost at moment ${moment}`)
        // Each that was fetched went back by one NACK, the others were never touched.
        assert.isTrue(back.every((job) => job.nacks <= 1 && job.additionalDeliveries === 0))
        assert.isAtMost(back.filter((job) => job.nacks === 0).length, waiting)
        // A job whose consumer was done and had not pulled the next one yet may come again: two consumers, two jobs at most.
        assert.isAtMost(back.filter((job) => done.includes(number(job))).length, 2)
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("with K jobs in hand nacks K: on the shelf, with consumers that wait, and with such that are done", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      for (const inHand of [0, 1, 3]) {
        const queue = `k${inHand}`
        yield* add(queue, 10)
        const acks: Array<number> = []
        const counting: DisquePool.Service = {
          ...pool,
          nackJob: (jobs) => Effect.tap(pool.nackJob(jobs), (count) => acks.push(count))
        }
        const scope = yield* Scope.make()
        const funnel = yield* Effect.provideService(
          Scope.extend(Funnel.make({ queues: queue, prefetch: 4 }), scope),
          DisquePool,
          counting
        )
        const gate = yield* Deferred.make<void>()
        const consumers = yield* Effect.forEach(Array.from({ length: inHand }), () =>
          Effect.fork(Stream.runForEach(funnel.incoming, () => Deferred.await(gate)))
        )
        yield* settle
        const expected = 10 - (yield* pool.queueLength(queue))
        assert.isAtMost(expected, inHand + 4)
        assert.strictEqual(expected > inHand, inHand > 0)
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.succeed(gate, undefined)
        const exits: ReadonlyArray<Exit.Exit<void, unknown>> = yield* Effect.forEach(consumers, Fiber.await)
        assert.isTrue(exits.every(Exit.isSuccess))
        assert.strictEqual(
          acks.reduce((sum, count) => sum + count, 0),
          expected
        )
        const jobs = yield* left(queue)
        assert.deepStrictEqual([jobs.length, jobs.filter((job) => job.nacks === 1).length], [10, expected])
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("reports all that was offered where the node is gone, beyond the capacity of outgoing too", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const lines = yield* logged(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const options = { queues: "q", outgoingCapacity: 2, batch: 2, closeWithin: "1 second" } as const
          const funnel = yield* Scope.extend(Funnel.make(options), scope)
          yield* disque.kill(disque.nodes[0])
          const offering = yield* Effect.fork(
            Effect.forEach([1, 2, 3, 4, 5, 6], (n) => Queue.offer(funnel.outgoing, { queue: "q", body: String(n) }), {
              concurrency: "unbounded"
            })
          )
          yield* settle
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* pass("1 second")
          yield* pass("1 second")
          yield* Fiber.join(closing)
          yield* Fiber.await(offering)
        })
      )
      const said = lines.filter(({ text }) => text === "a job could not be added")
      assert.strictEqual(said.length, 2)
      assert.strictEqual(Number(said[1]?.annotations.count), 5)
    }).pipe(Effect.provide(layer))
  )

  it.effect("adds what was offered, and gives ids to who waits for them", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const sent = yield* Effect.scoped(
        Effect.gen(function* () {
          const funnel = yield* Funnel.make({ queues: "q", outgoingCapacity: 2, batch: 2 })
          const sent = yield* Effect.forkDaemon(
            Effect.forEach([1, 2, 3], (n) => funnel.send({ queue: "q", body: `sent ${n}` }), {
              concurrency: "unbounded"
            })
          )
          yield* Effect.forEach([1, 2, 3, 4], (n) => Queue.offer(funnel.outgoing, { queue: "q", body: String(n) }))
          return sent
        })
      )
      assert.strictEqual((yield* Fiber.join(sent)).length, 3)
      assert.strictEqual(yield* pool.queueLength("q"), 7)
    }).pipe(Effect.provide(layer))
  )
})

it.effect("options that make no sense are refused, with what was given and what was expected", () =>
  Effect.gen(function* () {
    const all: ReadonlyArray<Funnel.FunnelOptions> = [
      { queues: [] },
      { queues: "" },
      { queues: ["a", ""] },
      { queues: {} },
      { queues: { a: 0 } },
      { queues: "a", prefetch: -1 },
      { queues: "a", prefetchTimeToLive: "soon" as never },
      { queues: "a", fetchCount: 0 },
      { queues: "a", fetchTimeout: 0 },
      { queues: "a", fetchers: 1.5 },
      { queues: "a", ahead: -1 },
      { queues: "a", batch: Number.NaN },
      { queues: "a", outgoingCapacity: 0 },
      { queues: "a", closeWithin: Number.POSITIVE_INFINITY },
      { queues: "a", addTimeout: 0 }
    ]
    const refused: Array<string> = []
    for (const options of all) {
      const error = yield* Effect.flip(Effect.scoped(Funnel.make(options)))
      assert.match(error.message, /^Funnel: .* is .*, expected ./)
      refused.push(error.argument)
    }
    assert.deepStrictEqual(refused, [
      ...["queues", "queues", "queues", "queues", "queues"],
      ...[
        "prefetch",
        "prefetchTimeToLive",
        "fetchCount",
        "fetchTimeout",
        "fetchers",
        "ahead",
        "batch",
        "outgoingCapacity",
        "closeWithin",
        "addTimeout"
      ]
    ])
  }).pipe(Effect.provide(layer))
)

it.effect("one stream in the handler of another leaves the fiber as it was", () =>
  Effect.gen(function* () {
    yield* add("a", 2)
    yield* add("b", 2)
    const a = yield* Funnel.make({ queues: "a" })
    const b = yield* Funnel.make({ queues: "b" })
    const before = yield* FiberRef.get(FiberRef.currentSupervisor)
    yield* Stream.runForEach(Stream.take(a.incoming, 2), () => Stream.runDrain(Stream.take(b.incoming, 1)))
    assert.strictEqual(yield* FiberRef.get(FiberRef.currentSupervisor), before)
    assert.deepStrictEqual([yield* bodies("a"), yield* bodies("b")], [[], []])
  }).pipe(Effect.scoped, Effect.provide(layer))
)
