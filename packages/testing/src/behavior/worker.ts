import { DisquePool, Job, JobQueue } from "@disco/core"
import { DeadLetter, Worker } from "@disco/funnel"
import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Prepared } from "./backend.js"
import { collect, freshQueue, until } from "./utils.js"

/** What a worker does, wherever the node is. */
export const worker = (backend: Prepared): void => {
  const test = (
    name: string,
    body: (
      pool: DisquePool.Service,
      queue: JobQueue.JobQueue<number, number>
    ) => Effect.Effect<unknown, unknown, DisquePool | Scope.Scope>
  ) =>
    backend.test(name, () =>
      Effect.flatMap(Effect.all([DisquePool, freshQueue]), ([pool, name]) =>
        body(pool, JobQueue.make(name, { payload: Schema.Number, options: { retry: "1 hour" } }))
      ).pipe(Effect.scoped, Effect.provide(backend.layer))
    )

  const untilIs = (actual: () => unknown, expected: unknown) => until(backend, () => actual() === expected)

  const add = (pool: DisquePool.Service, queue: JobQueue.JobQueue<number, number>, count: number) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => queue.add(pool, n))

  const known = (pool: DisquePool.Service, ids: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(ids, (id) => pool.show(id)),
      (infos) => infos.filter((info) => info._tag === "Some" && info.value.state !== "acked").length
    )

  /** Waits until the nodes have forgotten the jobs. */
  const forgotten = (pool: DisquePool.Service, ids: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      for (let i = 0; i < 100; i++) {
        if ((yield* known(pool, ids)) === 0) return
        yield* backend.pass("50 millis")
        yield* backend.settle
      }
      assert.fail("the jobs are not acknowledged")
    })

  describe(`worker ${backend.name}`, () => {
    test("every job is handled once and acknowledged", (pool, queue) =>
      Effect.gen(function* () {
        const ids = yield* add(pool, queue, 100)
        const seen: Array<number> = []
        yield* Worker.make(queue, (n) => Effect.sync(() => seen.push(n)), { concurrency: 4 })
        yield* untilIs(() => seen.length, 100)
        assert.strictEqual(new Set(seen).size, 100)
        yield* forgotten(pool, ids)
      }))

    test("a job that fails is tried again after a short wait, under its lease", (pool, queue) =>
      Effect.gen(function* () {
        const ids = yield* add(pool, queue, 1)
        const attempts: Array<number> = []
        yield* Worker.make(
          queue,
          (_, { attempt }) =>
            Effect.suspend(() => {
              attempts.push(attempt)
              return attempt < 3 ? Effect.fail("not yet") : Effect.void
            }),
          { retry: Schedule.spaced("100 millis") }
        )
        yield* untilIs(() => attempts.length, 3)
        assert.deepStrictEqual(attempts, [1, 2, 3])
        yield* forgotten(pool, ids)
      }))

    test("a job that fails is tried again after a long wait, by way of the queue for delayed jobs", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, 1)
        const attempts: Array<number> = []
        yield* Worker.make(
          queue,
          (_, { attempt }) =>
            Effect.suspend(() => {
              attempts.push(attempt)
              return attempt < 2 ? Effect.fail("not yet") : Effect.void
            }),
          { retry: Schedule.spaced("1 second"), parkUpTo: 0 }
        )
        yield* untilIs(() => attempts.length, 2)
        assert.deepStrictEqual(attempts, [1, 2])
      }))

    test("a job that fails too often is found in the dead-letter queue, and comes back when it is redriven", (pool, queue) =>
      Effect.gen(function* () {
        const [id] = yield* add(pool, queue, 1)
        let isBroken = true
        let done = 0
        const letters: Array<Worker.Letter> = []
        yield* Worker.make(queue, () => (isBroken ? Effect.fail("broken") : Effect.sync(() => done++)), {
          attempts: 2,
          retry: Schedule.spaced("50 millis"),
          onDeadLetter: (letter) => Effect.sync(() => letters.push(letter))
        })
        yield* untilIs(() => letters.length, 1)
        const [letter] = letters
        assert.deepStrictEqual([letter?.id, letter?.attempts, letter?.error, letter?.body], [id, 2, "broken", "0"])
        isBroken = false
        assert.strictEqual(yield* DeadLetter.redrive(queue), 1)
        yield* untilIs(() => done, 1)
      }))

    test("a body that does not fit goes to the dead-letter queue, where it can be listed", (pool, queue) =>
      Effect.gen(function* () {
        yield* pool.addJob(queue.name, "no number")
        const letters: Array<Worker.Letter> = []
        yield* Worker.make(queue, () => Effect.void, {
          onDeadLetter: (letter) => Effect.sync(() => letters.push(letter))
        })
        yield* untilIs(() => letters.length, 1)
        assert.deepStrictEqual([letters[0]?.reason, letters[0]?.body], ["undecodable", "no number"])
      }))

    test("closing lets handlers end, and puts back jobs that were fetched ahead without counting a failure", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, 6)
        const scope = yield* Scope.make()
        const gate = yield* Deferred.make<void>()
        let begun = 0
        let done = 0
        yield* Scope.extend(
          Worker.make(
            queue,
            () =>
              Effect.suspend(() => {
                begun++
                return Effect.zipRight(
                  Deferred.await(gate),
                  Effect.sync(() => done++)
                )
              }),
            { concurrency: 2 }
          ),
          scope
        )
        yield* untilIs(() => begun, 2)
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* backend.settle
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(closing)
        assert.deepStrictEqual([begun, done], [2, 2])
        const back = yield* collect(backend, pool, queue.name, 4)
        assert.strictEqual(back.length, 4)
        assert.isTrue(back.every((job) => job.nacks === 0))
      }))

    test("closing interrupts handlers after the grace, and puts back their jobs", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, 1)
        const scope = yield* Scope.make()
        let begun = 0
        let interrupted = 0
        yield* Scope.extend(
          Worker.make(
            queue,
            () =>
              Effect.suspend(() => {
                begun++
                return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
              }),
            { grace: "100 millis" }
          ),
          scope
        )
        yield* untilIs(() => begun, 1)
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* untilIs(() => interrupted, 1)
        yield* Fiber.join(closing)
        const back = yield* collect(backend, pool, queue.name, 1)
        assert.deepStrictEqual(
          back.map((job) => [Job.text(job), job.nacks]),
          [["0", 0]]
        )
      }))

    test("a batch has a result for each job", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, 10)
        const done = new Set<number>()
        const dead: Array<string | undefined> = []
        yield* Worker.makeBatch(
          queue,
          (jobs) =>
            Effect.succeed(
              jobs.map(({ payload }) => (payload === 7 ? Either.left("no") : Either.right(done.add(payload))))
            ),
          { size: 4, attempts: 1, onDeadLetter: ({ body }) => Effect.sync(() => dead.push(body)) }
        )
        yield* untilIs(() => done.size + dead.length, 10)
        assert.deepStrictEqual(dead, ["7"])
      }))

    test("a worker that is paused takes nothing, and goes on when it is resumed", (pool, queue) =>
      Effect.gen(function* () {
        const seen: Array<number> = []
        const worker = yield* Worker.make(queue, (n) => Effect.sync(() => seen.push(n)))
        const pausing = yield* Effect.fork(worker.pause)
        yield* backend.settle
        yield* backend.pass("600 millis")
        yield* Fiber.join(pausing)
        yield* add(pool, queue, 3)
        yield* backend.settle
        assert.deepStrictEqual(seen, [])
        yield* worker.resume
        yield* untilIs(() => seen.length, 3)
      }))

    test("a job whose TTL is half over is handled to its end, once", (pool, queue) =>
      Effect.gen(function* () {
        yield* queue.add(pool, 1, { ttl: "6 seconds", retry: "5 seconds" })
        for (let i = 0; i < 32; i++) yield* backend.pass("100 millis")
        let begun = 0
        let done = 0
        yield* Worker.make(
          queue,
          () =>
            Effect.gen(function* () {
              begun += 1
              yield* Effect.sleep("800 millis")
              done += 1
            }),
          { grace: 0 }
        )
        yield* untilIs(() => done, 1)
        assert.strictEqual(begun, 1)
      }))

    test("a job that waits for its next attempt when its worker closes keeps its attempts", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, 1)
        const attempts: Array<number> = []
        const buried: Array<number> = []
        const worker = Worker.make(
          queue,
          (_, { attempt }) =>
            Effect.zipRight(
              Effect.sync(() => attempts.push(attempt)),
              Effect.fail("no")
            ),
          {
            retry: Schedule.spaced("1 second"),
            attempts: 3,
            grace: 0,
            onDeadLetter: (letter) => Effect.sync(() => buried.push(letter.attempts))
          }
        )
        for (const _ of [1, 2, 3]) {
          const scope = yield* Scope.make()
          const before = attempts.length
          yield* Scope.extend(worker, scope)
          yield* untilIs(() => attempts.length, before + 1)
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* untilIs(() => Option.isSome(Effect.runSync(Fiber.poll(closing))), true)
        }
        // A close without a grace may come before the last one's letter is there: then the next worker writes it.
        if ((yield* DeadLetter.list(queue)).length === 0) {
          yield* worker
          yield* untilIs(() => buried.length, 1)
        }
        assert.deepStrictEqual(attempts, [1, 2, 3])
        assert.deepStrictEqual(
          (yield* DeadLetter.list(queue)).map(({ letter }) => letter.attempts),
          [3]
        )
      }))

    test("jobs that go back untried spend nothing of the crash budget", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, 3)
        const done = new Set<number>()
        for (const last of [false, false, false, true]) {
          const scope = yield* Scope.make()
          yield* Scope.extend(
            Worker.make(queue, (n) => (last ? Effect.sync(() => done.add(n)) : Effect.never), {
              crashes: 1,
              prefetch: 4,
              grace: 0
            }),
            scope
          )
          if (last) yield* untilIs(() => done.size, 3)
          else for (let i = 0; i < 4; i++) yield* Effect.zipRight(backend.pass("50 millis"), backend.settle)
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* untilIs(() => Option.isSome(Effect.runSync(Fiber.poll(closing))), true)
        }
        assert.deepStrictEqual(yield* DeadLetter.list(queue), [])
      }))

    test("a job that is delivered once is tried again after a long wait, and redriven", (pool, queue) =>
      Effect.gen(function* () {
        yield* queue.add(pool, 1, { retry: 0, replicate: 1 })
        const attempts: Array<number> = []
        let dead = 0
        yield* Worker.make(
          queue,
          (_, { attempt }) =>
            Effect.suspend(() => {
              attempts.push(attempt)
              return dead === 0 ? Effect.fail("no") : Effect.void
            }),
          {
            retry: Schedule.spaced("1 second"),
            parkUpTo: 0,
            attempts: 2,
            onDeadLetter: () => Effect.sync(() => dead++)
          }
        )
        yield* untilIs(() => dead, 1)
        assert.strictEqual(yield* DeadLetter.redrive(queue), 1)
        yield* untilIs(() => attempts.length, 3)
        assert.deepStrictEqual(attempts, [1, 2, 1])
      }))
  })
}
