import { DisqueConnection, DisquePool, Job, JobQueue, Reply } from "@disco/core"
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Prepared } from "./backend.js"
import { freshQueue } from "./utils.js"

const unknownId = "D-00000000-000000000000000000000000-05a1"

/** What is told of nodes, queues and jobs, and what is done to them, wherever the node is. */
export const administration = (backend: Prepared): void => {
  const { pass, settle } = backend
  const test = (
    name: string,
    body: (disque: DisqueConnection.Service, queue: string, pool: DisquePool.Service) => Effect.Effect<unknown, unknown>
  ) =>
    backend.test(name, () =>
      Effect.flatMap(Effect.all([DisqueConnection, freshQueue, DisquePool]), ([disque, queue, pool]) =>
        body(disque, queue, pool)
      ).pipe(Effect.provide(backend.layer))
    )

  describe(`administration ${backend.name}`, () => {
    test("peek shows jobs from either end and leaves them where they are", (disque, queue) =>
      Effect.gen(function* () {
        for (const body of ["1", "2", "3"]) yield* disque.addJob(queue, body)
        assert.deepStrictEqual((yield* disque.peek(queue)).map(Job.text), ["1"])
        assert.deepStrictEqual((yield* disque.peek(queue, { count: 9 })).map(Job.text), ["1", "2", "3"])
        assert.deepStrictEqual((yield* disque.peek(queue, { count: 2, from: "newest" })).map(Job.text), ["3", "2"])
        assert.deepStrictEqual(yield* disque.peek(`${queue}-unknown`), [])
        assert.strictEqual(yield* disque.queueLength(queue), 3)
      }))

    test("queueStats counts what came and went, and knows nothing of an unknown queue", (disque, queue, pool) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* disque.queueStats(queue), Option.none())
        assert.deepStrictEqual(yield* pool.queueStats(queue), Option.none())
        yield* disque.addJob(queue, "1")
        yield* disque.addJob(queue, "2")
        yield* disque.ackJob(yield* disque.getJob(queue))
        const stats = Option.getOrThrow(yield* disque.queueStats(queue))
        assert.deepInclude(stats, { name: queue, length: 1, jobsIn: 2n, jobsOut: 1n, blocked: 0, pause: "none" })
        assert.strictEqual(stats.nodes.length, 1)
        assert.deepInclude(Option.getOrThrow(yield* pool.queueStats(queue)), { length: 1, jobsIn: 2n, jobsOut: 1n })
        assert.strictEqual(yield* pool.queueLength(queue), 1)
      }))

    test("a paused queue takes no jobs, or gives none, until it is resumed", (disque, queue) =>
      Effect.gen(function* () {
        yield* disque.addJob(queue, "1")
        assert.strictEqual(yield* disque.pause(queue, "in"), "in")
        assert.strictEqual((yield* Effect.flip(disque.addJob(queue, "2")))._tag, "QueuePaused")
        assert.strictEqual(Job.text(yield* disque.getJob(queue, { timeout: 0 })), "1")
        assert.strictEqual(yield* disque.pause(queue, "out"), "out")
        yield* disque.addJob(queue, "2")
        assert.strictEqual((yield* Effect.flip(disque.getJob(queue, { timeout: 0 })))._tag, "GetJobTimeout")
        assert.strictEqual(yield* disque.pause(queue, "state"), "out")
        assert.strictEqual(yield* disque.pause(queue, "all", { broadcast: true }), "all")
        assert.strictEqual(yield* disque.pause(queue, "none", { broadcast: true }), "none")
        assert.strictEqual(Job.text(yield* disque.getJob(queue, { timeout: 0 })), "2")
      }))

    test("a job that is dequeued leaves its queue, and comes again after its retry time", (disque, queue) =>
      Effect.gen(function* () {
        const id = yield* disque.addJob(queue, "back", { retry: "1 second", replicate: 1 })
        assert.strictEqual(yield* disque.dequeueJob(id), 1)
        assert.strictEqual(yield* disque.dequeueJob(id), 0)
        assert.strictEqual(yield* disque.queueLength(queue), 0)
        const getting = yield* Effect.fork(disque.getJob(queue, { timeout: "5 seconds" }))
        yield* settle
        yield* pass("1600 millis")
        assert.strictEqual((yield* Fiber.join(getting)).id, id)
      }))

    test("a job that is deleted is unknown to its node", (disque, queue) =>
      Effect.gen(function* () {
        const id = yield* disque.addJob(queue, "gone", { replicate: 1 })
        assert.strictEqual(yield* disque.deleteJob([id, unknownId]), 1)
        assert.deepStrictEqual(yield* disque.show(id), Option.none())
      }))

    test("a pool finds a job by its id, whichever node has it", (disque, queue, pool) =>
      Effect.gen(function* () {
        const id = yield* disque.addJob(queue, "somewhere", { replicate: 1 })
        assert.strictEqual(Option.getOrThrow(yield* pool.show(id)).queue, queue)
        const job = yield* disque.getJob(queue)
        assert.strictEqual(Option.getOrThrow(yield* pool.show(job)).state, "active")
        assert.deepStrictEqual(yield* pool.show(unknownId), Option.none())
      }))

    test("scans go through all jobs of a queue, page by page, and give each once", (disque, queue, pool) =>
      Effect.gen(function* () {
        const bodies = Array.from({ length: 60 }, (_, i) => String(i))
        const ids = yield* Effect.forEach(bodies, (body) => disque.addJob(queue, body), { concurrency: "unbounded" })
        const taken = yield* disque.getJobs(queue, { count: 20 })
        for (const service of [disque, pool]) {
          const found = yield* Stream.runCollect(service.jobIds({ queue, pageSize: 7 }))
          assert.deepStrictEqual([...found].sort(), [...ids].sort())
          const jobs = yield* Stream.runCollect(service.jobs({ queue, pageSize: 7 }))
          assert.deepStrictEqual(
            [...jobs].map((job) => Job.text({ body: job.body ?? new Uint8Array() })).sort(),
            [...bodies].sort()
          )
        }
        const queued = yield* Stream.runCollect(disque.jobs({ queue, states: ["queued"] }))
        assert.deepStrictEqual(new Set([...queued].map(({ state }) => state)), new Set(["queued"]))
        assert.strictEqual(queued.length, bodies.length - taken.length)
        assert.deepStrictEqual(
          [...(yield* Stream.runCollect(Stream.take(disque.jobIds({ queue, pageSize: 1 }), 3)))].length,
          3
        )
      }))

    test("scans find queues by their lengths", (disque, queue, pool) =>
      Effect.gen(function* () {
        for (const body of ["1", "2", "3"]) yield* disque.addJob(queue, body)
        const find = (service: DisquePool.Service | DisqueConnection.Service, minLen: number, maxLen: number) =>
          Effect.map(Stream.runCollect(service.queues({ minLen, maxLen, pageSize: 2 })), (names) =>
            [...names].filter((name) => name === queue)
          )
        for (const service of [disque, pool]) {
          assert.deepStrictEqual(yield* find(service, 3, 3), [queue])
          assert.deepStrictEqual(yield* find(service, 4, 9), [])
          assert.deepStrictEqual(yield* find(service, 1, 2), [])
        }
        assert.deepStrictEqual([...(yield* Stream.runCollect(disque.queues({ importRate: 1000 })))], [])
      }))

    test("a typed queue adds, peeks and gets payloads, and gives the bytes of a body that is not a payload", (disque, queue) =>
      Effect.gen(function* () {
        const numbers = JobQueue.make(queue, { payload: Schema.Struct({ n: Schema.Number }), traced: true })
        yield* Effect.withSpan(numbers.add(disque, { n: 1 }), "producer")
        yield* disque.addJob(queue, "strange")
        const peeked = yield* numbers.peek(disque, { count: 2 })
        assert.deepStrictEqual(peeked.map(Either.isRight), [true, false])
        const job = yield* numbers.get(disque)
        assert.deepStrictEqual(job.payload, { n: 1 })
        assert.match(job.trace?.traceId ?? "", /^[0-9a-f]{32}$/)
        assert.strictEqual(yield* disque.ackJob(job), 1)
        const error = yield* Effect.flip(numbers.get(disque, { timeout: "1 second" }))
        assert.strictEqual(error._tag, "InvalidPayload")
        if (error._tag !== "InvalidPayload" || error.job === undefined) return assert.fail("there is no job in it")
        assert.strictEqual(Job.text(error.job), "strange")
        assert.strictEqual(yield* disque.ackJob(error.job), 1)
      }))

    test("a node tells of itself: its sections, its time, its commands", (disque) =>
      Effect.gen(function* () {
        const info = yield* disque.server.info()
        assert.strictEqual(info.get("server")?.get("disque_version"), "1.0-rc1")
        assert.strictEqual(typeof info.get("jobs")?.get("registered_jobs"), "number")
        assert.strictEqual(typeof info.get("memory")?.get("used_memory"), "number")
        assert.deepStrictEqual([...(yield* disque.server.info("queues")).keys()], ["queues"])
        assert.isTrue((yield* disque.server.info("all")).has("commandstats"))
        const { at, microseconds } = yield* disque.server.time
        assert.strictEqual(BigInt(DateTime.toEpochMillis(at)), microseconds / 1000n)
        const commands = yield* disque.server.commands
        assert.deepInclude(
          commands.find(({ name }) => name === "addjob"),
          { arity: -4, flags: ["write", "denyoom", "fast"] }
        )
        yield* disque.config.resetStatistics
      }))

    test("a node tells of its cluster, and has its own rules for changing it", (disque) =>
      Effect.gen(function* () {
        const hello = yield* disque.hello
        const nodes = yield* disque.cluster.nodes
        assert.sameMembers(
          nodes.map(({ id }) => id),
          hello.nodes.map(({ id }) => id)
        )
        const mine = nodes.find(({ isMyself }) => isMyself)
        assert.deepInclude(mine, { id: hello.id, isConnected: true, address: yield* disque.node })
        const info = yield* disque.cluster.info
        assert.deepInclude(info, { state: "ok", knownNodes: nodes.length, size: nodes.length })
        assert.isFalse(yield* disque.cluster.leaving)
        yield* disque.cluster.setLeaving(false)
        const own = yield* Effect.flip(disque.cluster.forget(hello.id))
        assert.include(own.message, "I tried hard but I can't forget myself")
        const other = yield* Effect.flip(disque.cluster.forget("0".repeat(40)))
        assert.include(other.message, `Unknown node ${"0".repeat(40)}`)
      }))

    test("parameters are read and set by name, and unknown ones refused", (disque) =>
      Effect.gen(function* () {
        const before = yield* disque.config.get("slowlog-max-len")
        yield* disque.config.set("slowlog-max-len", 99)
        assert.deepStrictEqual([...(yield* disque.config.get("slowlog-max-*"))], [["slowlog-max-len", "99"]])
        yield* disque.config.set("slowlog-max-len", before.get("slowlog-max-len") ?? "128")
        assert.strictEqual((yield* disque.config.get("no-such-parameter")).size, 0)
        const error = yield* Effect.flip(disque.config.set("no-such-parameter", Redacted.make("hunter2")))
        assert.strictEqual(error._tag, "CommandRefused")
        assert.notInclude(error.message, "hunter2")
      }))

    test("a link has a name once it is given one, and is listed among the clients", (disque) =>
      Effect.gen(function* () {
        yield* disque.client.setName("admin-test")
        assert.deepStrictEqual(yield* disque.client.getName, Option.some("admin-test"))
        const mine = (yield* disque.client.list).find(({ name }) => name === "admin-test")
        assert.deepInclude(mine, { command: "client", isBlocked: false })
        assert.isTrue(Duration.lessThan(mine?.age ?? Duration.infinity, "1 minute"))
        assert.strictEqual(yield* disque.client.kill({ id: mine?.id ?? 0n }), 0)
        yield* disque.client.setName("")
        assert.deepStrictEqual(yield* disque.client.getName, Option.none())
        assert.strictEqual(yield* disque.client.kill({ address: "127.0.0.1:1" }), 0)
      }))

    test("the slow log is read and reset", (disque) =>
      Effect.gen(function* () {
        yield* disque.slowlog.reset
        assert.isAtMost(yield* disque.slowlog.length, 1)
        assert.isAtMost((yield* disque.slowlog.get(5)).length, 5)
        yield* disque.latency.reset()
        assert.deepStrictEqual(yield* disque.latency.latest, [])
        assert.deepStrictEqual(yield* disque.latency.history("command"), [])
        assert.strictEqual(yield* disque.latency.reset("command"), 0)
        assert.include(yield* disque.latency.doctor, "Dave")
        const error = yield* Effect.flip(disque.latency.graph("command"))
        assert.include(error.message, "No samples available for event 'command'")
      }))

    test("any other command goes out as words, and a refusal of the node has its error", (disque, queue) =>
      Effect.gen(function* () {
        assert.match(Reply.text(yield* disque.raw("addjob", queue, "raw", 0)), /^D-/)
        assert.strictEqual(yield* disque.raw("QLEN", queue), 1)
        yield* disque.raw("PAUSE", queue, "in")
        assert.strictEqual((yield* Effect.flip(disque.raw("ADDJOB", queue, "x", 0)))._tag, "QueuePaused")
        const unknown = yield* Effect.flip(disque.raw("NOSUCH"))
        assert.include(unknown.message, "refused NOSUCH: ERR unknown command 'NOSUCH'")
        const debug = yield* Effect.flip(disque.server.debug("nonsense"))
        assert.include(debug.message, "Unknown DEBUG subcommand")
        assert.strictEqual((yield* Effect.flip(disque.server.auth(Redacted.make("x"))))._tag, "CommandRefused")
        yield* disque.server.rewriteAof.pipe(Effect.catchTag("CommandRefused", () => Effect.void))
      }))
  })
}
