/** Clients that other people wrote, on a node behind a socket. */
import { createRequire } from "node:module"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Redis } from "ioredis"
import { serveCluster } from "./utils/server.js"

const require = createRequire(import.meta.url)

type Callback = (error: unknown, result: unknown) => void

interface DisqueueClient {
  readonly on: (event: "connected" | "error", listener: (error?: unknown) => void) => void
  /** What it stands on: it has no way of its own to end. */
  readonly redisClient: { readonly end: (flush: boolean) => void }
  readonly addJob: (
    job: { readonly queue: string; readonly job: string; readonly retry?: number },
    done: Callback
  ) => void
  readonly getJob: (
    options: { readonly queue: string | ReadonlyArray<string>; readonly count?: number; readonly withcounters?: true },
    done: Callback
  ) => void
  readonly ackJob: (id: string, done: Callback) => void
  readonly nack: (id: string, done: Callback) => void
  readonly working: (id: string, done: Callback) => void
  readonly qlen: (queue: string, done: Callback) => void
}

const Disqueue = require("disqueue-node") as new (options: {
  readonly host: string
  readonly port: number
}) => DisqueueClient

const disqueue = (port: number) =>
  Effect.acquireRelease(
    Effect.async<DisqueueClient, unknown>((resume) => {
      const client = new Disqueue({ host: "127.0.0.1", port })
      client.on("connected", () => resume(Effect.succeed(client)))
      client.on("error", (error) => resume(Effect.fail(error)))
    }),
    (client) => Effect.sync(() => client.redisClient.end(false))
  )

const call = (run: (done: Callback) => void) =>
  Effect.async<unknown, unknown>((resume) =>
    run((error, result) => resume(error === null || error === undefined ? Effect.succeed(result) : Effect.fail(error)))
  )

interface ThunkClient {
  readonly addjob: (queue: string, body: string, timeout: number, ...options: ReadonlyArray<unknown>) => Promise<string>
  readonly getjob: (...args: ReadonlyArray<unknown>) => Promise<ReadonlyArray<ReadonlyArray<string>> | null>
  readonly ackjob: (id: string) => Promise<number>
  readonly nack: (id: string) => Promise<number>
  readonly qlen: (queue: string) => Promise<number>
  readonly show: (id: string) => Promise<Readonly<Record<string, unknown>> | null>
  readonly clientEnd: () => void
}

const thunk = require("thunk-disque") as {
  readonly createClient: (ports: ReadonlyArray<number>, options: { readonly usePromise: true }) => ThunkClient
}

const thunkDisque = (ports: ReadonlyArray<number>) =>
  Effect.acquireRelease(
    Effect.sync(() => thunk.createClient(ports, { usePromise: true })),
    (client) => Effect.sync(() => client.clientEnd())
  )

const ioredis = (port: number) =>
  Effect.acquireRelease(
    Effect.sync(() => new Redis({ port, host: "127.0.0.1", enableReadyCheck: false, retryStrategy: () => null })),
    (client) => Effect.sync(() => client.disconnect())
  )

const failureOf = (promise: () => Promise<unknown>) =>
  Effect.map(
    Effect.flip(Effect.tryPromise({ try: promise, catch: (error) => error as Error })),
    (error) => error.message
  )

describe.concurrent("disqueue-node", () => {
  it.scopedLive("adds, gets, holds, gives back and acknowledges jobs", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const client = yield* disqueue(ports[0] ?? 0)
      const id = String(yield* call((done) => client.addJob({ queue: "q", job: "body", retry: 60 }, done)))
      assert.match(id, /^D-/)
      assert.strictEqual(yield* call((done) => client.qlen("q", done)), 1)
      assert.deepStrictEqual(yield* call((done) => client.getJob({ queue: ["other", "q"], count: 2 }, done)), [
        { queue: "q", jobId: id, body: "body" }
      ])
      assert.strictEqual(yield* call((done) => client.working(id, done)), 60)
      assert.strictEqual(yield* call((done) => client.nack(id, done)), 1)
      const again = yield* call((done) => client.getJob({ queue: "q", count: 1, withcounters: true }, done))
      assert.include(JSON.stringify(again), `"jobId":"${id}"`)
      assert.strictEqual(yield* call((done) => client.ackJob(id, done)), 1)
      assert.strictEqual(yield* call((done) => client.ackJob(id, done)), 0)
    })
  )

  it.scopedLive("waits for a job, and hears of errors", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const consumer = yield* disqueue(ports[0] ?? 0)
      const producer = yield* disqueue(ports[0] ?? 0)
      const waiting = yield* Effect.fork(call((done) => consumer.getJob({ queue: "q", count: 1 }, done)))
      yield* Effect.sleep(20)
      const id = yield* call((done) => producer.addJob({ queue: "q", job: "late" }, done))
      assert.deepStrictEqual(yield* waiting, [{ queue: "q", jobId: id, body: "late" }])
      const error = yield* Effect.flip(call((done) => producer.working("nonsense", done)))
      assert.include(String(error), "BADID Invalid Job ID format.")
    })
  )
})

describe.concurrent("thunk-disque", () => {
  it.scopedLive("adds, gets, shows, gives back and acknowledges jobs", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const client = yield* thunkDisque(ports)
      const id = yield* Effect.promise(() => client.addjob("q", "body", 0, "RETRY", 60))
      const shown = yield* Effect.promise(() => client.show(id))
      assert.strictEqual(shown?.state, "queued")
      assert.strictEqual(shown?.retry, 60)
      assert.deepStrictEqual(yield* Effect.promise(() => client.getjob("FROM", "q")), [["q", id, "body"]])
      assert.strictEqual(yield* Effect.promise(() => client.nack(id)), 1)
      assert.strictEqual(yield* Effect.promise(() => client.qlen("q")), 1)
      assert.strictEqual(yield* Effect.promise(() => client.ackjob(id)), 1)
      assert.isNull(yield* Effect.promise(() => client.getjob("TIMEOUT", 1, "FROM", "q")))
    })
  )

  it.scopedLive("finds its way in a cluster of three, waits for a job, and hears of errors", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(3)
      const consumer = yield* thunkDisque(ports)
      const producer = yield* thunkDisque(ports.slice(1))
      const waiting = yield* Effect.fork(Effect.promise(() => consumer.getjob("FROM", "q")))
      yield* Effect.sleep(20)
      const id = yield* Effect.promise(() => producer.addjob("q", "late", 0))
      assert.deepStrictEqual(yield* waiting, [["q", id, "late"]])
      assert.include(
        yield* failureOf(() => producer.addjob("q", "late", 0, "REPLICATE", 4)),
        "Not enough reachable nodes"
      )
    })
  )
})

describe.concurrent("plain ioredis", () => {
  it.scopedLive("adds, gets, gives back and acknowledges jobs", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const client = yield* ioredis(ports[0] ?? 0)
      const ask = (name: string, ...args: ReadonlyArray<string | Buffer>) =>
        Effect.promise(() => client.call(name, ...args))
      const body = Buffer.from([0, 255, 13, 10])
      const id = yield* ask("ADDJOB", "q", body, "0", "RETRY", "60")
      const taken = yield* Effect.promise(() => client.callBuffer("GETJOB", "FROM", "q"))
      assert.deepStrictEqual(taken, [[Buffer.from("q"), Buffer.from(String(id)), body]])
      assert.strictEqual(yield* ask("NACK", String(id)), 1)
      assert.strictEqual(yield* ask("QLEN", "q"), 1)
      assert.strictEqual(yield* ask("ACKJOB", String(id)), 1)
      assert.isNull(yield* ask("GETJOB", "NOHANG", "FROM", "q"))
      assert.strictEqual(yield* ask("PING"), "PONG")
    })
  )

  it.scopedLive("waits for a job, pipelines, and hears of errors", () =>
    Effect.gen(function* () {
      const { ports } = yield* serveCluster(1)
      const consumer = yield* ioredis(ports[0] ?? 0)
      const producer = yield* ioredis(ports[0] ?? 0)
      const waiting = yield* Effect.fork(Effect.promise(() => consumer.call("GETJOB", "FROM", "q")))
      yield* Effect.sleep(20)
      const id = yield* Effect.promise(() => producer.call("ADDJOB", "q", "late", "0"))
      assert.deepStrictEqual(yield* waiting, [["q", id, "late"]])
      const replies = yield* Effect.promise(() =>
        producer.pipeline(Array.from({ length: 100 }, (_, i) => ["call", "ADDJOB", "q", `${i}`, "0"])).exec()
      )
      assert.isTrue(replies?.every(([error, added]) => error === null && /^D-/.test(String(added))))
      assert.strictEqual(
        yield* failureOf(() => producer.call("ADDJOB", "q", "b", "0", "RETRY", "-1")),
        "ERR RETRY time must be a non negative number"
      )
    })
  )
})
