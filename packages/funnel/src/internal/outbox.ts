/** Jobs on their way to the cluster: offered to a queue, and added in pipelined batches. */
import type { AddJobOptions, DisquePool } from "@disco/core"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"

type Pool = Context.Tag.Service<typeof DisquePool>

/** A job to be added. */
export interface OutgoingJob {
  readonly queue: string
  readonly body: string | Uint8Array
  readonly options?: AddJobOptions | undefined
}

// Put behind what was offered before the close, so that the sender ends after it.
const end = Symbol("end")
type Item = OutgoingJob | typeof end

const retrySchedule = Schedule.exponential("100 millis").pipe(
  Schedule.union(Schedule.spaced("5 seconds")),
  Schedule.upTo("1 minute")
)

export class Outbox {
  readonly queue: Queue.Queue<Item>
  private readonly pool: Pool
  private readonly batch: number
  private readonly defaults: AddJobOptions | undefined

  constructor(pool: Pool, queue: Queue.Queue<Item>, batch: number, defaults: AddJobOptions | undefined) {
    this.pool = pool
    this.queue = queue
    this.batch = batch
    this.defaults = defaults
  }

  static makeQueue(capacity: number): Effect.Effect<Queue.Queue<Item>> {
    return Queue.bounded<Item>(capacity)
  }

  // A queue loses what it hands to a fibre that is interrupted while it waits, so this one waits uninterruptibly, and ends by
  // what it is sent. Only the adding can be interrupted, and what it was about is reported.
  /** Adds what is offered, until the end. */
  readonly run: Effect.Effect<void> = Effect.uninterruptibleMask((restore) =>
    Effect.iterate(true, {
      while: (isOpen) => isOpen,
      body: () =>
        Effect.flatMap(Queue.takeBetween(this.queue, 1, this.batch), (items) => {
          const batch = [...items]
          return Effect.as(this.addAll(batch, restore), !batch.includes(end))
        })
    }).pipe(Effect.zipRight(Effect.suspend(() => this.finish(restore))))
  )

  /** Lets the sender end, after everything that was offered so far. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => Queue.offer(this.queue, end))

  private finish(restore: Restore): Effect.Effect<void> {
    return Effect.flatMap(Queue.takeAll(this.queue), (items) => {
      const left = [...items]
      return left.length === 0
        ? Queue.shutdown(this.queue)
        : Effect.zipRight(
            this.addAll(left, restore),
            Effect.suspend(() => this.finish(restore))
          )
    })
  }

  private addAll(items: ReadonlyArray<Item>, restore: Restore): Effect.Effect<void> {
    const left = new Set(items.filter((item) => item !== end))
    const add = (job: OutgoingJob) =>
      this.pool.addJob(job.queue, job.body, { ...this.defaults, ...job.options }).pipe(
        Effect.retry({ while: (error) => error.isRetryable, schedule: retrySchedule }),
        Effect.matchCauseEffect({
          onFailure: (cause) =>
            Cause.isInterruptedOnly(cause) ? Effect.void : Effect.zipRight(report(job, cause), done(job)),
          onSuccess: () => done(job)
        })
      )
    const done = (job: OutgoingJob) => Effect.sync(() => left.delete(job))
    return Effect.zipRight(
      Effect.exit(restore(Effect.forEach([...left], add, { concurrency: "unbounded", discard: true }))),
      Effect.suspend(() => Effect.forEach(left, (job) => report(job, abandoned), { discard: true }))
    )
  }
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const abandoned = Cause.fail("the funnel had to close before")

const report = (job: OutgoingJob, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logError("a job could not be added", cause), {
    queue: job.queue,
    bytes: typeof job.body === "string" ? new TextEncoder().encode(job.body).length : job.body.length
  })
