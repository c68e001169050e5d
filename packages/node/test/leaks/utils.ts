import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { DisqueConnection } from "@disco/core"
import { assert } from "@effect/vitest"
import { Effect, FiberId, type Layer, Supervisor } from "effect"

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

/** The size of the heap once no garbage is left. */
export const heap = Effect.promise(async () => {
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
export const leftBy = (count: number, connection: Layer.Layer<DisqueConnection, unknown>) =>
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
    // What the engine keeps for itself, and less than a connection takes that is kept.
    assert.isBelow((yield* heap) - heapBefore, 1e6 + count * 1000)
  })
