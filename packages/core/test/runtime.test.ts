import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Scheduler } from "effect"
import { currentFiber, type Resume, type RunningFiber, resumeTogether, wait } from "../src/internal/runtime.js"

interface Waiting {
  readonly fiber: RunningFiber
  readonly resume: Resume<string, string>
}

/** Forks fibers that wait, and gives what resumes each. */
const waiting = (names: ReadonlyArray<string>, onEnd: (name: string, exit: Exit.Exit<string, string>) => void) =>
  Effect.gen(function* () {
    const waits = new Map<string, Waiting>()
    const fibers: Array<Fiber.RuntimeFiber<string, string>> = []
    for (const name of names) {
      const suspended = wait<string, string>((resume) => waits.set(name, { fiber: currentFiber(), resume }))
      fibers.push(yield* Effect.fork(Effect.onExit(suspended, (exit) => Effect.sync(() => onEnd(name, exit)))))
    }
    while (waits.size < names.length) yield* Effect.yieldNow()
    const resume = (name: string, outcome: Effect.Effect<string, string>) => {
      const { fiber, resume } = waits.get(name) as Waiting
      resumeTogether(fiber, resume, outcome)
    }
    return { fibers, resume }
  })

const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

describe("fibers that are resumed together", () => {
  it.effect("go on in the order in which they were resumed, and not before the caller is done", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const { resume } = yield* waiting(["a", "b", "c"], (name) => ended.push(name))
      resume("b", Effect.succeed("1"))
      resume("a", Effect.fail("2"))
      resume("c", Effect.succeed("3"))
      assert.deepStrictEqual(ended, [])
      yield* turn
      assert.deepStrictEqual(ended, ["b", "a", "c"])
    })
  )

  it.effect("take the first outcome, which may be an effect that takes time", () =>
    Effect.gen(function* () {
      const { fibers, resume } = yield* waiting(["a"], () => {})
      resume("a", Effect.as(turn, "later"))
      resume("a", Effect.succeed("never"))
      assert.strictEqual(yield* Fiber.join(fibers[0] as Fiber.RuntimeFiber<string, string>), "later")
    })
  )

  it.effect("end as interrupted if they are interrupted before, at the same time, or instead", () =>
    Effect.gen(function* () {
      const names = ["before", "after", "instead"]
      const exits = new Map<string, Exit.Exit<string, string>>()
      const { fibers, resume } = yield* waiting(names, (name, exit) => exits.set(name, exit))
      const [before, after, instead] = fibers
      before?.unsafeInterruptAsFork(before.id())
      resume("before", Effect.succeed("1"))
      resume("after", Effect.succeed("2"))
      after?.unsafeInterruptAsFork(after.id())
      instead?.unsafeInterruptAsFork(instead.id())
      yield* turn
      for (const name of names) {
        const exit = exits.get(name)
        assert.isTrue(exit !== undefined && Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause), name)
      }
    })
  )

  it.effect("go on if one of them dies", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const { resume } = yield* waiting(["a", "b"], (name) => ended.push(name))
      resume("a", Effect.die("a bug"))
      resume("b", Effect.succeed("1"))
      yield* turn
      assert.deepStrictEqual(ended, ["a", "b"])
    })
  )

  it.live("are left to a scheduler of their own, if they have one", () =>
    Effect.gen(function* () {
      const scheduler = new Scheduler.ControlledScheduler()
      const ended: Array<string> = []
      let waits: Waiting | undefined
      const waiting = wait<string, string>((resume) => {
        waits = { fiber: currentFiber(), resume }
      })
      yield* Effect.forkDaemon(
        Effect.withScheduler(
          Effect.map(waiting, (value) => ended.push(value)),
          scheduler
        )
      )
      while (waits === undefined) yield* turn
      resumeTogether(waits.fiber, waits.resume, Effect.succeed("done"))
      yield* turn
      assert.deepStrictEqual(ended, [])
      scheduler.step()
      assert.deepStrictEqual(ended, ["done"])
    })
  )
})
