import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { DisqueConnection, DisqueDialer, DisquePool } from "@disco/core"
import { consume } from "@disco/core/internal"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FiberId, Layer, Supervisor, TestClock } from "effect"
import { NodeDisque } from "../src/index.js"
import { embeddedOverTcp } from "./utils/embeddedOverTcp.js"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** Sockets, servers and timers that keep the process alive. */
const resources = (): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) {
    if (name !== "TTYWrap" && name !== "PipeWrap") counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

const heap = Effect.promise(async () => {
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
})

// One in ten fetches too, over a link of its own.
const use = (cycle: number) =>
  Effect.flatMap(DisqueConnection, (disque) =>
    cycle % 10 === 0 ? Effect.asVoid(disque.getJobs("q", { timeout: 0 })) : disque.ping
  )

/** What is left behind by so many connections that are opened, used and closed. */
const leftBy = (count: number, connection: Layer.Layer<DisqueConnection, unknown>) =>
  Effect.gen(function* () {
    const cycles = (count: number) =>
      Effect.forEach(Array.from({ length: count }), (_, i) => Effect.provide(use(i), connection), {
        concurrency: 20,
        discard: true
      })
    yield* cycles(count / 10)
    yield* Effect.sleep("300 millis")
    const supervisor = yield* Supervisor.track
    const [resourcesBefore, heapBefore] = [resources(), yield* heap]
    yield* Effect.supervised(cycles((count * 9) / 10), supervisor)
    yield* Effect.sleep("300 millis")
    assert.deepStrictEqual(resources(), resourcesBefore)
    const left = yield* supervisor.value
    assert.deepStrictEqual(
      left.map((fiber) => FiberId.threadName(fiber.id())),
      []
    )
    assert.isBelow((yield* heap) - heapBefore, 10e6)
  })

describe("connections that were opened and closed leave no socket, no timer, no fiber and no memory behind", () => {
  it.scopedLive("10,000 in the process", () =>
    Effect.flatMap(EmbeddedDisque.make(), (disque) =>
      leftBy(
        10_000,
        DisqueConnection.layer().pipe(
          Layer.provide(EmbeddedDisque.layerDialer),
          Layer.provide(Layer.succeed(EmbeddedDisque, disque))
        )
      )
    )
  )

  it.scopedLive("2,000 over TCP", () =>
    Effect.flatMap(embeddedOverTcp(), ({ address }) => leftBy(2000, NodeDisque.layerConnection({ nodes: address })))
  )
})

// As over a network, where nothing that was sent can be taken back.
const withoutWithdrawal = Layer.effect(
  DisqueDialer,
  Effect.map(DisqueDialer, (dialer) => ({
    ...dialer,
    dial: (node: string) => Effect.map(dialer.dial(node), ({ withdraw: _, ...link }) => link)
  }))
).pipe(Layer.provide(EmbeddedDisque.layerDialer), Layer.provide(EmbeddedDisque.layer()))

describe("an idle pool", () => {
  it.scoped("grows no memory in 24 hours, with a consumer that waits for jobs", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let isOpen = true
      const demand = (most: number) => Effect.suspend(() => (isOpen ? Effect.succeed(most) : Effect.never))
      yield* Effect.forkScoped(consume(pool, "q", { demand, receive: () => Effect.void }))
      yield* TestClock.adjust("2 hours")
      const before = yield* heap
      yield* TestClock.adjust("24 hours")
      assert.isBelow((yield* heap) - before, 3e6)
      assert.deepInclude(yield* pool.statistics, { created: 2, active: 0 })
      isOpen = false
      yield* TestClock.adjust("20 minutes")
    }).pipe(
      Effect.provide(
        Layer.provide(DisquePool.layer({ slice: "20 minutes", refreshInterval: "10 minutes" }), withoutWithdrawal)
      )
    )
  )
})
