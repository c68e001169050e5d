import { DisquePool, type Job, JobId } from "@disco/core"
import { consume } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Exit, Layer, Logger, LogLevel, Option, Queue, Scope } from "effect"
import { NodeDisque } from "../../src/index.js"
import { bulk, type Script, scriptedPeer } from "../utils/scriptedPeer.js"

const id = JobId.make("D-bbbbbbbb-0123456789abcdefghijklmn-05a1")
const ids = { a: "a".repeat(40), b: "b".repeat(40), c: "c".repeat(40) }

/** What a cluster tells of its nodes, as it is at present. */
type Told = Array<readonly [id: string, address: string]>

const hello = (own: string, told: Told): Script => ({
  HELLO: (socket) => {
    const nodes = told.map(([id, address]) => {
      const at = address.lastIndexOf(":")
      return `*4\r\n${bulk(id)}${bulk(address.slice(0, at))}${bulk(address.slice(at + 1))}${bulk("1")}`
    })
    socket.write(`*${2 + nodes.length}\r\n:1\r\n${bulk(own)}${nodes.join("")}`)
  }
})

const delivery = `*1\r\n*7\r\n${bulk("q")}${bulk(id)}${bulk("x")}${bulk("nacks")}:0\r\n${bulk("additional-deliveries")}:0\r\n`

const stats = (length: number): string => {
  const numbers = { len: length, age: 1, idle: 1, blocked: 0, "import-rate": 0, "jobs-in": 1, "jobs-out": 1 }
  const fields = Object.entries(numbers).map(([name, value]) => `${bulk(name)}:${value}\r\n`)
  return `*20\r\n${bulk("name")}${bulk("q")}${fields.join("")}${bulk("import-from")}*0\r\n${bulk("pause")}${bulk("none")}`
}

/** A node whose queue has `length` jobs, and gives one of them to whoever waits for jobs after a while. */
const node = (own: string, told: Told, length: number, port?: number) =>
  scriptedPeer(
    {
      ...hello(own, told),
      ADDJOB: (socket) => socket.write(`+${id}\r\n`),
      ACKJOB: (socket) => socket.write(":1\r\n"),
      ENQUEUE: (socket) => socket.write(":1\r\n"),
      QLEN: (socket) => socket.write(`:${length}\r\n`),
      QSTAT: (socket) => socket.write(stats(length)),
      SHOW: (socket) => socket.write("*-1\r\n"),
      GETJOB: (socket) => setTimeout(() => socket.write(delivery), 20)
    },
    port
  )

/** A port that nothing listens on. */
const freePort = Effect.map(Effect.scoped(scriptedPeer({})), ({ address }) => Number(address.split(":")[1]))

const pool = (nodes: ReadonlyArray<string>) =>
  Layer.provide(
    NodeDisque.layerPool({ nodes, commandTimeout: "1 second", connectTimeout: "1 second", slice: "200 millis" }),
    Logger.minimumLogLevel(LogLevel.None)
  )

/** Consumes into a queue until the scope ends. */
const consumed = (room: number) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const jobs = yield* Queue.unbounded<Job.Job>()
    let free = room
    const demand = (most: number) =>
      Effect.repeat(Effect.sleep("5 millis"), { until: () => free > 0 }).pipe(
        Effect.map(() => {
          const granted = Math.min(most, free)
          free -= granted
          return granted
        })
      )
    const receive = (received: ReadonlyArray<Job.Job>, reserved: number) =>
      Effect.sync(() => {
        free += reserved
        for (const job of received) jobs.unsafeOffer(job)
      })
    yield* Effect.forkScoped(consume(pool, "q", { demand, receive }))
    return jobs
  })

const within = <A, E, R>(duration: Duration.DurationInput, effect: Effect.Effect<A, E, R>) =>
  Effect.timeout(effect, duration)

const soon = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(Effect.timeoutFail(effect, { duration: "1500 millis", onTimeout: () => "it takes long" as const }), {
    times: 40
  })

describe("a node that comes back with its id at another address", () => {
  it.scopedLive(
    "is asked, given jobs and fetched from at the new address, and nothing waits for it at the old one",
    () =>
      Effect.gen(function* () {
        const told: Told = []
        const first = yield* Scope.make()
        const port = yield* freePort
        const a = yield* node(ids.a, told, 1)
        const before = yield* Scope.extend(node(ids.b, told, 2), first)
        told.push([ids.a, a.address], [ids.b, before.address])
        yield* Effect.gen(function* () {
          const pool = yield* DisquePool
          assert.strictEqual(yield* pool.queueLength("q"), 3)
          const jobs = yield* consumed(4)
          yield* Scope.close(first, Exit.void)
          const after = yield* node(ids.b, told, 40, port)
          told[1] = [ids.b, after.address]
          const [took, length] = yield* Effect.timed(soon(pool.queueLength("q")))
          assert.strictEqual(length, 41)
          assert.isBelow(Duration.toMillis(took), 2500)
          assert.isTrue(Option.isSome(yield* pool.queueStats("q")))
          assert.isTrue(Option.isNone(yield* pool.show(id)))
          assert.strictEqual(yield* pool.addJob("q", "x"), id)
          yield* within("5 seconds", Effect.repeat(Queue.take(jobs), { until: (job) => job.node === after.address }))
          const { fetchers } = yield* pool.health
          assert.sameMembers(
            fetchers.map((fetcher) => fetcher.node),
            [a.address, after.address]
          )
          assert.strictEqual(yield* pool.queueLength("q"), 41)
        }).pipe(Effect.provide(pool([a.address, before.address, `127.0.0.1:${port}`])))
      })
  )
})

describe("a cluster that tells of a node", () => {
  it.scopedLive("with text that is not an address is asked as if that node were not there", () =>
    Effect.gen(function* () {
      const told: Told = []
      const a = yield* node(ids.a, told, 1)
      told.push([ids.a, a.address], [ids.b, ":0"], [ids.c, "no host:at all"])
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        assert.strictEqual(yield* pool.queueLength("q"), 1)
        assert.isTrue(Option.isSome(yield* pool.queueStats("q")))
        assert.isTrue(Option.isNone(yield* pool.show(id)))
        assert.strictEqual(yield* pool.ackJob({ id, node: "nowhere at all" }), 1)
        assert.strictEqual((yield* pool.health).nodes.length, 1)
      }).pipe(Effect.provide(pool([a.address])))
    })
  )

  it.scopedLive("that cannot be reached does its work, and fails what needs the answers of all, for that node", () =>
    Effect.gen(function* () {
      const told: Told = []
      const gone = `127.0.0.1:${yield* freePort}`
      const a = yield* node(ids.a, told, 1)
      told.push([ids.a, a.address], [ids.b, gone])
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        for (const call of [pool.queueLength("q"), pool.queueStats("q"), pool.show(id)]) {
          const error = yield* Effect.flip(call as Effect.Effect<unknown, { _tag: string; node?: string }>)
          assert.deepStrictEqual([error._tag, error.node], ["ConnectionError", gone])
        }
        assert.strictEqual(yield* pool.addJob("q", "x"), id)
        assert.strictEqual(yield* pool.ackJob(id), 1)
        assert.strictEqual(yield* pool.ackJob({ id, node: gone }), 1)
        assert.strictEqual((yield* within("1 second", pool.getJob("q"))).id, id)
        yield* within("1 second", Queue.take(yield* consumed(1)))
      }).pipe(Effect.provide(pool([a.address])))
    })
  )

  it.scopedLive("and 10,000 more that are not there is opened, and given jobs and asked for them, as any other", () =>
    Effect.gen(function* () {
      const told: Told = []
      const a = yield* node(ids.a, told, 1)
      told.push([ids.a, a.address])
      for (let i = 0; i < 10_000; i++) {
        told.push([i.toString(16).padStart(40, "0"), `127.9.${i >> 8}.${i & 255}:1`])
      }
      const [opening] = yield* Effect.timed(
        Effect.gen(function* () {
          const pool = yield* DisquePool
          assert.strictEqual(yield* pool.addJob("q", "x"), id)
          assert.isTrue(Either.isLeft(yield* Effect.either(pool.queueLength("q"))))
          assert.strictEqual((yield* pool.getJob("q")).id, id)
        }).pipe(Effect.scoped, Effect.provide(pool([a.address])))
      )
      assert.isBelow(Duration.toMillis(opening), 8000)
    })
  )
})

describe("an address that a program names", () => {
  it.scopedLive("is never shown if it is not valid, and may leave out the default port of Disque", () =>
    Effect.gen(function* () {
      const a = yield* node(ids.a, [], 1)
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        for (const written of ["disque://:sesame@localhost", ":sesame@localhost:7711", "sesame:host", "//sesame", ""]) {
          const on = pool.on(written)
          for (const call of [on.ping, on.queueLength("q"), on.getJob("q"), on.addJob("q", "x")]) {
            const error = yield* Effect.flip(call as Effect.Effect<unknown, Error & { isRetryable: boolean }>)
            assert.notInclude(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`, "sesame")
            assert.isFalse(error.isRetryable)
          }
          assert.strictEqual(yield* pool.ackJob({ id, node: written }), 1)
        }
        assert.notInclude(JSON.stringify(yield* pool.health), "sesame")
        assert.strictEqual(yield* pool.on(a.address).queueLength("q"), 1)
        const error = yield* Effect.flip(pool.on("127.9.9.9").ping)
        assert.strictEqual("node" in error ? error.node : undefined, "127.9.9.9:7711")
      }).pipe(Effect.provide(pool([a.address])))
    })
  )
})
