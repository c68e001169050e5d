import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Schema, TestClock } from "effect"

const emails = JobQueue.make("emails", { payload: Schema.String })

const onPool = <A, E, R>(body: (pool: DisquePool.Service) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(DisquePool, body).pipe(Effect.provide(EmbeddedDisque.layerPool))

describe("a job of a typed queue", () => {
  it.scoped("waits for a worker for a week, and tells its age meanwhile", () =>
    onPool((pool) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* emails.oldestAge(pool), Option.none())
        yield* emails.add(pool, "to ada")
        yield* TestClock.adjust("6 days")
        yield* emails.add(pool, "to grace")
        assert.deepStrictEqual(yield* emails.oldestAge(pool), Option.some(Duration.days(6)))
        yield* TestClock.adjust("23 hours")
        const peeked = yield* emails.peek(pool, { count: 5 })
        assert.lengthOf(peeked, 2)
        yield* TestClock.adjust("61 minutes")
        assert.lengthOf(yield* emails.peek(pool, { count: 5 }), 1)
      })
    )
  )

  it.scoped("can be kept by who works on it when its delay is over, however long that was", () =>
    onPool((pool) =>
      Effect.gen(function* () {
        yield* emails.add(pool, "to ada", { delay: "4 days" })
        yield* TestClock.adjust(Duration.sum(Duration.days(4), "1 second"))
        const job = yield* emails.get(pool, { timeout: 0 })
        yield* pool.working(job)
        yield* TestClock.adjust("11 hours")
        yield* pool.working(job)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* Effect.flip(pool.working(job)))._tag, "LeaseTooOld")
      })
    )
  )
})
