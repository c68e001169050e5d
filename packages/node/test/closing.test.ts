import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { DisquePool, JobQueue } from "@disco/core"
import { Funnel, Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Schema, Scope, Stream } from "effect"
import { NodeDisque } from "../src/index.js"
import { embeddedOverTcp } from "./utils/embeddedOverTcp.js"

const queues = Array.from({ length: 100 }, (_, i) => JobQueue.make(`q${i}`, { payload: Schema.Number }))

const poolOf = (address: string) => Layer.build(NodeDisque.layerPool({ nodes: address }))

/** 100 workers, or what becomes of them, made in one way or another. */
const making = {
  "in one scope": (pool: DisquePool.Service, handler: () => Effect.Effect<void>) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Effect.provideService(
        Scope.extend(
          Effect.forEach(queues, (queue) => Worker.make(queue, handler)),
          scope
        ),
        DisquePool,
        pool
      )
      return Scope.close(scope, Exit.void)
    }),
  "in layers that are merged": (pool: DisquePool.Service, handler: () => Effect.Effect<void>) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const [first, ...others] = queues.map((queue) => Worker.layer(queue, handler))
      if (first === undefined) return Effect.void
      yield* Layer.buildWithScope(
        Layer.provide(Layer.mergeAll(first, ...others), Layer.succeed(DisquePool, pool)),
        scope
      )
      return Scope.close(scope, Exit.void)
    }),
  "in fibers of their own": (pool: DisquePool.Service, handler: () => Effect.Effect<void>) =>
    Effect.map(
      Effect.fork(
        Effect.provideService(
          Effect.forEach(queues, (queue) => Worker.run(queue, handler), { concurrency: "unbounded", discard: true }),
          DisquePool,
          pool
        )
      ),
      (fiber) => Effect.asVoid(Fiber.interrupt(fiber))
    )
}

describe("100 workers close within 3 seconds, over TCP", () => {
  for (const [name, make] of Object.entries(making)) {
    for (const isBusy of [false, true]) {
      it.scopedLive(`${isBusy ? "busy" : "idle"} ones ${name}`, () =>
        Effect.gen(function* () {
          const { address } = yield* embeddedOverTcp()
          const context = yield* poolOf(address)
          yield* Effect.gen(function* () {
            const pool = yield* DisquePool
            if (isBusy) yield* Effect.forEach(queues, (queue) => Effect.replicateEffect(queue.add(pool, 1), 3))
            let begun = 0
            let ended = 0
            const handler = () =>
              Effect.sync(() => {
                begun += 1
              }).pipe(
                Effect.zipRight(Effect.sleep("400 millis")),
                Effect.zipRight(
                  Effect.sync(() => {
                    ended += 1
                  })
                )
              )
            const close = yield* make(pool, handler)
            const isReady = Effect.map(pool.health, ({ fetchers }) =>
              isBusy ? begun >= 100 : fetchers.length === 100 && fetchers.every(({ state }) => state === "fetching")
            )
            yield* Effect.repeat(Effect.delay(isReady, "20 millis"), { until: (isReady) => isReady })
            const [took] = yield* Effect.timed(close)
            assert.isBelow(Duration.toMillis(took), 3000)
            assert.strictEqual(ended, begun)
            if (isBusy) assert.isAtLeast(begun, 100)
            let waiting = 0
            for (const { name } of queues) waiting += yield* pool.queueLength(name)
            assert.strictEqual(begun + waiting, isBusy ? 300 : 0)
          }).pipe(Effect.provide(context))
        })
      )
    }
  }
})

it.scopedLive("10 funnels of one scope, with runs in it, close within 2 seconds over TCP", () =>
  Effect.gen(function* () {
    const { address } = yield* embeddedOverTcp()
    const context = yield* poolOf(address)
    const scope = yield* Scope.make()
    yield* Effect.forEach(queues.slice(0, 10), ({ name }) =>
      Effect.gen(function* () {
        const funnel = yield* Funnel.make({ queues: name })
        yield* Effect.forkScoped(Stream.runDrain(funnel.incoming))
      })
    ).pipe(Effect.provide(context), Scope.extend(scope))
    yield* Effect.sleep("100 millis")
    const [took] = yield* Effect.timed(Scope.close(scope, Exit.void))
    assert.isBelow(Duration.toMillis(took), 2000)
  })
)

// A process takes its time to start.
it.scopedLive(
  "an idle program ends soon after SIGTERM",
  () =>
    Effect.gen(function* () {
      const { address } = yield* embeddedOverTcp()
      const took = yield* Effect.promise(async () => {
        const program = fileURLToPath(new URL("utils/idleProgram.ts", import.meta.url))
        const child = spawn(process.execPath, ["--import", "tsx", program, address], {
          cwd: fileURLToPath(new URL("../../../examples", import.meta.url)),
          stdio: ["ignore", "pipe", "inherit"]
        })
        await new Promise((resolve) => child.stdout.once("data", resolve))
        await new Promise((resolve) => setTimeout(resolve, 300))
        const begun = performance.now()
        child.kill("SIGTERM")
        const code = await new Promise((resolve) => child.on("close", resolve))
        assert.include([0, 130, 143], code)
        return performance.now() - begun
      })
      // What a slice takes, and more where the machine does other things: less than a reply would be waited for that never comes.
      assert.isBelow(took, 2000)
    }),
  30_000
)
