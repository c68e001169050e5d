import { DisquePool, Job, JobQueue } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, Option, Queue, Schema, Scope, Stream } from "effect"
import { DeadLetter, Funnel, Worker } from "../src/index.js"
import { logged } from "./utils/logs.js"
import { pass, settle } from "./utils/time.js"

/** A pool over three nodes that keep their jobs to themselves. */
const three = Layer.provideMerge(
  DisquePool.layer(),
  Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer({ nodes: 3, federationDelay: "1 hour" }))
)

/** Adds so many jobs on each node. */
const addOnEach = (queue: string, count: number) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* EmbeddedDisque
    for (const { address } of nodes) {
      for (let n = 0; n < count; n++) {
        yield* pool.on(address).addJob(queue, `${n} of ${address}`, { replicate: 1, retry: "1 hour" })
      }
    }
  })

/** How many jobs wait in a queue of each node. */
const lengths = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* EmbeddedDisque
    return yield* Effect.forEach(nodes, ({ address }) => Effect.option(pool.on(address).queueLength(queue)))
  })

/** How long an effect takes, in seconds of virtual time. */
const secondsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const begun = yield* Clock.currentTimeMillis
    yield* VirtualTime.run(effect)
    return ((yield* Clock.currentTimeMillis) - begun) / 1000
  })

const errorsOf = (lines: ReadonlyArray<{ readonly level: string; readonly text: string }>) =>
  lines.filter(({ level }) => level === "ERROR").map(({ text }) => text)

const late =
  "the funnel could not close in time: 1 jobs are not settled and come back after their retry time, 0 are not added"

type Consumer = (
  funnel: Funnel.Funnel,
  inHand: (jobs: number) => void,
  fails: Deferred.Deferred<void>
) => Effect.Effect<unknown, unknown>

/** Until told to fail. */
const holding = (inHand: (jobs: number) => void, jobs: number, fails: Deferred.Deferred<void>) =>
  Effect.suspend(() => {
    inHand(jobs)
    return Effect.zipRight(Deferred.await(fails), Effect.fail("told to fail"))
  })

const consumers: Readonly<Record<string, Consumer>> = {
  "runForEach, by three at once": ({ incoming }, inHand, fails) =>
    Effect.all(
      [1, 2, 3].map(() => Stream.runForEach(incoming, () => holding(inHand, 1, fails))),
      { concurrency: "unbounded" }
    ),
  "mapEffect with a concurrency": ({ incoming }, inHand, fails) =>
    Stream.runDrain(Stream.mapEffect(incoming, () => holding(inHand, 1, fails), { concurrency: 3 })),
  incomingGrouped: ({ incomingGrouped }, inHand, fails) =>
    Stream.runForEach(incomingGrouped(3, "1 second"), (jobs) => holding(inHand, jobs.length, fails)),
  "a buffer": ({ incoming }, inHand, fails) =>
    Stream.runForEach(Stream.buffer(incoming, { capacity: 2 }), () => holding(inHand, 3, fails))
}

describe.concurrent("the close of a funnel when one of three nodes has fallen silent", () => {
  for (const [name, consumer] of Object.entries(consumers)) {
    for (const way of ["an interruption", "a failure", "the end of the scope"]) {
      for (const within of ["3 seconds", undefined] as const) {
        const most = within === undefined ? 10 : 3
        it.effect(`${name}: takes ${most} seconds at most after ${way}, and gives the others theirs at once`, () =>
          Effect.gen(function* () {
            const disque = yield* EmbeddedDisque
            yield* addOnEach("q", 1)
            const fails = yield* Deferred.make<void>()
            let inHand = 0
            const lines = yield* logged(
              Effect.gen(function* () {
                const scope = yield* Scope.make()
                const funnel = yield* Scope.extend(
                  Funnel.make({ queues: "q", ahead: 4, ...(within === undefined ? {} : { closeWithin: within }) }),
                  scope
                )
                const run = consumer(
                  funnel,
                  (jobs) => {
                    inHand += jobs
                  },
                  fails
                )
                const whole = Effect.scoped(
                  Effect.zipRight(
                    Effect.addFinalizer((exit) => Scope.close(scope, exit)),
                    way === "the end of the scope"
                      ? Effect.zipRight(Effect.forkIn(run, scope), Effect.sleep("5 seconds"))
                      : run
                  )
                )
                const fiber = yield* Effect.forkDaemon(whole)
                yield* pass("2 seconds")
                assert.isAtLeast(inHand, 3)
                yield* disque.freeze(disque.nodes[1] as EmbeddedDisque.Service["nodes"][0])
                if (way === "the end of the scope") yield* pass("2900 millis")
                if (way === "a failure") yield* Deferred.succeed(fails, undefined)
                const took = yield* secondsOf(way === "an interruption" ? Fiber.interrupt(fiber) : Fiber.await(fiber))
                assert.isAtMost(took, most + 0.2)
                assert.deepStrictEqual(
                  (yield* VirtualTime.run(lengths("q"))).filter(Option.isSome).map(({ value }) => value),
                  [1, 1]
                )
              })
            )
            // In ten seconds, the client has found that the node is not there.
            assert.deepStrictEqual(errorsOf(lines), within === undefined ? [] : [late])
          }).pipe(Effect.provide(three))
        )
      }
    }
  }
})

/** A pool over one node. */
const one = Layer.provideMerge(
  DisquePool.layer(),
  Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer())
)

const numbers = JobQueue.make("numbers", { payload: Schema.Number, options: { retry: "1 hour" } })

describe.concurrent("with a node that says nothing", () => {
  it.effect("a funnel whose consumer is interrupted closes in its time, wherever its jobs are", () =>
    Effect.gen(function* () {
      const { freeze, nodes } = yield* EmbeddedDisque
      yield* addOnEach("q", 40)
      const lines = yield* logged(
        Effect.gen(function* () {
          const program = Effect.scoped(
            Effect.gen(function* () {
              const funnel = yield* Funnel.make({ queues: "q", closeWithin: "3 seconds" })
              yield* Stream.runForEach(funnel.incoming, (job) =>
                Job.text(job).startsWith("5 ") ? Effect.never : Effect.void
              )
            })
          )
          const fiber = yield* Effect.forkDaemon(program)
          yield* settle
          yield* freeze(nodes[0])
          assert.isAtMost(yield* secondsOf(Fiber.interrupt(fiber)), 3.2)
        })
      )
      assert.match(errorsOf(lines).join(), /^the funnel could not close in time: \d+ jobs are not settled/)
    }).pipe(Effect.provide(one))
  )

  it.effect("a run that ends hands over the jobs that it leaves, and the next run begins", () =>
    Effect.gen(function* () {
      const { freeze, nodes, thaw } = yield* EmbeddedDisque
      yield* addOnEach("q", 1)
      const funnel = yield* Funnel.make({ queues: "q", closeWithin: "4 seconds" })
      const fiber = yield* Effect.fork(Stream.runForEach(funnel.incoming, () => Effect.never))
      yield* settle
      yield* freeze(nodes[0])
      assert.isAtMost(yield* secondsOf(Fiber.interrupt(fiber)), 2.2)
      yield* thaw(nodes[0])
      yield* pass("1 minute")
      const again = yield* VirtualTime.run(Stream.runHead(funnel.incoming))
      assert.isTrue(Option.isSome(again))
      // What ended before, and has been settled, takes nothing from the time of what ends now.
      yield* addOnEach("q", 1)
      const last = yield* Effect.fork(Stream.runForEach(funnel.incoming, () => Effect.never))
      yield* settle
      yield* freeze(nodes[0])
      const took = yield* secondsOf(Fiber.interrupt(last))
      assert.isAtLeast(took, 1.9)
      yield* thaw(nodes[0])
    }).pipe(VirtualTime.scoped, Effect.provide(one))
  )

  it.effect("a funnel gives up the jobs that it was offered in its time, and logs that", () =>
    Effect.gen(function* () {
      const { freeze, nodes } = yield* EmbeddedDisque
      const lines = yield* logged(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const funnel = yield* Scope.extend(Funnel.make({ queues: "q", closeWithin: "3 seconds" }), scope)
          yield* freeze(nodes[0])
          for (const body of ["a", "b"]) yield* Queue.offer(funnel.outgoing, { queue: "q", body })
          const sending = yield* Effect.fork(Effect.flip(funnel.send({ queue: "q", body: "c" })))
          yield* settle
          assert.isAtMost(yield* secondsOf(Scope.close(scope, Exit.void)), 3.2)
          assert.strictEqual((yield* Fiber.join(sending))._tag, "FunnelClosed")
        })
      )
      assert.deepStrictEqual(errorsOf(lines), [
        "the funnel could not close in time: 0 jobs are not settled and come back after their retry time, 3 are not added",
        "a job could not be added",
        "a job could not be added"
      ])
    }).pipe(Effect.provide(one))
  )

  for (const isBusy of [false, true]) {
    const within = isBusy ? 2 + 3 : 3
    it.effect(
      `a ${isBusy ? "busy" : "idle"} worker closes in its time, beyond the grace where a handler uses that`,
      () =>
        Effect.gen(function* () {
          const { freeze, nodes } = yield* EmbeddedDisque
          const pool = yield* DisquePool
          for (let n = 0; n < 6; n++) yield* numbers.add(pool, n)
          const lines = yield* logged(
            Effect.gen(function* () {
              const scope = yield* Scope.make()
              const handler = () => (isBusy ? Effect.uninterruptible(Effect.sleep("1 hour")) : Effect.void)
              yield* Scope.extend(
                Worker.make(numbers, handler, { grace: "2 seconds", closeWithin: "3 seconds" }),
                scope
              )
              if (isBusy) yield* settle
              yield* freeze(nodes[0])
              yield* settle
              assert.isAtMost(yield* secondsOf(Scope.close(scope, Exit.void)), within + 0.2)
            })
          )
          if (isBusy) assert.match(errorsOf(lines).join(), /^the worker could not close in time: jobs .* \([1-9]\)$/)
        }).pipe(Effect.provide(one))
    )
  }

  it.effect(
    "a worker of three nodes gives the other nodes their jobs back, also that of an uninterruptible handler",
    () =>
      Effect.gen(function* () {
        const { freeze, nodes } = yield* EmbeddedDisque
        const pool = yield* DisquePool
        for (const { address } of nodes)
          yield* pool.on(address).addJob("numbers", "1", { replicate: 1, retry: "1 hour" })
        const scope = yield* Scope.make()
        const handler = () => Effect.uninterruptible(Effect.sleep("1 hour"))
        yield* Scope.extend(
          Worker.make(numbers, handler, { concurrency: 3, grace: 0, closeWithin: "3 seconds" }),
          scope
        )
        yield* pass("1 second")
        yield* freeze(nodes[0])
        assert.isAtMost(yield* secondsOf(Scope.close(scope, Exit.void)), 3.2)
        assert.deepStrictEqual((yield* VirtualTime.run(lengths("numbers"))).map(Option.getOrNull), [null, 1, 1])
      }).pipe(Effect.provide(three))
  )

  it.effect("a worker pauses within the time of a close, and its jobs go back when the node is there again", () =>
    Effect.gen(function* () {
      const { freeze, nodes, thaw } = yield* EmbeddedDisque
      const pool = yield* DisquePool
      for (let n = 0; n < 6; n++) yield* numbers.add(pool, n)
      const worker = yield* Worker.make(numbers, () => Effect.sleep("1 hour"), { grace: 0, closeWithin: "3 seconds" })
      yield* settle
      yield* freeze(nodes[0])
      assert.isAtMost(yield* secondsOf(worker.pause), 3.2)
      yield* thaw(nodes[0])
      yield* pass("10 seconds")
      assert.strictEqual(yield* pool.queueLength("numbers"), 5)
    }).pipe(VirtualTime.scoped, Effect.provide(one))
  )

  it.effect(
    "an interrupted redrive ends in its time at whatever moment the node falls silent, and logs what is left",
    () =>
      Effect.gen(function* () {
        const { freeze, nodes, thaw } = yield* EmbeddedDisque
        const pool = yield* DisquePool
        for (let n = 0; n < 3; n++) yield* numbers.add(pool, n)
        yield* Effect.scoped(
          Effect.zipRight(
            Worker.make(numbers, () => Effect.fail("no"), { attempts: 1 }),
            pass("1 second")
          )
        )
        let late = 0
        let longest = 0
        for (let moment = 0; moment < 60; moment += 2) {
          const lines = yield* logged(
            Effect.gen(function* () {
              const fiber = yield* Effect.fork(DeadLetter.redrive(numbers))
              for (let i = 0; i < moment; i++) yield* Effect.yieldNow()
              yield* freeze(nodes[0])
              yield* settle
              longest = Math.max(longest, yield* secondsOf(Fiber.interrupt(fiber)))
            })
          )
          late += errorsOf(lines).filter((text) => text.includes("could not be put back in time")).length
          yield* thaw(nodes[0])
          yield* pass("1 minute")
        }
        assert.isAtMost(longest, 5.2)
        assert.isAtLeast(late, 1)
        // Each letter is there still, or its job is in its queue.
        yield* pass("2 hours")
        assert.strictEqual((yield* DeadLetter.list(numbers)).length + (yield* pool.queueLength("numbers")), 3)
      }).pipe(Effect.provide(one))
  )
})

describe.concurrent("what was made in one scope", () => {
  it.effect("takes no more jobs once one of it closes, and a funnel takes what handlers of later workers offer", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const begun: Array<number> = []
      const scope = yield* Scope.make()
      const early = JobQueue.make("early", { payload: Schema.Number })
      yield* Effect.gen(function* () {
        yield* Worker.make(early, (n) =>
          Effect.zipRight(
            Effect.sync(() => begun.push(n)),
            Effect.sleep("3 seconds")
          )
        )
        const funnel = yield* Funnel.make({ queues: "in" })
        yield* Worker.make(numbers, (n) =>
          Effect.zipRight(Effect.sleep("12 seconds"), Queue.offer(funnel.outgoing, { queue: "out", body: String(n) }))
        )
      }).pipe(Scope.extend(scope))
      for (let n = 0; n < 2; n++) yield* early.add(pool, n)
      yield* numbers.add(pool, 7)
      yield* pass("1 second")
      const took = yield* secondsOf(Scope.close(scope, Exit.void))
      // The handlers of both had their grace from the same moment on.
      assert.isAtMost(took, 11.5)
      assert.deepStrictEqual(begun, [0])
      assert.strictEqual(yield* pool.queueLength("early"), 1)
      assert.strictEqual(yield* pool.queueLength("out"), 1)
      assert.strictEqual(yield* pool.queueLength("numbers"), 0)
    }).pipe(Effect.provide(one))
  )

  it.effect("closes by itself if only an inner scope closes", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const seen: Array<number> = []
      yield* Worker.make(numbers, (n) => Effect.sync(() => seen.push(n)), { grace: 0 })
      const other = JobQueue.make("other", { payload: Schema.Number })
      yield* Effect.scoped(Worker.make(other, () => Effect.void, { grace: 0 }))
      yield* numbers.add(pool, 1)
      yield* settle
      assert.deepStrictEqual(seen, [1])
    }).pipe(Effect.scoped, Effect.provide(one))
  )
})

describe.concurrent("under TestClock", () => {
  it.effect("a busy worker closes by itself if its scope has virtual time", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const begun = yield* Clock.currentTimeMillis
      yield* Effect.gen(function* () {
        yield* Worker.make(numbers, () => Effect.sleep("1 hour"))
        yield* numbers.add(pool, 1)
        yield* pass("1 minute")
      }).pipe(VirtualTime.scoped)
      // A minute, and the grace.
      assert.strictEqual((yield* Clock.currentTimeMillis) - begun, 85_000)
      assert.strictEqual(yield* pool.queueLength("numbers"), 1)
    }).pipe(Effect.provide(one))
  )

  it.effect("virtual time passes for an effect, and no longer; failures and interruption are handed on", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* secondsOf(Effect.sleep("1 hour")), 3600)
      assert.strictEqual(
        yield* Effect.flip(VirtualTime.run(Effect.zipRight(Effect.sleep("1 day"), Effect.fail("no")))),
        "no"
      )
      const begun = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.fork(VirtualTime.scoped(Effect.never))
      yield* settle
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* Clock.currentTimeMillis, begun)
    })
  )
})
