/** A cluster of three nodes with some life in it: for the tests, and for the screenshots. */
import { Cluster, DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import { Effect, Layer, Schema } from "effect"

export const clusterOf = (nodes: number, ports?: ReadonlyArray<number>) => {
  const pool = DisquePool.layer().pipe(Layer.provide(EmbeddedDisque.layerDialer))
  return Layer.provideMerge(
    pool,
    EmbeddedDisque.layer({ nodes, nodeTimeout: "2 seconds", ...(ports === undefined ? {} : { ports }) })
  )
}

export const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String, subject: Schema.String }) })
const people = ["ada", "grace", "edsger", "barbara", "donald", "margaret", "alan", "frances"]

const person = (i: number): string => people[i % people.length] ?? "ada"

const lengthOf = (queue: string) =>
  Effect.map(Cluster.queues({ pattern: queue }), ({ queues }) => queues.find(({ name }) => name === queue)?.length ?? 0)

class Refused extends Schema.TaggedError<Refused>()("Refused", { message: Schema.String }) {}

const failures = ["450 4.2.1 the mailbox is full", "550 5.1.1 no such user", "connect ETIMEDOUT 203.0.113.7:25"]

/** Seven letters about jobs of a queue: six that failed, and one that cannot be decoded. */
export const giveUp = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const invoices = JobQueue.make(queue, { payload: Schema.Struct({ no: Schema.Number, of: Schema.String }) })
    for (let i = 0; i < 6; i++) yield* invoices.add(pool, { no: 4000 + i, of: person(i) })
    yield* pool.addJob(queue, '{"no":"4006"}')
    const worker = Worker.run(
      invoices,
      ({ no }) => Effect.fail(new Refused({ message: failures[no % failures.length] ?? "" })),
      { attempts: 1 }
    )
    const areWritten = Effect.repeat(Effect.delay(lengthOf(`${queue}.dead`), "50 millis"), {
      until: (length) => length >= 7
    })
    yield* Effect.raceFirst(worker, areWritten)
  })

/** Jobs that wait, some of them for their time. */
const waiting = Effect.gen(function* () {
  const pool = yield* DisquePool
  const add = (queue: string, count: number, body: (i: number) => string) =>
    Effect.forEach(
      Array.from({ length: count }, (_, i) => i),
      (i) => pool.addJob(queue, body(i)),
      { discard: true }
    )
  for (let i = 0; i < 40; i++) {
    yield* emails.add(pool, { to: `${person(i)}@example.com`, subject: `Your invoice no. ${1000 + i}` })
  }
  yield* add("images/resize", 12, (i) => JSON.stringify({ path: `photos/${i}.jpg`, width: 320 }))
  yield* add("images/thumbnail", 5, (i) => JSON.stringify({ path: `photos/${i}.jpg` }))
  yield* add("orders:eu", 24, (i) => JSON.stringify({ order: 100 + i, items: [{ sku: "A-1", count: 2 }] }))
  yield* add("orders:us", 9, (i) => JSON.stringify({ order: 900 + i, items: [] }))
  yield* pool.addJob("reports", "weekly", { delay: "1 hour", ttl: "2 days" })
  yield* pool.addJob("reports", "daily")
})

/** The jobs of the demo; it ends once they are there. */
export const fill = Effect.zipRight(waiting, giveUp("invoices"))

/** Producers and workers, until it is interrupted. */
export const life = Effect.gen(function* () {
  const pool = yield* DisquePool
  const orders = JobQueue.make("orders:eu", { payload: Schema.Unknown })
  const thumbnails = JobQueue.make("images/thumbnail", { payload: Schema.Unknown })
  let no = 0
  const produce = (queue: string, millis: number) =>
    Effect.forever(Effect.delay(pool.addJob(queue, JSON.stringify({ order: no++ })), millis))
  yield* Effect.all(
    [
      produce("orders:eu", 90),
      produce("images/thumbnail", 350),
      produce("emails", 1500),
      Worker.run(orders, () => Effect.sleep("60 millis"), { concurrency: 4 }),
      Worker.run(thumbnails, () => Effect.sleep("200 millis"), { concurrency: 2 })
    ],
    { concurrency: "unbounded", discard: true }
  )
})
