import { spawn } from "node:child_process"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Effect, Exit, Fiber, Layer, Logger, LogLevel, Schedule, Schema } from "effect"
import { NodeDisque } from "../src/index.js"
import * as WorkerProcess from "../src/WorkerProcess.js"
import { embeddedCluster, embeddedOverTcp } from "./utils/embeddedOverTcp.js"

const films = JobQueue.make("films", { payload: Schema.Number, options: { retry: "10 minutes" } })

/** A port that was free a moment ago. */
const freePort = Effect.async<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

interface Answer {
  readonly status: number
  readonly text: string
}

const ask = (port: number, path: string): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  })

const until = <A>(effect: Effect.Effect<A>, isSo: (value: A) => boolean) =>
  effect.pipe(
    Effect.catchAllDefect(() => Effect.fail("no answer")), // before it listens
    Effect.filterOrFail(isSo, () => "not yet"),
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeoutFail({ duration: "20 seconds", onTimeout: () => "never" }),
    Effect.orDie
  )

const isOk = ({ status }: Answer): boolean => status === 200

const start = (workers: Layer.Layer<never, never, DisquePool>, options: WorkerProcess.Options = {}) =>
  Effect.gen(function* () {
    const port = yield* freePort
    const program = WorkerProcess.run(workers, { port, pool: Layer.orDie(EmbeddedDisque.layerPool), ...options })
    const fiber = yield* Effect.forkScoped(Logger.withMinimumLogLevel(program, LogLevel.Warning))
    return { fiber, port }
  })

const Idle = Layer.orDie(Worker.layer(films, () => Effect.void))

describe("a process of workers", () => {
  it.scopedLive("is healthy and ready while jobs are fetched, and tells how old the last fetch is", () =>
    Effect.gen(function* () {
      const { port } = yield* start(Idle)
      yield* until(ask(port, "/ready"), isOk)
      const { text } = yield* until(ask(port, "/health"), ({ text }) => !text.includes('"lastFetchSeconds":null'))
      const { fetchers, lastFetchSeconds, status } = JSON.parse(text)
      assert.strictEqual(status, "healthy")
      assert.isBelow(lastFetchSeconds, 2)
      assert.deepInclude(fetchers[0], { state: "fetching", queues: ["films", "films.retry"], error: null })
    })
  )

  it.scopedLive("tells its metrics to Prometheus", () =>
    Effect.gen(function* () {
      const { port } = yield* start(Idle)
      const { text } = yield* until(ask(port, "/metrics"), ({ text }) => text.includes("disco_last_fetch_age_seconds{"))
      assert.match(text, /^disco_last_fetch_age_seconds\{messaging_destination_name="films"\} \d/m)
      assert.match(text, /^messaging_client_operation_duration_bucket\{.*le="\+Inf".*\} \d+$/m)
      assert.strictEqual((yield* ask(port, "/other")).status, 404)
    })
  )

  it.scopedLive("is not ready while it starts, and unhealthy when that takes too long", () =>
    Effect.gen(function* () {
      const starting = Layer.effectDiscard(Effect.never)
      const { port } = yield* start(starting, { unhealthyAfter: "1 second" })
      const first = yield* until(ask(port, "/health"), isOk)
      assert.deepInclude(JSON.parse(first.text), { status: "healthy", lastFetchSeconds: null })
      const { status, text } = yield* ask(port, "/ready")
      assert.deepStrictEqual(
        { status, text: JSON.parse(text) },
        {
          status: 503,
          text: { ready: false, reason: "the process starts" }
        }
      )
      yield* until(ask(port, "/health"), ({ status }) => status === 503)
    })
  )

  it.scopedLive("is unhealthy while its node is silent for too long, and healthy when the node answers again", () =>
    Effect.gen(function* () {
      const disque = yield* embeddedCluster(1)
      const [node] = disque.nodes
      const pool = Layer.orDie(NodeDisque.layerPool({ nodes: node.address }))
      const { port } = yield* start(Idle, { unhealthyAfter: "1500 millis", pool })
      yield* until(ask(port, "/ready"), isOk)
      yield* disque.freeze(node)
      const { text } = yield* until(ask(port, "/health"), ({ status }) => status === 503)
      assert.isAbove(JSON.parse(text).lastFetchSeconds, 1.5)
      assert.strictEqual((yield* ask(port, "/ready")).status, 503)
      yield* disque.thaw(node)
      yield* until(ask(port, "/health"), isOk)
      yield* until(ask(port, "/ready"), isOk)
    })
  )

  it.scopedLive(
    "is not ready from the moment that it is told to end, lets handlers end, and then stops listening",
    () =>
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const finish = yield* Deferred.make<void>()
        const events: Array<string> = []
        const handler = Effect.gen(function* () {
          yield* Deferred.succeed(begun, undefined)
          yield* Deferred.await(finish)
          events.push("done")
        })
        const worker = Worker.layer(films, () => handler)
        const add = Layer.effectDiscard(Effect.flatMap(DisquePool, (pool) => films.add(pool, 1)))
        const { fiber, port } = yield* start(Layer.orDie(Layer.merge(worker, add)))
        yield* Deferred.await(begun)
        yield* until(ask(port, "/ready"), isOk)

        const ending = yield* Effect.fork(Fiber.interrupt(fiber))
        const { text } = yield* until(ask(port, "/ready"), ({ status }) => status === 503)
        assert.deepStrictEqual(JSON.parse(text), { ready: false, reason: "the process ends" })
        assert.strictEqual((yield* ask(port, "/health")).status, 200)
        assert.deepStrictEqual(events, [])

        yield* Deferred.succeed(finish, undefined)
        yield* Fiber.join(ending)
        assert.deepStrictEqual(events, ["done"])
        assert.isTrue(Exit.isFailure(yield* Effect.exit(ask(port, "/health"))))
      })
  )

  it.scopedLive("does not begin at a port that is in use, and says how to choose another", () =>
    Effect.gen(function* () {
      const { port } = yield* start(Idle)
      yield* until(ask(port, "/ready"), isOk)
      const error = yield* Effect.flip(WorkerProcess.run(Idle, { port, pool: EmbeddedDisque.layerPool }))
      assert.strictEqual(error._tag, "CannotListen")
      assert.strictEqual(
        error.message,
        `the probes cannot listen at port ${port}, which is in use: choose another one with PROBES_PORT or the option port`
      )
    })
  )

  it.scopedLive("refuses a host that is none of this machine, and options that are none", () =>
    Effect.gen(function* () {
      const refusal = (options: WorkerProcess.Options) =>
        Effect.map(
          Effect.flip(WorkerProcess.run(Idle, { pool: Layer.orDie(EmbeddedDisque.layerPool), ...options })),
          ({ message }) => message
        )
      assert.include(yield* refusal({ port: 0, host: "192.0.2.1" }), '"192.0.2.1", which is no address of this machine')
      assert.include(yield* refusal({ port: 65_536 }), "WorkerProcess: port is 65536")
      assert.include(yield* refusal({ unhealthyAfter: "0 seconds" }), "WorkerProcess: unhealthyAfter is")
    })
  )

  it.scopedLive("takes its port and its host from the environment", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const environment = new Map([
        ["PROBES_PORT", String(port)],
        ["PROBES_HOST", "localhost"]
      ])
      yield* WorkerProcess.run(Idle, { pool: Layer.orDie(EmbeddedDisque.layerPool) }).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(environment)),
        Logger.withMinimumLogLevel(LogLevel.Warning),
        Effect.forkScoped
      )
      yield* until(ask(port, "/ready"), isOk)
      const wrong = WorkerProcess.run(Idle).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["PROBES_PORT", "http"]])))
      )
      assert.include(String(yield* Effect.flip(wrong)), "PROBES_PORT")
    })
  )
})

describe("a process that is told to end", () => {
  it.scopedLive(
    "finishes its jobs and ends with status 0",
    () =>
      Effect.gen(function* () {
        const { address } = yield* embeddedOverTcp()
        const port = yield* freePort
        const pool = NodeDisque.layerPool({ nodes: address })
        yield* Effect.provide(
          Effect.flatMap(DisquePool, (disque) => films.add(disque, 1)),
          pool
        )
        const program = fileURLToPath(new URL("utils/workerProcess.ts", import.meta.url))
        const child = spawn(process.execPath, ["--import", "tsx", program], {
          env: { ...process.env, DISQUE_NODES: address, PROBES_PORT: String(port) },
          stdio: ["ignore", "pipe", "inherit"]
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
        let said = ""
        child.stdout.on("data", (chunk) => {
          const isBegun = said.includes("film 1 begun")
          said += chunk
          // Once: a second signal ends the process at once.
          if (!isBegun && said.includes("film 1 begun")) child.kill("SIGTERM")
        })
        const status = yield* Effect.promise(() => new Promise((resolve) => child.on("close", resolve)))
        assert.include(said, "film 1 done")
        assert.strictEqual(status, 0)
      }),
    60_000
  )
})
