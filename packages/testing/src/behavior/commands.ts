import { DisqueConnection, Job, type JobId } from "@disco/core"
import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Prepared } from "./backend.js"
import { freshQueue } from "./utils.js"

const unknownId = "D-00000000-000000000000000000000000-05a1"

/** What the typed commands do, wherever the node is. */
export const commands = (backend: Prepared): void => {
  const { pass, settle } = backend
  const test = (
    name: string,
    body: (disque: DisqueConnection.Service, queue: string) => Effect.Effect<unknown, unknown>
  ) =>
    backend.test(name, () =>
      Effect.flatMap(Effect.all([DisqueConnection, freshQueue]), ([disque, queue]) => body(disque, queue)).pipe(
        Effect.provide(backend.layer)
      )
    )

  describe(`commands ${backend.name}`, () => {
    test("a job that was added is fetched with its queue, its id and its body, and is gone once acknowledged", (disque, queue) =>
      Effect.gen(function* () {
        const id = yield* disque.addJob(queue, "hello")
        assert.strictEqual(yield* disque.queueLength(queue), 1)
        const job = yield* disque.getJob(queue, { timeout: "2 seconds" })
        assert.deepStrictEqual([job.queue, job.id, Job.text(job)], [queue, id, "hello"])
        assert.strictEqual(yield* disque.ackJob(job), 1)
        assert.strictEqual(yield* disque.ackJob(job.id), 0)
        assert.strictEqual(yield* disque.queueLength(queue), 0)
      }))

    test("a body comes back byte for byte, also if it is empty or not text", (disque, queue) =>
      Effect.gen(function* () {
        for (const body of [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(100_000)]) {
          yield* disque.addJob(queue, body)
          const job = yield* disque.getJob(queue)
          assert.deepStrictEqual(job.body, body)
          yield* disque.ackJob(job)
        }
      }))

    test("text that would arrive changed, or end the connection, is refused, and breaks nothing for others", (disque, queue) =>
      Effect.gen(function* () {
        const [half, long, fine] = yield* disque.addJobs([
          { queue, body: "torn \ud83d" },
          { queue, body: new Uint8Array(512 * 1024 * 1024 + 1) },
          { queue, body: "whole \ud83d\ude00" }
        ])
        const messageOf = (result: typeof half) =>
          Either.match(result ?? Either.left(new Error("nothing")), { onLeft: String, onRight: () => "added" })
        assert.match(messageOf(half), /ADDJOB: body is text with half of a surrogate pair at 5/)
        assert.match(messageOf(long), /ADDJOB: body is 536870913 bytes, expected at most 512 MB/)
        assert.strictEqual(messageOf(fine), "added")
        assert.strictEqual((yield* Effect.flip(disque.queueLength("a\udc00")))._tag, "InvalidArgument")
        const job = yield* disque.getJob(queue)
        assert.strictEqual(Job.text(job), "whole \ud83d\ude00")
      }))

    test("a change of a body after it was added does not reach the job", (disque, queue) =>
      Effect.gen(function* () {
        const body = new Uint8Array([1, 2, 3])
        const adding = yield* Effect.fork(disque.addJob(queue, body))
        yield* Effect.yieldNow()
        body.fill(9)
        yield* Fiber.join(adding)
        assert.deepStrictEqual((yield* disque.getJob(queue)).body, new Uint8Array([1, 2, 3]))
      }))

    test("getJob fails with GetJobTimeout once its timeout has passed, and says what it waited for", (disque, queue) =>
      Effect.gen(function* () {
        const getting = yield* Effect.fork(Effect.flip(disque.getJob([queue, "other"], { timeout: "200 millis" })))
        yield* settle
        yield* pass("400 millis")
        const error = yield* Fiber.join(getting)
        assert.strictEqual(error._tag, "GetJobTimeout")
        assert.include(error.message, `"${queue}", "other" within 200ms`)
      }))

    test("a getJob whose wait is longer than a slice goes on waiting", (disque, queue) =>
      Effect.gen(function* () {
        const getting = yield* Effect.fork(disque.getJob(queue, { timeout: "1 minute" }))
        yield* settle
        yield* pass("700 millis")
        const id = yield* disque.addJob(queue, "late")
        assert.strictEqual((yield* Fiber.join(getting)).id, id)
      }))

    test("getJob with a timeout of 0 takes only what is there", (disque, queue) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(disque.getJob(queue, { timeout: 0 })))._tag, "GetJobTimeout")
        yield* disque.addJob(queue, "there")
        assert.strictEqual(Job.text(yield* disque.getJob(queue, { timeout: 0 })), "there")
      }))

    test("getJobs takes as many jobs as it is asked for, the oldest first, or gives an empty array if no job came", (disque, queue) =>
      Effect.gen(function* () {
        for (const body of ["1", "2", "3"]) yield* disque.addJob(queue, body)
        const jobs = yield* disque.getJobs(queue, { count: 2 })
        assert.deepStrictEqual(jobs.map(Job.text), ["1", "2"])
        assert.deepStrictEqual((yield* disque.getJobs(queue, { count: 10 })).map(Job.text), ["3"])
        assert.deepStrictEqual(yield* disque.getJobs(queue, { timeout: 0 }), [])
      }))

    test("a job that was put back is counted as nacked or as delivered again", (disque, queue) =>
      Effect.gen(function* () {
        yield* disque.addJob(queue, "again")
        const first = yield* disque.getJob(queue)
        assert.strictEqual(yield* disque.nackJob(first), 1)
        const second = yield* disque.getJob(queue)
        assert.deepStrictEqual([second.nacks, second.additionalDeliveries], [1, 0])
        assert.strictEqual(yield* disque.enqueueJob([second]), 1)
        const third = yield* disque.getJob(queue)
        assert.deepStrictEqual([third.nacks, third.additionalDeliveries], [1, 1])
        assert.strictEqual(yield* disque.fastAckJob(third), 1)
        assert.strictEqual(yield* disque.nackJob(third), 0)
      }))

    test("a delayed job comes when its delay has passed", (disque, queue) =>
      Effect.gen(function* () {
        const id = yield* disque.addJob(queue, "later", { delay: "1 second" })
        assert.strictEqual(yield* disque.queueLength(queue), 0)
        const getting = yield* Effect.fork(disque.getJob(queue, { timeout: "5 seconds" }))
        yield* settle
        yield* pass("1200 millis")
        assert.strictEqual((yield* Fiber.join(getting)).id, id)
      }))

    test("a job that is not acknowledged is delivered again after its retry time", (disque, queue) =>
      Effect.gen(function* () {
        yield* disque.addJob(queue, "again", { retry: "1 second" })
        yield* disque.getJob(queue)
        const getting = yield* Effect.fork(disque.getJob(queue, { timeout: "5 seconds" }))
        yield* settle
        yield* pass("1400 millis")
        assert.strictEqual((yield* Fiber.join(getting)).additionalDeliveries, 1)
      }))

    test("working gives the retry time of a job, and fails with JobNotFound if the node does not know the job", (disque, queue) =>
      Effect.gen(function* () {
        yield* disque.addJob(queue, "work", { retry: "1 minute" })
        const job = yield* disque.getJob(queue)
        assert.deepStrictEqual(yield* disque.working(job), Duration.minutes(1))
        const error = yield* Effect.flip(disque.working(unknownId))
        assert.strictEqual(error._tag, "JobNotFound")
      }))

    test("show gives all that the node knows of a job, and nothing for a job that it does not know", (disque, queue) =>
      Effect.gen(function* () {
        const id = yield* disque.addJob(queue, "shown", { ttl: "100 seconds" })
        const info = Option.getOrThrow(yield* disque.show(id))
        assert.deepStrictEqual([info.id, info.queue, info.state], [id, queue, "queued"])
        assert.deepStrictEqual(info.retry, Duration.seconds(10))
        assert.strictEqual(typeof info.ctime, "bigint")
        assert.deepStrictEqual(info.body, new TextEncoder().encode("shown"))
        assert.deepStrictEqual(yield* disque.show(unknownId), Option.none())
      }))

    test("oldestAge gives the age of the oldest job that waits, or none if no job waits", (disque, queue) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* disque.oldestAge(queue), Option.none())
        // However busy the machine is, a job is no older than the time since it was added. The clocks may differ by a little.
        const since = (began: number) => Effect.map(Clock.currentTimeMillis, (now) => now - began + 100)
        const first = yield* Clock.currentTimeMillis
        const id = yield* disque.addJob(queue, "first")
        yield* pass("1200 millis")
        const second = yield* Clock.currentTimeMillis
        yield* disque.addJob(queue, "second")
        yield* disque.addJob(queue, "later", { delay: "1 hour" })
        const age = Duration.toMillis(Option.getOrThrow(yield* disque.oldestAge(queue)))
        assert.isAtLeast(age, 1190)
        assert.isAtMost(age, yield* since(first))
        // What is in somebody's hands does not wait; what is put back is as old as it was.
        const job = yield* disque.getJob(queue)
        assert.strictEqual(job.id, id)
        assert.isAtMost(Duration.toMillis(Option.getOrThrow(yield* disque.oldestAge(queue))), yield* since(second))
        yield* disque.nackJob(job)
        assert.isAtLeast(Duration.toMillis(Option.getOrThrow(yield* disque.oldestAge(queue))), 1190)
        yield* disque.ackJob(yield* disque.getJobs(queue, { count: 2 }))
        assert.deepStrictEqual(yield* disque.oldestAge(queue), Option.none())
      }))

    test("an at-most-once job is not put back", (disque, queue) =>
      Effect.gen(function* () {
        yield* disque.addJob(queue, "once", { retry: 0, replicate: 1 })
        const job = yield* disque.getJob(queue)
        assert.strictEqual(yield* disque.nackJob(job), 0)
        assert.deepStrictEqual(yield* disque.getJobs(queue, { timeout: 0 }), [])
      }))

    test("ping is answered, and hello names the nodes of the cluster", (disque) =>
      Effect.gen(function* () {
        yield* disque.ping
        const hello = yield* disque.hello
        assert.strictEqual(hello.version, 1)
        assert.include(
          hello.nodes.map((node) => node.id),
          hello.id
        )
      }))

    test("a refusal of the node has its own error", (disque, queue) =>
      Effect.gen(function* () {
        yield* disque.addJob(queue, "1", { maxLen: 1 })
        assert.strictEqual((yield* Effect.flip(disque.addJob(queue, "2", { maxLen: 1 })))._tag, "QueueTooLong")
        const replicate = disque.addJob(queue, "3", { replicate: 99, timeout: "100 millis" })
        assert.strictEqual((yield* Effect.flip(replicate))._tag, "NotReplicated")
      }))

    test("arguments that Disque cannot take are refused with the value and what was expected", (disque) =>
      Effect.gen(function* () {
        const refused = [
          [disque.addJob("", "x"), 'queue is ""'],
          [disque.addJob("q", "x", { delay: "1500 millis" }), 'delay is "1500 millis"'],
          [disque.addJob("q", "x", { delay: -1000 }), "delay is -1000"],
          [disque.addJob("q", "x", { delay: "-1 seconds" as never }), 'delay is "-1 seconds"'],
          [disque.addJob("q", "x", { delay: 5 }), "delay is 5 ms"],
          [disque.addJob("q", "x", { delay: "nonsense" as never }), 'delay is "nonsense"'],
          [disque.addJob("q", "x", { delay: Number.NaN }), "delay is NaN"],
          [disque.addJob("q", "x", { delay: "10 seconds", ttl: "10 seconds" }), "delay is 10 s"],
          [disque.addJob("q", "x", { retry: "500 millis" }), 'retry is "500 millis"'],
          [disque.addJob("q", "x", { ttl: 0 }), "ttl is 0 ms"],
          [disque.addJob("q", "x", { ttl: Duration.infinity }), "ttl is Infinity"],
          [disque.addJob("q", "x", { replicate: 0 }), "replicate is 0"],
          [disque.addJob("q", "x", { maxLen: 1.5 }), "maxLen is 1.5"],
          [disque.addJob("q", "x", { timeout: 0 }), "timeout is 0"],
          [disque.getJob([]), "queues is none"],
          [disque.getJob(["q", ""]), 'queue is ""'],
          [disque.getJobs("q", { count: 0 }), "count is 0"],
          [disque.getJob("q", { timeout: -1 }), "timeout is -1"],
          [disque.ackJob("foo"), 'job id is "foo"'],
          [disque.ackJob([unknownId as JobId.JobId, ""]), 'job id is ""'],
          [disque.nackJob([]), "jobs is none"],
          [disque.working("D-dcb833cf"), 'job id is "D-dcb833cf"']
        ] as const
        for (const [effect, expected] of refused) {
          const error = yield* Effect.flip<unknown, { readonly _tag: string; readonly message: string }, never>(effect)
          assert.strictEqual(error._tag, "InvalidArgument")
          assert.include(error.message, expected)
        }
      }))

    test("an interrupted getJob takes no job: the next getJob gets it", (disque, queue) =>
      Effect.gen(function* () {
        const getting = yield* Effect.fork(disque.getJob(queue))
        yield* settle
        yield* Fiber.interrupt(getting)
        const id = yield* disque.addJob(queue, "kept")
        assert.strictEqual((yield* disque.getJob(queue, { timeout: "5 seconds" })).id, id)
      }))

    test("many fibers share a connection, each with its own answer", (disque, queue) =>
      Effect.gen(function* () {
        const bodies = Array.from({ length: 200 }, (_, i) => String(i))
        const ids = yield* Effect.forEach(bodies, (body) => disque.addJob(queue, body), { concurrency: "unbounded" })
        assert.strictEqual(new Set(ids).size, bodies.length)
        const shown = yield* Effect.forEach(ids, (id) => disque.show(id), { concurrency: "unbounded" })
        assert.deepStrictEqual(
          shown.map((info) => Option.getOrThrow(info).id),
          ids
        )
      }))
  })
}
