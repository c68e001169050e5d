import { DisquePool, Job } from "@disco/core"
import { Funnel } from "@disco/funnel"
import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Prepared } from "./backend.js"
import { collect, freshQueue, until } from "./utils.js"

/** What a funnel does, wherever the node is. */
export const funnel = (backend: Prepared): void => {
  const { settle } = backend
  const test = (
    name: string,
    body: (pool: DisquePool.Service, queue: string) => Effect.Effect<unknown, unknown, DisquePool | Scope.Scope>
  ) =>
    backend.test(name, () =>
      Effect.flatMap(Effect.all([DisquePool, freshQueue]), ([pool, queue]) => body(pool, queue)).pipe(
        Effect.provide(backend.layer)
      )
    )

  const add = (pool: DisquePool.Service, queue: string, ...bodies: ReadonlyArray<string>) =>
    Effect.forEach(bodies, (body) => pool.addJob(queue, body, { retry: "1 hour" }))

  const left = (pool: DisquePool.Service, queue: string, count: number) =>
    Effect.map(collect(backend, pool, queue, count), (jobs) => jobs.map((job) => [Job.text(job), job.nacks]))

  describe(`funnel ${backend.name}`, () => {
    test("jobs that are offered to outgoing come through incoming", (_, queue) =>
      Effect.gen(function* () {
        const funnel = yield* Funnel.make({ queues: queue })
        yield* Queue.offer(funnel.outgoing, { queue, body: "this-is-the-payload" })
        const jobs = yield* Stream.runCollect(Stream.take(funnel.incoming, 1))
        assert.deepStrictEqual([...jobs].map(Job.text), ["this-is-the-payload"])
      }))

    test("a job is acknowledged when the next one is pulled, and the last one when the stream ends", (pool, queue) =>
      Effect.gen(function* () {
        const ids = yield* add(pool, queue, "1", "2", "3")
        const seen: Array<string> = []
        yield* Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: queue })
            yield* Stream.runForEach(Stream.take(funnel.incoming, 3), (job) =>
              Effect.gen(function* () {
                seen.push(Job.text(job))
                const info = yield* pool.show(job)
                assert.strictEqual(info._tag, "Some")
              })
            )
          })
        )
        yield* settle
        assert.sameMembers(seen, ["1", "2", "3"])
        for (const id of ids) assert.strictEqual((yield* pool.show(id))._tag, "None")
      }))

    test("a consumer that fails puts back the job in its hands, and no other", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, "1", "2")
        // Several nodes give them in any order.
        const handled: Array<string> = []
        const funnel = yield* Funnel.make({ queues: queue })
        const exit = yield* Effect.exit(
          Stream.runForEach(funnel.incoming, (job) =>
            handled.push(Job.text(job)) === 2 ? Effect.fail("no") : Effect.void
          )
        )
        assert.deepStrictEqual(exit, Exit.fail("no"))
        assert.sameMembers(handled, ["1", "2"])
        assert.deepStrictEqual(yield* left(pool, queue, 1), [[handled[1], 1]])
      }))

    test("a consumer that dies or is interrupted puts back the job in its hands", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, "1")
        const funnel = yield* Funnel.make({ queues: queue })
        yield* Effect.exit(Stream.runForEach(funnel.incoming, () => Effect.die("bug")))
        const inHand = yield* Deferred.make<void>()
        const consumer = yield* Effect.fork(
          Stream.runForEach(funnel.incoming, () => Effect.zipRight(Deferred.succeed(inHand, undefined), Effect.never))
        )
        yield* Deferred.await(inHand)
        yield* Fiber.interrupt(consumer)
        assert.deepStrictEqual(yield* left(pool, queue, 1), [["1", 2]])
      }))

    test("several consumers share a funnel, and each job goes to one of them", (pool, queue) =>
      Effect.gen(function* () {
        const bodies = Array.from({ length: 40 }, (_, i) => String(i))
        yield* add(pool, queue, ...bodies)
        const funnel = yield* Funnel.make({ queues: queue })
        const seen: Array<string> = []
        const done = yield* Deferred.make<void>()
        const consume = Stream.runForEach(funnel.incoming, (job) => {
          seen.push(Job.text(job))
          return seen.length === bodies.length ? Deferred.succeed(done, undefined) : Effect.yieldNow()
        })
        const consumers = yield* Effect.fork(Effect.all([consume, consume, consume], { concurrency: "unbounded" }))
        yield* Deferred.await(done)
        yield* Fiber.interrupt(consumers)
        assert.sameMembers(seen, bodies)
      }))

    test("a group is acknowledged when the next one is pulled, and put back when its consumer fails", (pool, queue) =>
      Effect.gen(function* () {
        const ids = yield* add(pool, queue, "1", "2", "3", "4")
        const funnel = yield* Funnel.make({ queues: queue })
        const groups: Array<ReadonlyArray<string>> = []
        const exit = yield* Effect.exit(
          Stream.runForEach(funnel.incomingGrouped(2, "1 minute"), (jobs) => {
            groups.push([...jobs].map(Job.text))
            return groups.length === 2 ? Effect.fail("no") : Effect.void
          })
        )
        assert.deepStrictEqual(exit, Exit.fail("no"))
        const [first = [], second = []] = groups
        assert.sameMembers([...first, ...second], ["1", "2", "3", "4"])
        assert.sameDeepMembers(
          yield* left(pool, queue, 2),
          second.map((text) => [text, 1])
        )
        yield* settle
        for (const text of first) assert.strictEqual((yield* pool.show(ids[Number(text) - 1] ?? ""))._tag, "None")
      }))

    test("closing puts back each job that was fetched and not settled, once", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, "1", "2", "3", "4")
        const consumers = yield* Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: queue })
            const holding = yield* Queue.unbounded<string>()
            const hold = Stream.runForEach(funnel.incoming, (job) =>
              Effect.zipRight(Queue.offer(holding, Job.text(job)), Effect.never)
            )
            const consumers = yield* Effect.forkDaemon(Effect.all([hold, hold, hold], { concurrency: "unbounded" }))
            yield* Queue.takeN(holding, 3)
            return consumers
          })
        )
        const back = yield* left(pool, queue, 4)
        assert.sameMembers(
          back.map(([body]) => body),
          ["1", "2", "3", "4"]
        )
        // Three were in hand; the fourth may have been fetched ahead.
        assert.isTrue(back.every(([, nacks]) => Number(nacks) <= 1))
        assert.isAtLeast(back.filter(([, nacks]) => nacks === 1).length, 3)
        yield* Fiber.interrupt(consumers)
      }))

    test("forEach acknowledges the jobs of handlers that succeed, and goes on if one fails", (pool, queue) =>
      Effect.gen(function* () {
        const ids = yield* add(pool, queue, "1", "2", "3", "4", "5", "6")
        const funnel = yield* Funnel.make({ queues: queue })
        const seen: Array<string> = []
        const run = yield* Effect.fork(
          funnel.forEach(
            (job) => {
              seen.push(`${Job.text(job)} ${job.nacks}`)
              return Job.text(job) === "3" && job.nacks === 0 ? Effect.fail("no") : Effect.yieldNow()
            },
            { concurrency: 3 }
          )
        )
        yield* until(backend, () => seen.length === 7)
        yield* settle
        yield* Fiber.interrupt(run)
        assert.sameMembers(seen, ["1 0", "2 0", "3 0", "3 1", "4 0", "5 0", "6 0"])
        for (const id of ids) assert.strictEqual((yield* pool.show(id))._tag, "None")
      }))

    test("forEach puts back the jobs in work and those fetched ahead when it is interrupted", (pool, queue) =>
      Effect.gen(function* () {
        const bodies = ["1", "2", "3", "4", "5", "6"]
        yield* add(pool, queue, ...bodies)
        const funnel = yield* Funnel.make({ queues: queue })
        const holding = yield* Queue.unbounded<string>()
        const run = yield* Effect.fork(
          funnel.forEach((job) => Effect.zipRight(Queue.offer(holding, Job.text(job)), Effect.never), {
            concurrency: 2
          })
        )
        const inWork = [...(yield* Queue.takeN(holding, 2))]
        yield* Fiber.interrupt(run)
        const back = yield* left(pool, queue, 6)
        assert.sameMembers(
          back.map(([body]) => body),
          bodies
        )
        for (const [body, nacks] of back) if (inWork.includes(String(body))) assert.strictEqual(nacks, 1)
      }))

    test("forEach ends when its funnel closes, and its jobs go back once", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, "1", "2", "3")
        const run = yield* Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: queue })
            const begun = yield* Deferred.make<void>()
            const run = yield* Effect.forkDaemon(
              funnel.forEach(() => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never), {
                concurrency: 3
              })
            )
            yield* Deferred.await(begun)
            return run
          })
        )
        assert.deepStrictEqual(yield* Fiber.await(run), Exit.void)
        const back = yield* left(pool, queue, 3)
        assert.sameMembers(
          back.map(([body]) => body),
          ["1", "2", "3"]
        )
        assert.isTrue(back.every(([, nacks]) => Number(nacks) <= 1))
      }))

    test("closing adds all jobs that were offered, also beyond the capacity of outgoing", (pool, queue) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: queue, outgoingCapacity: 2, batch: 3 })
            yield* Effect.forEach(Array.from({ length: 50 }), (_, i) =>
              Queue.offer(funnel.outgoing, { queue, body: String(i), options: { retry: "1 hour" } })
            )
          })
        )
        assert.strictEqual(yield* pool.queueLength(queue), 50)
      }))

    test("a stream that waits for jobs ends when its funnel closes", (_, queue) =>
      Effect.gen(function* () {
        const consumer = yield* Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: queue })
            const consumer = yield* Effect.forkDaemon(Stream.runCollect(funnel.incoming))
            yield* settle
            return consumer
          })
        )
        assert.strictEqual((yield* Fiber.join(consumer)).length, 0)
      }))

    test("a job that is settled by hand is acknowledged, put back, or left to the close", (pool, queue) =>
      Effect.gen(function* () {
        yield* add(pool, queue, "ack", "neither", "nack")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const funnel = yield* Funnel.make({ queues: queue, acknowledge: "manual" })
            yield* Stream.runForEach(Stream.take(funnel.incoming, 3), (job) => {
              const body = Job.text(job)
              // Settling twice does no harm, and changes nothing.
              if (body === "ack") return Effect.zipRight(job.ack, Effect.zipRight(job.ack, job.nack))
              return body === "nack" ? Effect.zipRight(job.nack, Effect.zipRight(job.nack, job.ack)) : Effect.void
            })
          })
        )
        // The one that was nacked by hand may have come again, and have been put back with what was fetched ahead.
        const back = yield* left(pool, queue, 2)
        assert.sameMembers(
          back.map(([body]) => body),
          ["neither", "nack"]
        )
        assert.isTrue(back.every(([, nacks]) => Number(nacks) >= 1))
      }))

    test("no queues, an empty name or a count below 1 is refused", () =>
      Effect.gen(function* () {
        for (const options of [
          { queues: [] },
          { queues: ["a", ""] },
          { queues: "a", fetchCount: 0 },
          { queues: "a", batch: Number.NaN },
          { queues: "a", outgoingCapacity: 1.5 }
        ]) {
          assert.strictEqual((yield* Effect.flip(Effect.scoped(Funnel.make(options))))._tag, "InvalidArgument")
        }
      }))
  })
}
