import { DisquePool, JobQueue } from "@disco/core"
import { forgetQueues } from "@disco/core/internal"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Metric, MetricKeyType, MetricState, Schedule, Schema, Scope, Stream } from "effect"
import { Funnel, Worker } from "../src/index.js"
import { makeLog } from "./utils/logs.js"
import { layer } from "./utils/nodes.js"
import { pass, settle } from "./utils/time.js"

/** What a metric has come to for a queue, by the labels that are left; the count of a histogram. */
const read = (name: string, queue?: string) =>
  Effect.map(Metric.snapshot, (pairs) => {
    const values: Record<string, number> = {}
    for (const { metricKey, metricState } of pairs) {
      const labels = new Map(metricKey.tags.map(({ key, value }) => [key, value]))
      if (metricKey.name !== name || (queue !== undefined && labels.get("messaging.destination.name") !== queue))
        continue
      const rest = metricKey.tags.filter(
        ({ key }) => !key.startsWith("messaging.system") && !key.includes("destination")
      )
      const label = rest.map(({ value }) => value).join(" ")
      values[label] = MetricState.isGaugeState(metricState)
        ? Number(metricState.value)
        : MetricState.isCounterState(metricState) || MetricState.isHistogramState(metricState)
          ? Number(metricState.count)
          : Number.NaN
      assert.isTrue(MetricKeyType.isMetricKeyType(metricKey.keyType))
    }
    return values
  })

const inFlight = (queue: string) => Effect.map(read("disco.worker.jobs_in_flight", queue), (values) => values[""])

const queueOf = (name: string) => JobQueue.make(name, { payload: Schema.Number, options: { retry: "1 minute" } })

const addAll = (queue: ReturnType<typeof queueOf>, count: number) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => queue.add(pool, n), { discard: true })
  )

describe.sequential("the metrics", () => {
  // Only so many queues of a process are counted by their names, and the tests of other files use many.
  beforeAll(forgetQueues)

  it.effect("count each job once as sent, once as received, and once by what became of it", () =>
    Effect.gen(function* () {
      const queue = queueOf("counted")
      yield* addAll(queue, 6)
      yield* Worker.make(queue, (n) => (n < 2 ? Effect.fail("no") : Effect.void), {
        attempts: 2,
        retry: Schedule.spaced("1 second")
      })
      yield* pass("1 second")
      assert.deepStrictEqual(yield* read("messaging.client.sent.messages", "counted"), { "": 6 })
      assert.deepStrictEqual(yield* read("messaging.client.sent.messages", "counted.dead"), { "": 2 })
      assert.deepStrictEqual(yield* read("messaging.client.consumed.messages", "counted"), { "": 6 })
      assert.deepStrictEqual(yield* read("disco.worker.jobs", "counted"), { done: 4, retried: 2, dead: 2 })
      assert.deepStrictEqual(yield* read("messaging.process.duration", "counted"), { "": 8 })
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("count the jobs of a retry queue by their queue, and what a redrive adds", () =>
    Effect.gen(function* () {
      const queue = queueOf("delayed")
      yield* addAll(queue, 2)
      yield* Worker.make(queue, () => Effect.fail("no"), { attempts: 2, retry: Schedule.spaced("20 seconds") })
      yield* pass("1 second")
      yield* pass("20 seconds")
      yield* pass("20 seconds")
      assert.deepStrictEqual(yield* read("messaging.client.sent.messages", "delayed"), { "": 2 })
      assert.deepStrictEqual(yield* read("messaging.client.sent.messages", "delayed.retry"), { "": 2 })
      assert.deepStrictEqual(yield* read("messaging.client.sent.messages", "delayed.dead"), { "": 2 })
      assert.deepStrictEqual(yield* read("messaging.client.consumed.messages", "delayed"), { "": 2 })
      assert.deepStrictEqual(yield* read("messaging.client.consumed.messages", "delayed.retry"), { "": 2 })
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("count what goes through a funnel once", () =>
    Effect.gen(function* () {
      const funnel = yield* Funnel.make({ queues: "through" })
      const before = (yield* read("messaging.client.operation.duration")).addjob ?? 0
      yield* Effect.forEach(Array.from({ length: 10 }), () => funnel.send({ queue: "through", body: "x" }), {
        concurrency: 4
      })
      yield* Stream.runDrain(Stream.take(funnel.incoming, 10))
      assert.deepStrictEqual(yield* read("messaging.client.sent.messages", "through"), { "": 10 })
      assert.deepStrictEqual(yield* read("messaging.client.consumed.messages", "through"), { "": 10 })
      assert.strictEqual((yield* read("messaging.client.operation.duration")).addjob, before + 10)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("know how many jobs all workers of a queue have in hand, and none when they have ended", () =>
    Effect.gen(function* () {
      const queue = queueOf("gauged")
      yield* addAll(queue, 8)
      const gate = yield* Deferred.make<void>()
      const scope = yield* Scope.make()
      const handler = (n: number) =>
        n === 0 ? Deferred.await(gate) : n < 3 ? Effect.never : Effect.uninterruptible(Deferred.await(gate))
      for (const concurrency of [2, 3]) {
        yield* Scope.extend(Worker.make(queue, handler, { concurrency, prefetch: 0, grace: 0 }), scope)
      }
      yield* settle
      assert.strictEqual(yield* inFlight("gauged"), 5)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* settle
      assert.isAtLeast((yield* inFlight("gauged")) ?? 0, 1)
      yield* Deferred.succeed(gate, undefined)
      yield* pass("10 seconds")
      yield* closing.await
      assert.strictEqual(yield* inFlight("gauged"), 0)
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it.effect("know of no job in hand once a batch has failed, and its worker has paused and gone on", () =>
    Effect.gen(function* () {
      const queue = queueOf("broken")
      yield* addAll(queue, 3)
      const worker = yield* Worker.makeBatch(queue, () => Effect.fail("no"), {
        size: 3,
        retry: Schedule.spaced("1 second")
      })
      yield* settle
      yield* worker.pause
      yield* pass("1 second")
      yield* worker.resume
      yield* pass("1 second")
      assert.strictEqual(yield* inFlight("broken"), 0)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})
