import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { known, left } from "../utils/jobs.js"
import { layer } from "../utils/nodes.js"
import { pass, settle } from "../utils/time.js"
import { add, bodies, number } from "./utils.js"

describe.concurrent("incoming, with", () => {
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
