import { DisqueConnection, DisquePool, type Job } from "@disco/core"
import { consume } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Queue } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedBehindProxies, embeddedCluster } from "../utils/embeddedOverTcp.js"
import { quiet } from "../utils/quiet.js"
import { scriptedPeer } from "../utils/scriptedPeer.js"
import { connect } from "./utils.js"

const poolOf = (nodes: ReadonlyArray<string>) =>
  quiet(NodeDisque.layerPool({ nodes, commandTimeout: "5 seconds", connectTimeout: "1 second", slice: "200 millis" }))

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

describe("readiness over a network that stalls", () => {
  it.scopedLive(
    "is answered in time: another node is ready if one can be reached, and no node is if all are behind the stall",
    () =>
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

  it.scopedLive("holds up neither a consumer nor a question to the whole cluster", () =>
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
