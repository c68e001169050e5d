/** Jobs on their way from the cluster to those who take them: fetched as they are asked for, and each settled once. */
import { type DisquePool, type GetJobsError, type Job, Slot } from "@disco/core"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"

type Pool = Context.Tag.Service<typeof DisquePool>

/** What settling a job can fail with. */
export type SettleError = Effect.Effect.Error<ReturnType<Pool["nackJob"]>>

/** A job that was fetched, and whether what becomes of it is decided. */
export interface Held {
  readonly job: Job.Job
  isSettled: boolean
}

/** Fails with none where the inbox has closed. */
type Taker = Slot<Held, Option.Option<GetJobsError>>

// Settling twice does no harm, and not at all costs another delivery.
const settleSchedule = Schedule.exponential("50 millis").pipe(Schedule.intersect(Schedule.recurs(4)))

const maxPauseMillis = 5000

export class Inbox {
  private readonly pool: Pool
  private readonly queues: ReadonlyArray<string>
  private readonly count: number
  private readonly fork: (effect: Effect.Effect<unknown>) => void
  private readonly held = new Set<Held>()
  // In the order of arrival.
  private readonly takers = new Set<Taker>()
  private isClosed = false
  private failures = 0
  private onDemand: (() => void) | undefined = undefined
  private onEmpty: (() => void) | undefined = undefined

  constructor(
    pool: Pool,
    queues: ReadonlyArray<string>,
    count: number,
    fork: (effect: Effect.Effect<unknown>) => void
  ) {
    this.pool = pool
    this.queues = queues
    this.count = count
    this.fork = fork
  }

  /** The next job. */
  readonly take: Effect.Effect<Held, Option.Option<GetJobsError>> = Effect.suspend(() => {
    const slot: Taker = new Slot((held) => this.handOut(held))
    if (this.isClosed) slot.fill(Exit.fail(Option.none()))
    else this.takers.add(slot)
    this.onDemand?.()
    return Effect.onExit(slot.take, () => Effect.sync(() => this.takers.delete(slot)))
  })

  /** Fetches jobs for as long as there is somebody to take them. */
  readonly run: Effect.Effect<never> = Effect.suspend(() => this.fetch).pipe(
    Effect.catchAll((error) => {
      this.failures += 1
      if (!error.isRetryable) {
        this.end(Option.some(error))
        return Effect.void
      }
      const pause = Math.min(maxPauseMillis, 100 * 2 ** Math.min(this.failures, 16))
      return Effect.zipRight(
        this.failures === 1 ? Effect.logWarning(`jobs cannot be fetched at present: ${error.message}`) : Effect.void,
        Effect.flatMap(Random.nextIntBetween(pause / 2, pause), (millis) => Effect.sleep(millis))
      )
    }),
    Effect.forever
  )

  /** ACKJOB, unless the job is settled already. */
  acknowledge(held: Held): Effect.Effect<void, SettleError> {
    return this.settle(held, this.pool.ackJob(held.job))
  }

  /** NACK, unless the job is settled already. */
  putBack(held: Held): Effect.Effect<void, SettleError> {
    return this.settle(held, this.pool.nackJob(held.job))
  }

  /** Ends the takers: nobody gets a job any more. */
  stop(): void {
    this.isClosed = true
    this.end(Option.none())
  }

  /** Puts back what nobody has settled, and ends when everything is. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Effect.zipRight(
      Effect.forEach([...this.held], (held) => this.orLater(held, this.putBack(held)), {
        concurrency: "unbounded",
        discard: true
      }),
      Effect.async<void>((resume) => {
        if (this.held.size === 0) return resume(Effect.void)
        this.onEmpty = () => resume(Effect.void)
      })
    )
  )

  /** The number of jobs whose fate is not decided. */
  get size(): number {
    return this.held.size
  }

  /** Does what can be done about a job, and leaves the rest to the cluster. */
  orLater(held: Held, settling: Effect.Effect<void, SettleError>): Effect.Effect<void> {
    return Effect.catchAll(settling, (error) => {
      this.forget(held)
      return Effect.logWarning(`job ${held.job.id} comes back after its retry time: ${error.message}`)
    })
  }

  private settle(held: Held, command: Effect.Effect<number, SettleError>): Effect.Effect<void, SettleError> {
    return Effect.uninterruptibleMask((restore) => {
      if (held.isSettled) return Effect.void
      held.isSettled = true
      return Effect.matchCauseEffect(
        restore(Effect.retry(command, { while: (error) => error.isRetryable, schedule: settleSchedule })),
        {
          onFailure: (cause) => {
            held.isSettled = false
            return Effect.failCause(cause)
          },
          onSuccess: () => Effect.sync(() => this.forget(held))
        }
      )
    })
  }

  private forget(held: Held): void {
    held.isSettled = true
    this.held.delete(held)
    if (this.held.size === 0) this.onEmpty?.()
  }

  private readonly fetch: Effect.Effect<never, GetJobsError> = Effect.suspend(() =>
    Effect.scoped(
      Effect.flatMap(this.pool.connection, (connection) =>
        Effect.forever(
          Effect.flatMap(this.demand, (wanted) =>
            Effect.flatMap(
              connection.getJobs(this.queues, {
                count: Math.max(1, Math.min(wanted, this.count)),
                unwanted: "nack"
              }),
              (jobs) => this.receive(jobs)
            )
          )
        )
      )
    )
  )

  private readonly demand: Effect.Effect<number> = Effect.suspend(() => {
    if (this.takers.size > 0) return Effect.succeed(this.takers.size)
    return Effect.async<number>((resume) => {
      this.onDemand = () => {
        this.onDemand = undefined
        resume(Effect.sync(() => this.takers.size))
      }
    })
  })

  private end(error: Option.Option<GetJobsError>): void {
    for (const taker of this.takers) taker.fill(Exit.fail(error))
    this.takers.clear()
  }

  // A job may have waited in its queue for most of its retry time, which began when it was queued: WORKING begins it anew. A job
  // that the node does not know any more was settled by somebody else.
  private receive(jobs: ReadonlyArray<Job.Job>): Effect.Effect<void> {
    this.failures = 0
    const received = jobs.map((job): Held => ({ job, isSettled: false }))
    for (const held of received) this.held.add(held)
    return Effect.forEach(
      received,
      (held) =>
        Effect.matchEffect(this.pool.working(held.job), {
          onFailure: (error) =>
            Effect.sync(() => (error._tag === "JobNotFound" ? this.forget(held) : this.handOut(held))),
          onSuccess: () => Effect.sync(() => this.handOut(held))
        }),
      { concurrency: "unbounded", discard: true }
    )
  }

  // To the first who waits; a job for which nobody waits is not kept from others.
  private handOut(held: Held): void {
    const [taker] = this.takers
    if (taker !== undefined) {
      this.takers.delete(taker)
      taker.fill(Exit.succeed(held))
    } else if (!this.isClosed) {
      this.fork(this.orLater(held, this.putBack(held)))
    }
  }
}
