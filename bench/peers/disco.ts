/** Disco: a pool over links to a node, and what programs do with it. */
import { type AddJobOptions, DisquePool, JobQueue, type PoolOptions } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel, Worker } from "@disco/funnel"
import { NodeDisque } from "@disco/node"
import { NodeContext } from "@effect/platform-node"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Contender } from "../shared/contest.js"
import { type Disk, withoutRewrites } from "../shared/nodesOptions.js"
import { type Address, addressOf } from "../shared/target.js"
import { Handled } from "./handled.js"

type Run = Contender["run"]
type Pool = DisquePool.Service

/** A payload of four fields. */
const Order = Schema.Struct({ id: Schema.Int, to: Schema.String, subject: Schema.String, total: Schema.Number })

export class Disco {
  readonly pool: Pool
  private readonly runtime: ManagedRuntime.ManagedRuntime<DisquePool | Scope.Scope, unknown>

  /** Opens a pool on the node; `tracing` is a layer that changes where spans go. */
  static async open(
    node: Address,
    options: PoolOptions = {},
    tracing: Layer.Layer<never> = Layer.empty
  ): Promise<Disco> {
    return Disco.over(NodeDisque.layerPool({ nodes: addressOf(node), ...options }), tracing)
  }

  /** Opens a pool on a node of its own in this process: in memory, or on disk. */
  static embedded(disk: Disk | undefined): Promise<Disco> {
    const node =
      disk === undefined ? EmbeddedDisque.layer() : EmbeddedDisque.layer({ ...disk, config: withoutRewrites })
    const pool = DisquePool.layer().pipe(
      Layer.provide(EmbeddedDisque.layerDialer),
      Layer.provide(node),
      Layer.provide(NodeContext.layer)
    )
    return Disco.over(pool, Logger.minimumLogLevel(LogLevel.Warning))
  }

  private static async over<E>(pool: Layer.Layer<DisquePool, E>, context: Layer.Layer<never>): Promise<Disco> {
    // The scope ends before the pool does: a funnel in it closes over links that are still there.
    const runtime = ManagedRuntime.make(Layer.provideMerge(Layer.provideMerge(Layer.scope, pool), context))
    return new Disco(runtime, await runtime.runPromise(DisquePool))
  }

  private constructor(runtime: ManagedRuntime.ManagedRuntime<DisquePool | Scope.Scope, unknown>, pool: Pool) {
    this.runtime = runtime
    this.pool = pool
  }

  run<A, E>(effect: Effect.Effect<A, E, DisquePool | Scope.Scope>): Promise<A> {
    return this.runtime.runPromise(effect)
  }

  close(): Promise<void> {
    return this.runtime.dispose()
  }

  /** Adds jobs from so many fibers, each of them one after another. */
  adding(queue: string, body: string, fibers: number, options: AddJobOptions): Run {
    const { pool } = this
    return (jobs, took) => {
      let left = jobs
      const fiber = Effect.gen(function* () {
        while (left-- > 0) {
          const started = performance.now()
          yield* pool.addJob(queue, body, options)
          took(performance.now() - started)
        }
      })
      return this.run(
        Effect.all(new Array<typeof fiber>(fibers).fill(fiber), { concurrency: "unbounded", discard: true })
      )
    }
  }

  /** Adds jobs a hundred a call, two calls at a time. */
  addingMany(queue: string, body: string, options: AddJobOptions): Run {
    const { pool } = this
    const hundred = Array.from({ length: 100 }, () => ({ queue, body, options }))
    return (jobs, took) => {
      let left = jobs / 100
      const fiber = Effect.gen(function* () {
        while (left-- > 0) {
          const started = performance.now()
          const results = yield* pool.addJobs(hundred)
          took(performance.now() - started)
          yield* Either.all(results)
        }
      })
      return this.run(Effect.all([fiber, fiber], { concurrency: "unbounded", discard: true }))
    }
  }

  /** Fetches up to `count` jobs and acknowledges them, in one loop. */
  getting(queue: string, count: number): Run {
    const { pool } = this
    return (jobs, took) =>
      this.run(
        Effect.gen(function* () {
          for (let left = jobs; left > 0; ) {
            const started = performance.now()
            const got = yield* pool.getJobs(queue, { count: Math.min(count, left) })
            yield* pool.ackJob(got)
            took(performance.now() - started)
            left -= got.length
          }
        })
      )
  }

  /** Offers jobs to a funnel, to its queues in turn, and takes them from it, job by job. */
  async funnelling(queues: string | ReadonlyArray<string>, body: string, defaults: AddJobOptions): Promise<Run> {
    const { incoming, outgoing } = await this.run(Funnel.make({ queues, defaults }))
    const names = typeof queues === "string" ? [queues] : queues
    return (jobs) => {
      const producer = Effect.gen(function* () {
        for (let i = 0; i < jobs; i++) {
          yield* Queue.offer(outgoing, { queue: names[i % names.length] as string, body })
        }
      })
      const consumer = Stream.runDrain(Stream.take(incoming, jobs))
      return this.run(Effect.all([producer, consumer], { concurrency: "unbounded", discard: true }))
    }
  }

  /** The same with a handler that does nothing, so many at a time. */
  async handling(queue: string, body: string, defaults: AddJobOptions, concurrency: number): Promise<Run> {
    const { forEach, outgoing } = await this.run(Funnel.make({ queues: queue, defaults }))
    return (jobs) => {
      const producer = Effect.gen(function* () {
        for (let i = 0; i < jobs; i++) yield* Queue.offer(outgoing, { queue, body })
      })
      const consumer = Effect.gen(function* () {
        const done = yield* Deferred.make<void>()
        let left = jobs
        const handler = () => Effect.suspend(() => (--left === 0 ? Deferred.succeed(done, undefined) : Effect.void))
        yield* Effect.raceFirst(forEach(handler, { concurrency }), Deferred.await(done))
      })
      return this.run(Effect.all([producer, consumer], { concurrency: "unbounded", discard: true }))
    }
  }

  /** Adds jobs a hundred a call, and waits until 64 handlers that do nothing have had them all. */
  working(queue: string, body: string, options: AddJobOptions): Promise<Run> {
    return this.workingOn(JobQueue.make(queue, { format: "text", payload: Schema.String }), body, options)
  }

  /** The same with JSON of about `size` bytes that a schema of four fields reads. */
  workingJson(queue: string, size: number, options: AddJobOptions): Promise<Run> {
    const mail = { to: "ada@example.com", subject: "Hello", attempt: 1, text: "" }
    const text = "x".repeat(Math.max(0, size - JSON.stringify(mail).length))
    const payload = Schema.Struct({
      to: Schema.String,
      subject: Schema.String,
      attempt: Schema.Number,
      text: Schema.String
    })
    return this.workingOn(JobQueue.make(queue, { payload }), JSON.stringify({ ...mail, text }), options)
  }

  private async workingOn<A, I>(jobs: JobQueue.JobQueue<A, I>, body: string, options: AddJobOptions): Promise<Run> {
    const queue = jobs.name
    let left = 0
    let end = () => {}
    const handler = () =>
      Effect.sync(() => {
        left -= 1
        if (left === 0) end()
      })
    await this.run(Worker.make(jobs, handler, { concurrency: 64 }))
    const add = this.addingMany(queue, body, options)
    return async (jobs, took) => {
      left = jobs
      const handled = new Promise<void>((resolve) => {
        end = resolve
      })
      await Promise.all([add(jobs, took), handled])
    }
  }

  /** The same with a payload of JSON that a schema describes. */
  async workingTyped(queue: string, payload: typeof Order.Type): Promise<Run> {
    const { pool } = this
    const orders = JobQueue.make(queue, { payload: Order })
    const handled = new Handled()
    await this.run(Worker.make(orders, () => Effect.sync(handled.handle), { concurrency: 64 }))
    const options = orders.addOptions({ replicate: 1 })
    const hundred = Effect.gen(function* () {
      const bodies = yield* Effect.forEach(new Array<typeof payload>(100).fill(payload), orders.encode)
      yield* Either.all(yield* pool.addJobs(bodies.map((body) => ({ queue, body, options }))))
    })
    return handled.run(() => this.run(hundred))
  }

  /** Has a worker that does nothing but call back when a handler begins. */
  async answering(queue: string, onBegin: () => void): Promise<void> {
    const jobs = JobQueue.make(queue, { format: "text", payload: Schema.String })
    await this.run(Worker.make(jobs, () => Effect.sync(onBegin)))
  }
}
