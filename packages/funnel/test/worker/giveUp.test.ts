import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Either, Schedule } from "effect"
import { DeadLetter, Worker } from "../../src/index.js"
import { addAll, numbers } from "../utils/jobs.js"
import { makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"

class Refused extends Data.TaggedError("Refused")<{ readonly why: string }> {
  override get message() {
    return `refused: ${this.why}`
  }
}
class Busy extends Data.TaggedError("Busy") {}

const letters = Effect.map(DeadLetter.list("numbers"), (entries) => entries.map(({ letter }) => letter))

const refused = new Refused({ why: "no address" })

describe.concurrent("a job is given up at once", () => {
  const handlers: Record<string, Effect.Effect<never, Worker.GiveUp<Refused>>> = {
    "where its handler fails with giveUp": Effect.fail(Worker.giveUp(refused)),
    "where its handler is giveUp": Worker.giveUp(refused),
    "where it throws giveUp": Effect.sync(() => {
      throw Worker.giveUp(refused)
    })
  }
  for (const [name, handler] of Object.entries(handlers)) {
    for (const retry of ["1 minute", 0] as const) {
      it.effect(`${name} (retry ${retry})`, () =>
        Effect.gen(function* () {
          const pool = yield* DisquePool
          yield* numbers.add(pool, { n: 1 }, retry === 0 ? { retry, replicate: 1 } : { retry })
          const seen: Array<unknown> = []
          let runs = 0
          yield* Worker.make(
            numbers,
            () =>
              Effect.zipRight(
                Effect.sync(() => runs++),
                handler
              ),
            {
              onFailure: ({ again, error }) => Effect.sync(() => seen.push([error, again]))
            }
          )
          yield* settle
          assert.strictEqual(runs, 1)
          assert.deepStrictEqual(seen, [[refused, undefined]])
          const [letter] = yield* letters
          assert.deepStrictEqual(
            [letter?.reason, letter?.attempts, letter?.error],
            ["failed", 1, "refused: no address"]
          )
        }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
      )
    }
  }

  it.effect("if `retryable` says so, and the others are tried again", () =>
    Effect.gen(function* () {
      yield* addAll(2)
      const runs = [0, 0]
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.suspend(() => {
            runs[n] = (runs[n] ?? 0) + 1
            return Effect.fail(n === 0 ? refused : new Busy())
          }),
        { attempts: 3, retry: Schedule.spaced("1 second"), retryable: (error) => error._tag !== "Refused" }
      )
      yield* pass("1 second")
      yield* pass("1 second")
      assert.deepStrictEqual(runs, [1, 3])
      assert.deepStrictEqual(
        (yield* letters).map(({ attempts }) => attempts),
        [1, 3]
      )
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("if it is the only one of its batch to be given up", () =>
    Effect.gen(function* () {
      yield* addAll(3)
      yield* Worker.makeBatch(
        numbers,
        (jobs) =>
          Effect.succeed(
            jobs.map(({ payload: { n } }) => (n === 1 ? Either.left(Worker.giveUp("no")) : Either.right(undefined)))
          ),
        { size: 3 }
      )
      yield* settle
      assert.deepStrictEqual(
        (yield* letters).map(({ attempts, body, error }) => [attempts, body, error]),
        [[1, '{"n":1}', "no"]]
      )
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})

describe.concurrent("a job is tried again", () => {
  it.effect("if `retryable` throws, which is logged once, and if its handler dies or interrupts itself", () =>
    Effect.gen(function* () {
      const log = makeLog()
      yield* addAll(3)
      const runs = [0, 0, 0]
      yield* Worker.make(
        numbers,
        ({ n }) =>
          Effect.suspend(() => {
            runs[n] = (runs[n] ?? 0) + 1
            return n === 0 ? Effect.fail(new Busy()) : n === 1 ? Effect.die("no") : Effect.interrupt
          }),
        {
          attempts: 2,
          retry: Schedule.spaced("1 second"),
          retryable: () => {
            throw new Error("a fault of the user")
          }
        }
      ).pipe(Effect.provide(log.layer))
      yield* pass("1 second")
      yield* pass("1 second")
      assert.deepStrictEqual(runs, [2, 2, 2])
      assert.strictEqual(log.lines.filter(({ text }) => text.includes("`retryable` died")).length, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

it.effect("a job that was given up is not begun again if its letter could not be added at first", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* numbers.add(pool, { n: 1 }, { retry: "2 minutes" })
    let isFull = true
    const full: DisquePool.Service = {
      ...pool,
      addJob: (queue, body, options) =>
        isFull && queue === "numbers.dead" ? Effect.die("full") : pool.addJob(queue, body, options)
    }
    let runs = 0
    yield* Worker.make(numbers, () =>
      Effect.zipRight(
        Effect.sync(() => runs++),
        Worker.giveUp("no")
      )
    ).pipe(Effect.provideService(DisquePool, full))
    yield* pass("1 second")
    assert.strictEqual(runs, 1)
    isFull = false
    yield* pass("2 minutes")
    yield* pass("1 second")
    assert.strictEqual(runs, 1)
    assert.strictEqual((yield* letters).length, 1)
  }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
)

it("types: `retryable` knows the errors of the handler, and `onFailure` those that were given up for", () => {
  const worker = Worker.make(
    numbers,
    ({ n }) =>
      Effect.gen(function* () {
        if (n === 0) return yield* new Busy()
        if (n === 1) return yield* Worker.giveUp(refused)
      }),
    {
      retryable: (error) => {
        const tag: "Busy" = error._tag
        return tag === "Busy"
      },
      onFailure: ({ error }) => {
        const tag: "Busy" | "Refused" | "HandlerDied" = error._tag
        return Effect.log(tag)
      },
      retry: Schedule.recurWhile((error: Busy | Worker.HandlerDied) => error._tag === "Busy")
    }
  )
  assert.isTrue(Effect.isEffect(worker))
})
