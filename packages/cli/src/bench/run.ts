/** Adds and takes jobs as fast as the cluster allows, in a queue of its own. */
import { type DisqueCommands, DisquePool } from "@disco/core"
import { Time } from "@disco/core/internal"
import { Funnel } from "@disco/funnel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import { CliError } from "../CliError.js"
import { type Emptied, emptyQueue } from "../emptyQueue.js"
import { withOnlyLogger } from "../internal/runtime.js"
import { Jobs, Stopwatch, type Times } from "./tally.js"

export interface Plan {
  readonly producers: number
  readonly consumers: number
  /** In bytes; at least `leastSize`. */
  readonly size: number
  readonly replicate: number
  /** How long jobs are added; Infinity until there are `count`. */
  readonly millis: number
  /** The most jobs; Infinity until the time is over. */
  readonly count: number
  /** How long nodes are waited for. */
  readonly timeout: Duration.Duration
}

/** What was measured so far. */
export interface Progress {
  readonly queue: string
  /** Since the start. */
  readonly seconds: number
  readonly added: number
  readonly delivered: number
  readonly repeated: number
  /** How many ADDJOB failed, and the last reason. */
  readonly failed: number
  readonly lastFailure: string | undefined
  /** How long it took to add a job. */
  readonly adding: Times | undefined
  /** How long it took from before a job was added until a consumer had it. */
  readonly endToEnd: Times | undefined
}

export interface Result extends Progress {
  /** How long jobs were added. */
  readonly addingSeconds: number
  /** What was left in the queue, and whether it could be deleted. */
  readonly emptied: Emptied
}

/** The number of a job, and when it was added. */
export const leastSize = 16

const bodyOf = (size: number, number: number, at: number): Uint8Array => {
  const body = new Uint8Array(size).fill(0x2e)
  const view = new DataView(body.buffer)
  view.setFloat64(0, number)
  view.setFloat64(8, at)
  return body
}

// A producer that never succeeds has nothing to measure.
const mostFailures = 10

/** The jobs are gone by then, whatever becomes of this process. */
const ttl = Duration.hours(1)

/** How long the queue is emptied after an interruption, in ms: the process has to end soon. */
const hurry = 1000

/** How long it is emptied otherwise, in ms. */
const patience = 60_000

const empty = (pool: DisquePool.Service, queue: string, timeout: Duration.Duration, millis: number) =>
  emptyQueue(pool, queue, timeout).pipe(
    Effect.catchAll(({ message }) => Effect.succeed({ deleted: 0, failures: [message] })),
    // In a finalizer too, the time bounds it.
    Effect.disconnect,
    Effect.interruptible,
    Effect.timeoutTo({
      duration: millis,
      onSuccess: (emptied): Emptied => emptied,
      onTimeout: (): Emptied => ({ deleted: 0, failures: ["there was no time to delete all of its jobs"] })
    })
  )

/**
 * Runs the benchmark. `onProgress` is called each second. The queue is emptied at the end, also after an interruption; `onLeft` is told
 * what could not be deleted then.
 */
export const run = (
  plan: Plan,
  on: {
    readonly progress: (progress: Progress) => Effect.Effect<void>
    readonly left: (queue: string, emptied: Emptied) => Effect.Effect<void>
  }
): Effect.Effect<Result, CliError, DisquePool> =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const clock = yield* Effect.clock
    const now = () => Time.monotonicMillis(clock)
    const digits = yield* Random.nextIntBetween(0, 2 ** 32)
    const queue = `disco-bench-${digits.toString(16).padStart(8, "0")}`
    const isEmpty = yield* Ref.make(false)
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(Ref.get(isEmpty), (done) =>
        done
          ? Effect.void
          : Effect.flatMap(empty(pool, queue, plan.timeout, hurry), (emptied) =>
              emptied.failures.length > 0 ? on.left(queue, emptied) : Effect.void
            )
      )
    )
    const jobs = new Jobs()
    const adding = new Stopwatch()
    const endToEnd = new Stopwatch()
    let next = 0
    let failed = 0
    let lastFailure: string | undefined
    const startedAt = now()
    const progress = (): Progress => ({
      queue,
      seconds: (now() - startedAt) / 1000,
      added: jobs.added,
      delivered: jobs.delivered,
      repeated: jobs.repeated,
      failed,
      lastFailure,
      adding: adding.times,
      endToEnd: endToEnd.times
    })
    const options = { replicate: plan.replicate, ttl }
    const isOver = () => next >= plan.count || now() - startedAt >= plan.millis
    const produce = (commands: DisqueCommands) =>
      Effect.gen(function* () {
        let failures = 0
        while (!isOver() && failures < mostFailures) {
          const number = next++
          const at = now()
          const added = yield* Effect.either(commands.addJob(queue, bodyOf(plan.size, number, at), options))
          if (added._tag === "Right") {
            adding.note(now() - at)
            jobs.add(number)
            failures = 0
          } else {
            failed += 1
            failures += 1
            lastFailure = added.left.message
            yield* Effect.sleep("100 millis")
          }
        }
      })
    const consumed = ({ body }: { readonly body: Uint8Array }) =>
      Effect.sync(() => {
        const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
        endToEnd.note(now() - view.getFloat64(8))
        jobs.see(view.getFloat64(0))
      })
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.zipRight(
          Effect.sleep("1 second"),
          Effect.suspend(() => on.progress(progress()))
        )
      )
    )
    const measure = Effect.gen(function* () {
      yield* Effect.all(
        Array.from({ length: plan.producers }, () => produce(pool)),
        { concurrency: "unbounded", discard: true }
      )
      const addingSeconds = (now() - startedAt) / 1000
      if (jobs.added === 0) {
        return yield* new CliError({ message: `no job could be added: ${lastFailure ?? "there was no time"}` })
      }
      // What was added has some time to come, as long as something comes.
      let before = -1
      while (jobs.delivered < jobs.added && jobs.delivered > before) {
        before = jobs.delivered
        const until = now() + Duration.toMillis(plan.timeout)
        while (jobs.delivered === before && now() < until) yield* Effect.sleep("5 millis")
      }
      return { ...progress(), addingSeconds }
    })
    const measured = yield* Effect.gen(function* () {
      const funnel = yield* Funnel.make({ queues: queue, closeWithin: "500 millis" })
      const consume = Effect.zipRight(funnel.forEach(consumed, { concurrency: plan.consumers }), Effect.never)
      return yield* Effect.raceFirst(measure, consume)
    }).pipe(
      Effect.scoped,
      // What a funnel says of jobs that come again means nothing here: the queue is emptied.
      withOnlyLogger(Logger.none),
      Effect.mapError((error) => (error instanceof CliError ? error : new CliError({ message: error.message })))
    )
    const emptied = yield* empty(pool, queue, plan.timeout, patience)
    yield* Ref.set(isEmpty, true)
    return { ...measured, emptied }
  }).pipe(Effect.scoped)
