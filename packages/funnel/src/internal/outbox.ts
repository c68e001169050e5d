/** Jobs on their way to the cluster: offered to a queue, and added in pipelined batches. */
import type { AddJobOptions, DisquePool } from "@disco/core"
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
  readonly run: Effect.Effect<void> = Effect.uninterruptible(
    Effect.iterate(true, {
      while: (isOpen) => isOpen,
      body: () =>
        Effect.flatMap(Queue.takeBetween(this.queue, 1, this.batch), (items) => {
          const batch = [...items]
          const isLast = batch.includes(end)
          return Effect.as(this.addAll(batch), !isLast)
        })
    }).pipe(Effect.zipRight(Effect.suspend(() => this.finish)))
  )

  /** Lets the sender end, after everything that was offered so far. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => Queue.offer(this.queue, end))

  private readonly finish: Effect.Effect<void> = Effect.flatMap(
    Effect.suspend(() => Queue.takeAll(this.queue)),
    (items) => {
      const left = [...items]
      return left.length === 0
        ? Queue.shutdown(this.queue)
        : Effect.zipRight(
            this.addAll(left),
            Effect.suspend(() => this.finish)
          )
    }
  )

  private addAll(items: ReadonlyArray<Item>): Effect.Effect<void> {
    const jobs = items.filter((item) => item !== end)
    return Effect.forEach(jobs, (job) => this.add(job), { concurrency: "unbounded", discard: true })
  }

  private add(job: OutgoingJob): Effect.Effect<void> {
    return this.pool.addJob(job.queue, job.body, { ...this.defaults, ...job.options }).pipe(
      Effect.retry({ while: (error) => error.isRetryable, schedule: retrySchedule }),
      Effect.interruptible,
      Effect.matchCauseEffect({
        onFailure: (cause) =>
          Effect.annotateLogs(Effect.logError("a job could not be added", cause), {
            queue: job.queue,
            bytes: job.body.length
          }),
        onSuccess: () => Effect.void
      })
    )
  }
}
