/** A run of producers and consumers over a cluster while it breaks, and the account of every job at the end. */
import { DisquePool, Job, JobQueue } from "@disco/core"
import { Funnel, Worker } from "@disco/funnel"
import { Clock, Duration, Effect, Exit, Fiber, Logger, LogLevel, Random, Schedule, Schema, Stream } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedBehindProxies } from "../utils/embeddedOverTcp.js"
import * as Faults from "./faults.js"
import { Ledger } from "./ledger.js"

export interface ChaosOptions {
  readonly jobs: number
  readonly faults: number
  /** What decides which faults come, in which order. */
  readonly seed: string
  /** The time from one fault to the next. */
  readonly pause: Duration.DurationInput
  /** A cluster whose nodes somebody else breaks; none for one of the run's own. */
  readonly nodes?: string | undefined
  readonly progress?: ((line: string) => void) | undefined
}

export interface ChaosReport {
  readonly seconds: number
  readonly ledger: Ledger
  readonly faults: Faults.FaultCounts
  /** Consumers interrupted with jobs in hand. */
  readonly interruptions: number
  /** Confirmed jobs that were neither processed nor are still there. */
  readonly lost: ReadonlyArray<number>
  /** Confirmed jobs that are still there, unprocessed. */
  readonly left: number
}

const producers = 8
const consumers = 4
const retry = "2 seconds"

const queue = (seed: string) => `chaos-${seed}`

export const run = (options: ChaosOptions): Effect.Effect<ChaosReport, unknown> =>
  Effect.gen(function* () {
    const started = yield* Clock.currentTimeMillis
    const ledger = new Ledger(options.jobs)
    const counts: Faults.FaultCounts = new Map()
    let interruptions = 0

    const target =
      options.nodes === undefined ? yield* embeddedBehindProxies(3, { nodeTimeout: "1 second" }) : undefined
    const nodes = options.nodes ?? target?.disque.nodes.map(({ address }) => address) ?? []
    const Pool = NodeDisque.layerPool({
      nodes,
      slice: "500 millis",
      commandTimeout: "1 second",
      connectTimeout: "1 second",
      maxActive: 64
    })

    // Every body is added until an add of it is confirmed, so that none is missing for want of trying.
    const produce = (pool: DisquePool.Service, first: number) =>
      Effect.gen(function* () {
        for (let index = first; index < options.jobs; index += producers) {
          const add = pool.addJob(queue(options.seed), String(index), { replicate: 2, retry, ttl: "1 hour" })
          while (true) {
            const exit = yield* Effect.exit(add)
            if (Exit.isSuccess(exit)) {
              ledger.confirm(index, exit.value)
              break
            }
            ledger.repeated += 1
            yield* Effect.sleep("50 millis")
          }
          yield* Effect.sleep(pace)
        }
      })

    const handle = (index: number, job: Job.Job, ack: Effect.Effect<void, unknown>) =>
      Effect.suspend(() => {
        ledger.deliver(index, job)
        return Effect.gen(function* () {
          const work = yield* Random.next
          // Some jobs take long enough to meet a fault.
          if (work < 0.02) yield* Effect.sleep(Duration.millis(work * 20_000))
          yield* ack
          ledger.acknowledge(index, job.id)
        })
      }).pipe(Effect.ensuring(Effect.sync(() => ledger.end())))

    const streams = (pool: DisquePool.Service) =>
      Effect.gen(function* () {
        const funnel = yield* Funnel.make({ queues: queue(options.seed), acknowledge: "manual", prefetch: 16 })
        yield* Stream.runForEach(funnel.incoming, (job) => handle(Number(Job.text(job)), job, job.ack)).pipe(
          Effect.replicateEffect(3, { concurrency: "unbounded" })
        )
      }).pipe(Effect.scoped, Effect.provideService(DisquePool, pool))

    const numbers = JobQueue.make(queue(options.seed), { payload: Schema.NumberFromString, format: "text" })
    const worker = (pool: DisquePool.Service) =>
      Worker.run(numbers, (index) => Effect.flatMap(Worker.CurrentJob, ({ ack, job }) => handle(index, job, ack)), {
        concurrency: 4,
        grace: "1 second",
        retry: Schedule.spaced("100 millis")
      }).pipe(Effect.provideService(DisquePool, pool))

    // Whoever fails or was interrupted is followed by another one.
    const consumer = (pool: DisquePool.Service, i: number) =>
      Effect.repeat(Effect.exit(i % 2 === 0 ? worker(pool) : streams(pool)), Schedule.spaced("50 millis"))

    const isDone = Effect.sync(() => ledger.confirmed === ledger.size && ledger.processed === ledger.size)

    const span = Duration.toMillis(options.pause) * options.faults
    const pace = Duration.millis(Math.max(0, (0.9 * span * producers) / options.jobs))

    const body = Effect.gen(function* () {
      const pool = yield* DisquePool
      const faults = target === undefined ? undefined : yield* Faults.make(target, counts)
      const working = yield* Effect.forEach(Array.from({ length: consumers }), (_, i) => Effect.fork(consumer(pool, i)))
      const producing = yield* Effect.fork(
        Effect.forEach(Array.from({ length: producers }), (_, i) => produce(pool, i), {
          concurrency: "unbounded",
          discard: true
        })
      )
      for (let fault = 0; fault < options.faults; fault++) {
        yield* Effect.sleep(options.pause)
        if ((yield* Random.next) < 0.2) {
          const victim = yield* Random.nextIntBetween(0, consumers)
          yield* Effect.forkDaemon(Fiber.interrupt(working[victim] as Fiber.RuntimeFiber<number>))
          working[victim] = yield* Effect.fork(consumer(pool, victim))
          interruptions += 1
        } else if (faults !== undefined) {
          yield* faults.next
        }
        if (fault % 50 === 49) {
          options.progress?.(
            `${fault + 1} faults, ${ledger.confirmed} added, ${ledger.processed} processed, ${ledger.redeliveries} again`
          )
        }
      }
      if (faults !== undefined) yield* faults.heal
      yield* Fiber.join(producing)
      const until = (yield* Clock.currentTimeMillis) + 60_000
      while (!(yield* isDone) && (yield* Clock.currentTimeMillis) < until) yield* Effect.sleep("100 millis")
      const remaining = faults === undefined ? yield* idsOn(pool) : yield* faults.remaining
      yield* Fiber.interruptAll(working)
      return remaining
    })
    const remaining = yield* body.pipe(
      Effect.scoped,
      Effect.provide(Pool),
      Effect.withRandom(Random.make(options.seed))
    )
    const isThere = (ids: ReadonlySet<string>) => [...ids].some((id) => remaining.has(id))
    const lost = ledger.open.filter(({ ids }) => !isThere(ids)).map(({ index }) => index)
    return {
      seconds: ((yield* Clock.currentTimeMillis) - started) / 1000,
      ledger,
      faults: counts,
      interruptions,
      lost,
      left: ledger.open.length - lost.length
    }
  }).pipe(Effect.scoped, Effect.provide(Logger.minimumLogLevel(LogLevel.None)))

const idsOn = (pool: DisquePool.Service): Effect.Effect<ReadonlySet<string>, unknown> =>
  Effect.map(Stream.runCollect(pool.jobIds()), (ids) => new Set<string>(ids))

/** The report in lines, and whether the run kept what is promised. */
export const format = (report: ChaosReport): { readonly lines: ReadonlyArray<string>; readonly isKept: boolean } => {
  const { faults, interruptions, left, ledger, lost, seconds } = report
  const number = [...faults.values()].reduce((sum, count) => sum + count, interruptions)
  const bound = number * ledger.mostInFlight
  const rows: ReadonlyArray<readonly [string, number]> = [
    ...[...faults].sort(([a], [b]) => a.localeCompare(b)),
    ["a consumer interrupted", interruptions],
    ["jobs added", ledger.confirmed],
    ["adds repeated after a failure", ledger.repeated],
    ["jobs processed", ledger.processed],
    ["most jobs in flight", ledger.mostInFlight],
    ["delivered again: put back", ledger.again["put back"]],
    ["delivered again: retried", ledger.again.retried],
    ["delivered again: acknowledged before", ledger.again["acknowledged before"]],
    ["bound of these (faults × jobs in flight)", bound],
    ["still there", left],
    ["lost", lost.length]
  ]
  return {
    lines: [
      ...rows.map(([name, value]) => `  ${name.padEnd(42)} ${String(value).padStart(8)}`),
      `  ${seconds.toFixed(1)} s`
    ],
    isKept: lost.length === 0 && ledger.redeliveries <= bound && ledger.confirmed === ledger.size
  }
}
