import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Turns } from "../../src/internal/disk/turns.js"

const pause = Effect.yieldNow()

describe("turns", () => {
  it.effect("come to all, even if somebody asks again and again at once", () =>
    Effect.gen(function* () {
      const turns = new Turns()
      const greedy = yield* Effect.fork(Effect.forever(turns.alone(pause)))
      yield* pause
      yield* turns.alone(Effect.void)
      yield* turns.alone(pause)
      yield* Fiber.interrupt(greedy)
    })
  )

  it.effect("are one at a time, in the order in which they were asked for", () =>
    Effect.gen(function* () {
      const turns = new Turns()
      const done: Array<string> = []
      const work = (name: string) =>
        turns.alone(
          Effect.sync(() => done.push(`${name} begins`)).pipe(
            Effect.zipRight(pause),
            Effect.zipRight(Effect.sync(() => done.push(`${name} ends`)))
          )
        )
      yield* Effect.all([work("a"), work("b"), work("c")], { concurrency: "unbounded" })
      assert.deepStrictEqual(done, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"])
    })
  )

  it.effect("go on to the next after a failure, a defect, and an interruption, also of who waits", () =>
    Effect.gen(function* () {
      const turns = new Turns()
      yield* Effect.exit(turns.alone(Effect.fail("no")))
      yield* Effect.exit(turns.alone(Effect.die("no")))
      const first = yield* Effect.fork(turns.alone(Effect.never))
      yield* pause
      const second = yield* Effect.fork(turns.alone(Effect.never))
      const third = yield* Effect.fork(turns.alone(Effect.succeed("third")))
      yield* pause
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* Fiber.join(third), "third")
    })
  )

  it.effect("are passed on by who is interrupted in the moment in which the turn comes", () =>
    Effect.gen(function* () {
      const turns = new Turns()
      const holder = Effect.unsafeMakeLatch()
      yield* Effect.fork(turns.alone(holder.await))
      yield* pause
      let ran = 0
      const waiting = yield* Effect.fork(turns.alone(Effect.sync(() => ran++)))
      yield* pause
      // The turn is handed over before the fiber that waits for it runs.
      yield* Effect.all([holder.open, Fiber.interruptFork(waiting)])
      yield* turns.alone(Effect.void)
      yield* Fiber.await(waiting)
      assert.isAtMost(ran, 1)
    })
  )
})
