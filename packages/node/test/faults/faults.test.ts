import { DisqueConnection, DisquePool, Job } from "@disco/core"
import { consume } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Layer, Logger, LogLevel, Queue, Scope } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedBehindProxies, embeddedCluster } from "../utils/embeddedOverTcp.js"
import { bulk, scriptedPeer } from "../utils/scriptedPeer.js"

// Links that break are warnings, and no news here.
const quiet = <A, E, R>(layer: Layer.Layer<A, E, R>) => Layer.provide(layer, Logger.minimumLogLevel(LogLevel.Error))

const connect = (nodes: string, options: { readonly slice?: Duration.DurationInput } = {}) =>
  quiet(NodeDisque.layerConnection({ nodes, commandTimeout: "500 millis", connectTimeout: "1 second", ...options }))

const poolOf = (nodes: ReadonlyArray<string>) =>
  quiet(NodeDisque.layerPool({ nodes, commandTimeout: "5 seconds", connectTimeout: "1 second", slice: "200 millis" }))

const id = "D-01234567-0123456789abcdefghijklmn-05a1"
const delivery = `*1\r\n*7\r\n${bulk("q")}${bulk(id)}${bulk("body")}${bulk("nacks")}:0\r\n${bulk("additional-deliveries")}:0\r\n`

describe("a reply that is cut at any byte", () => {
  it.scopedLive("of ADDJOB leaves the outcome unknown, and the command is not sent again", () =>
    Effect.gen(function* () {
      const reply = `+${id}\r\n`
      let cut = 0
      const peer = yield* scriptedPeer({ ADDJOB: (socket) => socket.end(reply.slice(0, cut)) })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        for (cut = 0; cut < reply.length; cut++) {
          const error = yield* Effect.flip(disque.addJob("q", "x"))
          assert.strictEqual(error._tag, "OutcomeUnknown", `cut at ${cut}`)
        }
        assert.strictEqual(yield* disque.addJob("q", "x"), id)
      }).pipe(Effect.provide(connect(peer.address)))
      assert.strictEqual(peer.commands.filter(([name]) => name === "ADDJOB").length, reply.length + 1)
    })
  )

  it.scopedLive("of GETJOB is asked for again, and the job comes once", () =>
    Effect.gen(function* () {
      let cut = 0
      let isCut = false
      const peer = yield* scriptedPeer({
        GETJOB: (socket) => {
          if (!isCut) socket.end(delivery.slice(0, cut))
          else socket.write(delivery)
          isCut = !isCut
        }
      })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        for (cut = 0; cut < delivery.length; cut++) {
          const job = yield* disque.getJob("q", { timeout: "5 seconds" })
          assert.deepStrictEqual([job.id, Job.text(job)], [id, "body"], `cut at ${cut}`)
        }
      }).pipe(Effect.provide(connect(peer.address)))
    })
  )

  it.scopedLive("of a command that may be sent twice is asked for again, three times at most", () =>
    Effect.gen(function* () {
      let left = 3
      const peer = yield* scriptedPeer({
        QLEN: (socket) => {
          left -= 1
          if (left < 0) socket.write(":7\r\n")
          else socket.end(":")
        }
      })
      yield* Effect.gen(function* () {
        const disque = yield* DisqueConnection
        assert.strictEqual(yield* disque.queueLength("q"), 7)
        left = 10
        assert.include(yield* Effect.flip(disque.queueLength("q")), { _tag: "ConnectionError", reason: "lost" })
      }).pipe(Effect.provide(connect(peer.address)))
      assert.strictEqual(peer.commands.filter(([name]) => name === "QLEN").length, 8)
    })
  )
})

describe("a job whose getJob was interrupted", () => {
  it.scopedLive("goes back on the link that brought it, before a close ends", () =>
    Effect.gen(function* () {
      for (const [unwanted, command] of [
        ["enqueue", "ENQUEUE"],
        ["nack", "NACK"]
      ] as const) {
        let deliver: (() => void) | undefined
        const peer = yield* scriptedPeer({
          GETJOB: (socket) => {
            deliver = () => socket.write(delivery)
          },
          [command]: (socket) => socket.write(":1\r\n")
        })
        yield* Effect.gen(function* () {
          const disque = yield* DisqueConnection
          const getting = yield* Effect.fork(disque.getJob("q", { unwanted }))
          yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => deliver !== undefined })
          yield* Fiber.interrupt(getting)
          setTimeout(() => deliver?.(), 50)
        }).pipe(Effect.provide(connect(peer.address)))
        assert.deepStrictEqual(peer.commands.at(-1), [command, id])
      }
    })
  )

  it.scopedLive("is waited for by a close no longer than a slice and a bit", () =>
    Effect.gen(function* () {
      const peer = yield* scriptedPeer({})
      const [took] = yield* Effect.timed(
        Effect.gen(function* () {
          const disque = yield* DisqueConnection
          yield* Effect.fork(disque.getJob("q"))
          yield* Effect.sleep("30 millis")
        }).pipe(Effect.provide(connect(peer.address, { slice: "200 millis" })))
      )
      assert.isBelow(Duration.toMillis(took), 200 + 2000 + 1000)
    })
  )

  it.scopedLive("by a timeout, a race or the end of a layer is not lost either", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const nodeAddress = nodes[0].address
      const endings: ReadonlyArray<
        (get: Effect.Effect<unknown, unknown, DisqueConnection>) => Effect.Effect<unknown, unknown, DisqueConnection>
      > = [
        (get) => Effect.timeoutOption(get, "20 millis"),
        (get) => Effect.raceFirst(get, Effect.sleep("20 millis")),
        (get) =>
          Effect.flatMap(Effect.fork(get), (fiber) =>
            Effect.zipRight(Effect.sleep("20 millis"), Fiber.interrupt(fiber))
          ),
        (get) => Effect.zipRight(Effect.forkDaemon(Effect.exit(get)), Effect.sleep("20 millis"))
      ]
      for (const [i, ending] of endings.entries()) {
        const queue = `q${i}`
        const get = Effect.flatMap(DisqueConnection, (disque) => disque.getJob(queue))
        yield* ending(get).pipe(Effect.provide(connect(nodeAddress, { slice: "200 millis" })))
        yield* Effect.gen(function* () {
          const disque = yield* DisqueConnection
          yield* disque.addJob(queue, "x")
          const job = yield* disque.getJob(queue, { timeout: "1 second" })
          assert.strictEqual(job.additionalDeliveries, 0)
        }).pipe(Effect.provide(connect(nodeAddress)))
      }
    })
  )
})

describe("when a node is killed", () => {
  it.scopedLive("a getJob goes on elsewhere and each of 1,000 pipelined commands has an answer, within a second", () =>
    Effect.gen(function* () {
      const disque = yield* embeddedCluster(3)
      yield* Effect.gen(function* () {
        const connection = yield* DisqueConnection
        const address = yield* connection.node
        const node = disque.nodes.find((node) => node.address === address) ?? disque.nodes[0]
        const getting = yield* Effect.fork(connection.getJob("q"))
        yield* Effect.sleep("50 millis")
        // Frozen, so that none is answered before the end.
        yield* disque.freeze(node)
        const adding = yield* Effect.fork(
          Effect.forEach(Array.from({ length: 1000 }), (_, i) => Effect.exit(connection.addJob("other", String(i))), {
            concurrency: "unbounded"
          })
        )
        yield* Effect.sleep("100 millis")
        yield* disque.kill(node)
        const [took, exits] = yield* Effect.timed(Fiber.join(adding))
        assert.isBelow(Duration.toMillis(took), 1000)
        for (const exit of exits) {
          assert.isTrue(
            Exit.isFailure(exit) &&
              Cause.failureOption(exit.cause).pipe((o) => o._tag === "Some" && o.value._tag === "OutcomeUnknown")
          )
        }
        yield* connection.addJob("q", "x", { replicate: 1 })
        const [waited, job] = yield* Effect.timed(Fiber.join(getting))
        assert.isBelow(Duration.toMillis(waited), 1000)
        assert.notStrictEqual(job.node, address)
      }).pipe(Effect.provide(quiet(NodeDisque.layerConnection({ nodes: disque.nodes.map(({ address }) => address) }))))
    })
  )
})

describe("a consumer of three nodes over TCP", () => {
  it.scopedLive("gets a job at once, on whichever node it is added, however idle it was before", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(3, { federationDelay: "1 hour" })
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        const jobs = yield* Queue.unbounded<Job.Job>()
        const receive = (received: ReadonlyArray<Job.Job>) => Effect.asVoid(Queue.offerAll(jobs, received))
        yield* Effect.forkScoped(consume(pool, "q", { demand: Effect.succeed, receive }))
        yield* Effect.sleep("500 millis")
        const times: Array<number> = []
        for (let i = 0; i < 30; i++) {
          const { address } = nodes[i % 3] ?? nodes[0]
          const [took, job] = yield* Effect.timed(
            Effect.zipRight(pool.on(address).addJob("q", "x", { replicate: 1 }), Queue.take(jobs))
          )
          assert.strictEqual(job.node, address)
          times.push(Duration.toMillis(took))
          yield* pool.ackJob(job)
        }
        // No slice of 300 ms goes by. One may fall together with a pause of the machine.
        assert.isBelow(times.sort((a, b) => a - b).at(-3) ?? 0, 150)
      }).pipe(Effect.provide(quiet(NodeDisque.layerPool({ nodes: nodes[0].address, slice: "300 millis" }))))
    })
  )
})

describe("readiness over a network that stalls", () => {
  it.scopedLive("is said in time: of another node where there is one, and of none where all are behind it", () =>
    Effect.gen(function* () {
      const { disque, proxies } = yield* embeddedBehindProxies(2)
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        const node = yield* pool.ready()
        const at = disque.nodes.findIndex(({ address }) => address === node)
        proxies[at]?.stall(true)
        assert.notStrictEqual(yield* pool.ready({ within: "1 second" }), node)
        for (const proxy of proxies) proxy.stall(true)
        const [took, error] = yield* Effect.timed(Effect.flip(pool.ready({ within: "200 millis" })))
        assert.include(error, { _tag: "ConnectionError", reason: "silent" })
        assert.isBelow(Duration.toMillis(took), 200 + 1500)
        for (const proxy of proxies) proxy.stall(false)
        yield* pool.ready({ within: "1500 millis" })
      }).pipe(Effect.provide(poolOf(disque.nodes.map(({ address }) => address))))
    })
  )
})

describe("a network that stalls", () => {
  it.scopedLive("ends every wait: commands fail with their time-out, a getJob goes to another node", () =>
    Effect.gen(function* () {
      const { disque, proxies } = yield* embeddedBehindProxies(2)
      yield* Effect.gen(function* () {
        const connection = yield* DisqueConnection
        const address = yield* connection.node
        const at = disque.nodes.findIndex((node) => node.address === address)
        const getting = yield* Effect.fork(connection.getJob("q"))
        yield* Effect.sleep("50 millis")
        proxies[at]?.stall(true)
        const [took, error] = yield* Effect.timed(
          Effect.flip(connection.addJob("other", "x", { timeout: "100 millis" }))
        )
        assert.include(error, { _tag: "OutcomeUnknown" })
        assert.isBelow(Duration.toMillis(took), 500 + 100 + 1000)
        yield* Effect.retry(connection.addJob("q", "x", { replicate: 1 }), { times: 3 })
        const job = yield* Fiber.join(getting)
        assert.notStrictEqual(job.node, address)
      }).pipe(Effect.provide(connect(disque.nodes.map(({ address }) => address).join(), { slice: "300 millis" })))
    })
  )
})

describe("a link that is not used", () => {
  it.scopedLive("is tried from time to time, and given up when nobody answers", () =>
    Effect.gen(function* () {
      let isSilent = false
      const peer = yield* scriptedPeer({ PING: (socket) => void (isSilent || socket.write("+PONG\r\n")) })
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        const before = peer.commands.length
        yield* Effect.sleep("700 millis")
        const pings = peer.commands.slice(before)
        assert.deepStrictEqual(new Set(pings.map(([name]) => name)), new Set(["PING"]))
        assert.isAtLeast(pings.length, 2)
        isSilent = true
        yield* Effect.sleep("800 millis")
        assert.strictEqual((yield* pool.statistics).closed.silent, 1)
      }).pipe(
        Effect.provide(
          quiet(
            NodeDisque.layerPool({
              nodes: peer.address,
              commandTimeout: "200 millis",
              connectTimeout: "300 millis",
              refreshInterval: "100 millis"
            })
          )
        )
      )
    })
  )

  it.scopedLive("is checked before it waits for a job again, and replaced where it is broken", () =>
    Effect.gen(function* () {
      const { disque, proxies } = yield* embeddedBehindProxies(1)
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* pool.getJobs("q", { timeout: 0 })
        assert.strictEqual((yield* pool.statistics).idle, 1)
        yield* Effect.sleep("1100 millis")
        // A network that is gone without a word: only an answer could tell.
        proxies[0]?.cutAll()
        yield* pool.ping
        yield* pool.addJob("q", "x")
        yield* pool.ackJob(yield* pool.getJob("q", { timeout: "2 seconds" }))
        assert.isAtLeast((yield* pool.statistics).closed.lost, 1)
      }).pipe(Effect.provide(quiet(NodeDisque.layerPool({ nodes: disque.nodes[0].address }))))
    })
  )
})

describe("a pool that closes", () => {
  it.scopedLive("waits for nobody who has a connection of it, and tells those who wait for jobs", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      const layer = NodeDisque.layerPool({ nodes: nodes[0].address, slice: "200 millis" })
      const borrowed = yield* Scope.make()
      const [took, waiting] = yield* Effect.timed(
        Effect.gen(function* () {
          const pool = yield* DisquePool
          const connection = yield* Scope.extend(pool.connection, borrowed)
          const waiting = yield* Effect.forkDaemon(Effect.flip(connection.getJob("q")))
          yield* Effect.sleep("50 millis")
          return waiting
        }).pipe(Effect.provide(layer))
      )
      assert.isBelow(Duration.toMillis(took), 1500)
      assert.include(yield* Fiber.join(waiting), { _tag: "ConnectionError", reason: "closed" })
      yield* Scope.close(borrowed, Exit.void)
    })
  )
})

describe("a seed that does not answer", () => {
  it.scopedLive("holds up no opening for long, whichever seed is tried first, and has no connection left", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(1)
      let open = 0
      const silent = yield* scriptedPeer({
        PING: (socket) => {
          open += 1
          socket.on("close", () => (open -= 1))
        }
      })
      for (let i = 0; i < 4 || silent.connections() === 0; i++) {
        const opened = Effect.flatMap(DisquePool, (pool) => pool.addJob("q", "x"))
        const layer = NodeDisque.layerPool({ nodes: [silent.address, nodes[0].address] })
        const [took] = yield* Effect.timed(Effect.provide(opened, quiet(layer)))
        assert.isBelow(Duration.toMillis(took), 2500)
      }
      yield* Effect.sleep("200 millis")
      assert.strictEqual(open, 0)
    })
  )

  it.scopedLive("holds up neither a consumer nor who asks the whole cluster", () =>
    Effect.gen(function* () {
      const { nodes } = yield* embeddedCluster(2)
      const silent = yield* scriptedPeer({ PING: () => {} })
      const first = nodes[0].address
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        const jobs = yield* Queue.unbounded<Job.Job>()
        const receive = (received: ReadonlyArray<Job.Job>) => Effect.asVoid(Queue.offerAll(jobs, received))
        yield* Effect.forkScoped(consume(pool, "q", { demand: Effect.succeed, receive }))
        yield* pool.addJob("q", "x")
        const [took] = yield* Effect.timed(Effect.zipRight(Queue.take(jobs), pool.queueLength("q")))
        assert.isBelow(Duration.toMillis(took), 2500)
      }).pipe(
        Effect.provide(
          quiet(
            NodeDisque.layerPool({ nodes: [first, silent.address], connectTimeout: "4 seconds", slice: "200 millis" })
          )
        )
      )
    })
  )
})
