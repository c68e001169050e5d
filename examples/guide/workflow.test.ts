import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import * as PersistedQueueStore from "@disco/funnel/PersistedQueueStore"
import { DiscoTest } from "@disco/testing"
import * as PersistedQueue from "@effect/experimental/PersistedQueue"
import { assert, it } from "@effect/vitest"
import { Activity, DurableQueue, Workflow, WorkflowEngine } from "@effect/workflow"
import { Effect, Layer, Schema } from "effect"

const Order = Schema.Struct({ order: Schema.String, cents: Schema.Number })

/** The job says that an order is to be fulfilled. */
const orders = JobQueue.make("orders", { payload: Order, options: { retry: "1 minute" } })

/** The workflow says how. One key has one execution, however often it is started. */
const Fulfill = Workflow.make({
  name: "Fulfill",
  payload: Order.fields,
  success: Schema.String,
  error: Schema.Never,
  idempotencyKey: ({ order }) => order
})

const log: Array<string> = []

const Fulfilling = Fulfill.toLayer(({ cents, order }) =>
  Effect.gen(function* () {
    yield* Activity.make({
      name: "charge",
      success: Schema.Void,
      execute: Effect.sync(() => void log.push(`${order}: charged ${cents}`))
    })
    return yield* Activity.make({
      name: "ship",
      success: Schema.String,
      execute: Effect.as(
        Effect.sync(() => log.push(`${order}: shipped`)),
        `parcel of ${order}`
      )
    })
  })
)

/** The job is done once the workflow is. If this process dies before, the job comes again, and starts what is not done. */
const Starting = Worker.layer(orders, (payload) => Fulfill.execute(payload), { concurrency: 8 })

const Service = Starting.pipe(Layer.provide(Fulfilling), Layer.provide(WorkflowEngine.layerMemory))

it.effect("a job that is delivered twice starts one workflow", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const id = yield* orders.add(pool, { order: "order-1", cents: 990 })
    yield* DiscoTest.redeliver(id)
    yield* orders.add(pool, { order: "order-1", cents: 990 })
    // The key of an execution is hashed on a thread of the system, which the clock of the test knows nothing of.
    yield* Effect.repeat(DiscoTest.acknowledged(orders), { until: (jobs) => jobs.length === 2 })
    yield* DiscoTest.advance("1 minute")
    assert.deepStrictEqual(log, ["order-1: charged 990", "order-1: shipped"])
    assert.strictEqual(yield* pool.queueLength("orders"), 0)
  }).pipe(Effect.provide(Service), Effect.provide(DiscoTest.layer()))
)

/** Work that a workflow waits for, wherever it is done. */
const Parcels = DurableQueue.make({
  name: "parcels",
  payload: { order: Schema.String },
  success: Schema.String,
  idempotencyKey: ({ order }) => order
})

const Packing = DurableQueue.worker(Parcels, ({ order }) => Effect.succeed(`parcel of ${order}`), { concurrency: 4 })

const Ship = Workflow.make({
  name: "Ship",
  payload: { order: Schema.String },
  success: Schema.String,
  idempotencyKey: ({ order }) => order
})

const Shipping = Ship.toLayer(({ order }) => DurableQueue.process(Parcels, { order }))

const Warehouse = Layer.merge(Packing, Shipping).pipe(
  Layer.provide(Layer.provide(PersistedQueue.layer, PersistedQueueStore.layer())),
  Layer.provideMerge(WorkflowEngine.layerMemory)
)

it.effect("a workflow waits for work in a DurableQueue", () =>
  Effect.gen(function* () {
    const parcel = yield* DiscoTest.run(Effect.provide(Ship.execute({ order: "order-1" }), Warehouse))
    assert.strictEqual(parcel, "parcel of order-1")
  }).pipe(Effect.provide(DiscoTest.layer()))
)
