import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { left } from "../utils/jobs.js"
import { layer } from "../utils/nodes.js"
import { pass } from "../utils/time.js"
import { addMany, bodyOf, type Handler, type Operator, operators, several } from "./streamOperators.js"

/** A pool whose acknowledgements take a while. */
const slow = (ackMillis: number) =>
  Effect.map(DisquePool, (pool) => ({
    ...pool,
    ackJob: (jobs: Parameters<typeof pool.ackJob>[0]) => Effect.delay(pool.ackJob(jobs), ackMillis)
  }))

type Ending = "its scope" | "its fiber" | "a timeout"

/** Handles jobs until it is ended, and gives those whose handlers ended well, and those that are left. */
const interrupted = (operator: Operator, ending: Ending, turns: number, ahead?: number, ackMillis = 15, count = 120) =>
  Effect.gen(function* () {
    yield* addMany(count)
    const finished = new Set<number>()
    const scope = yield* Scope.make()
    const funnel = yield* Funnel.make({ queues: "work", ahead }).pipe(
      Scope.extend(scope),
      Effect.provideServiceEffect(DisquePool, slow(ackMillis))
    )
    const handler: Handler = (job) =>
      Effect.zipRight(
        bodyOf(job) % 3 === 0 ? Effect.sleep("10 millis") : Effect.yieldNow(),
        Effect.sync(() => finished.add(bodyOf(job)))
      )
    const consumer = Stream.runDrain(operator(funnel.incoming, handler))
    const bounded = ending === "a timeout" ? Effect.timeout(consumer, 10 * turns) : consumer
    const fiber = yield* ending === "its scope" ? Effect.forkIn(bounded, scope) : Effect.fork(bounded)
    for (let i = 0; i < turns; i++) yield* pass("10 millis")
    if (ending === "its fiber") yield* Fiber.interruptFork(fiber)
    const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
    yield* pass("10 seconds")
    yield* Fiber.join(closing)
    const back = new Set((yield* left("work")).map(bodyOf))
    return { count, finished, back }
  }).pipe(Effect.provide(layer))

describe.concurrent("a consumer of a funnel that works on several jobs at a time", () => {
  for (const [name, operator] of Object.entries(operators)) {
    for (const ending of ["its scope", "its fiber", "a timeout"] as const) {
      it.effect(`${name}: gives back 16 finished jobs at most, and all others, when it is ended by ${ending}`, () =>
        Effect.gen(function* () {
          for (const turns of [1, 3]) {
            const { back, count, finished } = yield* interrupted(operator, ending, turns)
            const twice = [...back].filter((n) => finished.has(n))
            assert.isAtMost(twice.length, 16)
            assert.strictEqual(new Set([...back, ...finished]).size, count)
          }
        })
      )
    }
  }

  // Those that are decided while an acknowledgement is under way wait for it: they are done all the same.
  for (const [name, operator] of several) {
    for (const ackMillis of [50, 500]) {
      it.effect(`${name}: gives back 16 finished jobs at most where acknowledgements take ${ackMillis} ms`, () =>
        Effect.gen(function* () {
          for (const ending of ["its scope", "its fiber"] as const) {
            const { back, count, finished } = yield* interrupted(operator, ending, 20, undefined, ackMillis, 300)
            assert.isAtMost([...back].filter((n) => finished.has(n)).length, 16)
            assert.strictEqual(new Set([...back, ...finished]).size, count)
          }
        })
      )
    }
  }

  for (const ahead of [0, 4, 40]) {
    it.effect(`gives back ${ahead} finished jobs at most where \`ahead\` says so`, () =>
      Effect.gen(function* () {
        const operator = operators["mapEffect, 16 at a time"] as Operator
        for (const turns of [1, 3]) {
          const { back, count, finished } = yield* interrupted(operator, "its fiber", turns, ahead)
          assert.isAtMost([...back].filter((n) => finished.has(n)).length, ahead)
          assert.strictEqual(new Set([...back, ...finished]).size, count)
        }
      })
    )
  }
})
