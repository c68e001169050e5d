import { DisquePool, type Job } from "@disco/core"
import { consume } from "@disco/core/internal"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Queue } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedCluster } from "../utils/embeddedOverTcp.js"
import { quiet } from "../utils/quiet.js"

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
