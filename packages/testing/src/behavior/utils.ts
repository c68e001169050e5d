import type { DisquePool, Job } from "@disco/core"
import { consume } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type { Prepared } from "./backend.js"

/** A queue that no other test uses, also on a cluster that others use at the same time. */
export const freshQueue = Effect.map(Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER), (n) => `test-${n.toString(36)}`)

/** Lets time pass, a little at a time, until the condition holds. */
export const until = (backend: Prepared, condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < 150; i++) {
      if (condition()) return
      yield* backend.pass("50 millis")
      yield* backend.settle
    }
    return yield* Effect.die(new Error("the condition does not hold in time"))
  })

/** Takes at least `count` jobs from a queue, whichever nodes have them. */
export const collect = (backend: Prepared, pool: DisquePool.Service, queue: string, count: number) =>
  Effect.gen(function* () {
    const jobs: Array<Job.Job> = []
    const consuming = yield* Effect.fork(
      consume(pool, queue, {
        demand: (most) => Effect.succeed(most),
        receive: (more) => Effect.sync(() => jobs.push(...more)).pipe(Effect.asVoid)
      })
    )
    yield* until(backend, () => jobs.length >= count)
    yield* backend.settle
    yield* Fiber.interrupt(consuming)
    return jobs as ReadonlyArray<Job.Job>
  })
