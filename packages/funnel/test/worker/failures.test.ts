import { DisquePool, JobQueue } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Either, Exit, Fiber, Layer, Logger, Option, Schedule, Schema, Stream } from "effect"
import { DeadLetter, Funnel, Worker } from "../../src/index.js"
import { causeText, kindOf, textOf } from "../../src/internal/failure.js"
import { addAll, known, left, numbers } from "../utils/jobs.js"
import { logged, makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, passIn, settle } from "../utils/time.js"

const circular: Record<string, unknown> = { status: 503 }
circular.request = { response: circular }

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

class Unreadable extends Error {
  override get message(): string {
    throw new Error("no message either")
  }
}

/** What neither JSON.stringify nor String may be able to take. */
const failures: ReadonlyArray<readonly [string, unknown, RegExp]> = [
  ["a circular object", circular, /503/],
  ["a bigint in an object", { limit: 10n }, /10n/],
  ["an object without a prototype", Object.create(null), /./],
  ["an error whose message throws", new Unreadable(), /./],
  [
    "an object whose toJSON throws",
    {
      toJSON: () => {
        throw new Error("no JSON")
      }
    },
    /./
  ],
  ["an object whose tag is a symbol", { _tag: Symbol("tag") }, /./],
  ["an object with a message that is no text", { message: circular }, /503/],
  ["a symbol", Symbol("a symbol"), /a symbol/],
  ["a function", () => {}, /./],
  ["nothing", undefined, /undefined/],
  ["null", null, /null/],
  ["a bigint", 10n, /10/],
  ["an error without a message", new TypeError(), /TypeError/],
  ["a long text", "x".repeat(1_000_000), /^(the handler died: )?x{3900,4000}…/],
  ["an error of a circular cause", new Error("outer", { cause: circular }), /outer/]
]

it("a revoked proxy is turned into text, though Effect itself fails on one", () => {
  assert.isString(textOf(revoked()))
  assert.isString(kindOf(revoked()))
  assert.isString(new Worker.HandlerDied({ cause: revoked() }).message)
})

describe.concurrent("a failure of a handler", () => {
  for (const [what, failure, expected] of failures) {
    const ends: ReadonlyArray<readonly [string, Effect.Effect<never, unknown>]> = [
      ["fails with", Effect.suspend(() => Effect.fail(failure))],
      ["dies of", Effect.suspend(() => Effect.die(failure))],
      [
        "throws",
        Effect.sync(() => {
          throw failure
        })
      ],
      ["rejects with", Effect.promise(() => Promise.reject(failure))]
    ]
    for (const [how, end] of ends) {
      it.effect(`counts as one attempt, and stops nothing, if the handler ${how} ${what}`, () =>
        Effect.gen(function* () {
          const pool = yield* DisquePool
          const attempts: Array<number> = []
          const handled: Array<number> = []
          const running = yield* Effect.fork(
            Worker.run(
              numbers,
              ({ n }, { attempt }) =>
                Effect.suspend(() => {
                  if (n > 0) return Effect.sync(() => handled.push(n))
                  attempts.push(attempt)
                  return end
                }),
              {
                attempts: 3,
                retry: Schedule.spaced("1 second"),
                grace: 0,
                onFailure: ({ error }) => Effect.fail(error).pipe(Effect.orDie)
              }
            )
          )
          yield* addAll(2)
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          yield* passIn(4, "1 second")
          yield* numbers.add(pool, { n: 2 })
          yield* settle
          assert.deepStrictEqual(attempts, [1, 2, 3])
          assert.deepStrictEqual(handled, [1, 2])
          const [entry, ...others] = yield* DeadLetter.list(numbers)
          assert.lengthOf(others, 0)
          assert.match(entry?.letter.error ?? "", expected)
          assert.strictEqual(entry?.letter.attempts, 3)
          assert.isTrue(Option.isNone(yield* Fiber.poll(running)))
          yield* Fiber.interrupt(running)
        }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
      )
    }

    it(`is turned into text if it is ${what}`, () => {
      assert.match(textOf(failure), expected)
      assert.isString(kindOf(failure))
      for (const cause of [Cause.fail(failure), Cause.die(failure), Cause.parallel(Cause.die(failure), Cause.die(1))]) {
        assert.isAbove(causeText(cause).length, 0)
      }
      assert.isString(new Worker.HandlerDied({ cause: failure }).message)
    })
  }

  it.effect("counts as one attempt if the handler interrupts itself", () =>
    Effect.gen(function* () {
      yield* addAll(1)
      const attempts: Array<number> = []
      yield* Worker.make(
        numbers,
        (_, { attempt }) =>
          Effect.zipRight(
            Effect.sync(() => attempts.push(attempt)),
            Effect.interrupt
          ),
        { attempts: 2, retry: Schedule.spaced("1 second") }
      )
      yield* passIn(3, "1 second")
      assert.deepStrictEqual(attempts, [1, 2])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

it.effect("a job whose schema throws is undecodable to a funnel, and stops nothing", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const picky = JobQueue.make("picky", {
      payload: Schema.transform(Schema.Number, Schema.Number, {
        strict: true,
        decode: (n) => {
          if (n === 0) throw circular
          return n
        },
        encode: (n) => n
      })
    })
    for (const n of [0, 1]) yield* pool.addJob("picky", String(n))
    const funnel = yield* Funnel.forQueue(picky)
    const taken = yield* Stream.runCollect(Stream.take(funnel.incoming, 1))
    assert.deepStrictEqual(
      [...taken].map(({ payload }) => payload),
      [1]
    )
    assert.deepStrictEqual(
      (yield* DeadLetter.list("picky")).map(({ letter }) => letter.body),
      ["0"]
    )
  }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
)

it.effect("a logger that throws stops no job", () =>
  Effect.gen(function* () {
    yield* addAll(5)
    const attempts: Array<number> = []
    const broken = Logger.replace(
      Logger.defaultLogger,
      Logger.make<unknown, void>(() => {
        throw new Error("the disk of the log is full")
      })
    )
    yield* Worker.make(
      numbers,
      ({ n }) =>
        Effect.zipRight(
          Effect.sync(() => attempts.push(n)),
          Effect.fail("no")
        ),
      { attempts: 2, retry: Schedule.spaced("1 second"), grace: 0, onDeadLetter: () => Effect.die("no") }
    ).pipe(Effect.provide(broken))
    yield* passIn(3, "1 second")
    assert.lengthOf(attempts, 10)
    assert.lengthOf(yield* DeadLetter.list(numbers), 5)
  }).pipe(Effect.scoped, Effect.provide(layer))
)

/** A queue at which the fibers of a worker die, for some of its jobs: as if they had a fault. */
const deadly = (isDeadly: (n: number) => boolean): typeof numbers => ({
  ...numbers,
  open: (job) => {
    if (isDeadly(JSON.parse(new TextDecoder().decode(job.body)).n)) throw new Error("a fault of ours")
    return numbers.open(job)
  }
})

describe.concurrent("a fiber of a worker that dies", () => {
  it.effect("is replaced, which is logged once, and its job comes again after its retry time", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(4)
      const handled: Array<number> = []
      let isBroken = true
      const lines = yield* logged(
        Effect.scoped(
          Effect.gen(function* () {
            yield* Worker.make(
              deadly((n) => isBroken && n < 2),
              ({ n }) => Effect.sync(() => handled.push(n))
            )
            yield* settle
            assert.deepStrictEqual(handled, [2, 3])
            isBroken = false
            yield* passIn(2, "1 minute")
          })
        )
      )
      assert.deepStrictEqual(handled.sort(), [0, 1, 2, 3])
      assert.strictEqual(yield* known(ids), 0)
      assert.lengthOf(
        lines.filter(({ text }) =>
          text.startsWith("a fiber of the worker died, and is replaced: Error: a fault of ours")
        ),
        1
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("keeps none of the jobs of its batch", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(4)
      const handled: Array<number> = []
      let isBroken = true
      yield* Worker.makeBatch(
        deadly((n) => isBroken && n === 2),
        (jobs) => {
          for (const { payload } of jobs) handled.push(payload.n)
          return Effect.succeed(jobs.map(() => Either.right(0)))
        },
        { size: 4, grace: 0 }
      )
      yield* settle
      isBroken = false
      yield* passIn(2, "1 minute")
      assert.deepStrictEqual(handled.sort(), [0, 1, 2, 3])
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("again and again ends the worker: `Worker.run` dies with the reason, and no job is lost", () =>
    Effect.gen(function* () {
      yield* addAll(100)
      const exit = yield* Effect.exit(
        Worker.run(
          deadly(() => true),
          () => Effect.void,
          { grace: 0 }
        )
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      yield* passIn(2, "1 minute")
      assert.lengthOf(yield* left("numbers"), 100)
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})

describe.concurrent("a worker as a layer", () => {
  const ended = Worker.layer(
    deadly(() => true),
    () => Effect.void,
    { grace: 0 }
  )
  const other = Layer.scopedDiscard(Effect.void)

  const programs: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, DisquePool>]> = [
    ["is launched", Layer.launch(ended)],
    ["is launched beside others", Layer.launch(Layer.mergeAll(other, ended, other))],
    ["is provided to a program that waits", Effect.provide(Effect.never, ended)],
    ["is provided below other layers", Effect.provide(Effect.never, Layer.provideMerge(other, ended))]
  ]
  for (const [how, program] of programs) {
    it.live(`ends its program with the reason when it ends, if it ${how}`, () =>
      Effect.gen(function* () {
        yield* addAll(100)
        const context = yield* Effect.context<DisquePool>()
        let isReleased = false
        const fiber = Effect.runFork(
          Effect.scoped(
            Effect.zipRight(
              Effect.addFinalizer(() => Effect.sync(() => (isReleased = true))),
              program
            )
          ).pipe(Effect.provide(context), Effect.provide(makeLog().layer))
        )
        const exit = yield* Effect.timeout(Fiber.await(fiber), "5 seconds")
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), String(exit))
        assert.include(causeText(Exit.isFailure(exit) ? exit.cause : Cause.empty), "a fault of ours")
        assert.isTrue(isReleased)
      }).pipe(Effect.provide(layer))
    )
  }

  it.effect("runs `onEnd` instead of ending its program", () =>
    Effect.gen(function* () {
      yield* addAll(100)
      const end = yield* Deferred.make<string>()
      const told = Worker.layer(
        deadly(() => true),
        () => Effect.void,
        {
          grace: 0,
          onEnd: (cause) => Deferred.succeed(end, causeText(cause))
        }
      )
      const lines = yield* logged(
        Effect.tap(Effect.provide(Deferred.await(end), told), (text) => assert.include(text, "a fault of ours"))
      )
      assert.lengthOf(
        lines.filter(({ level, text }) => level === "ERROR" && text.startsWith("the worker has ended: ")),
        1
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("goes on after the worker that it was built beside has ended", () =>
    Effect.gen(function* () {
      const ids = yield* addAll(3)
      yield* Effect.provide(
        pass("1 second"),
        Layer.merge(
          other,
          Worker.layer(numbers, () => Effect.void)
        )
      )
      assert.strictEqual(yield* known(ids), 0)
    }).pipe(Effect.provide(layer))
  )
})
