/** Jobs on their way to the cluster: they are offered to a queue, and added in batches. */
import type { JobId } from "@disco/core"
import { Notices, Time, withJson } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { causeText, kindOf, squash } from "../internal/failure.js"
import { forkInterruptible, interruptLater, type Restore } from "../internal/runtime.js"
import { offeredJobs } from "./offeredJobs.js"

/**
 * The funnel closed before the job was added, or was already closed.
 *
 * @example
 * ```ts
 * import type { Funnel } from "@disco/funnel"
 * import { Effect } from "effect"
 *
 * const send = (funnel: Funnel.Funnel) =>
 *   funnel
 *     .send({ queue: "greetings", body: "hello" })
 *     .pipe(Effect.catchTag("FunnelClosed", () => Effect.logWarning("too late: the funnel has closed")))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class FunnelClosed extends Data.TaggedError("FunnelClosed") {
  readonly remedy = "none"
  readonly isRetryable = false
  override get message(): string {
    return "the funnel closed before the job was added"
  }
}

/**
 * A job that could not be added, and why.
 *
 * @since 0.1.0
 * @category models
 */
export interface Undelivered<T, E> {
  readonly job: T
  readonly error: E
}

export interface OutboxOptions<T, E> {
  readonly add: (job: T) => Effect.Effect<JobId.JobId, E>
  /** Adds several jobs at once, each with its own result. */
  readonly addAll: (jobs: ReadonlyArray<T>) => Effect.Effect<ReadonlyArray<Either.Either<JobId.JobId, E>>>
  /** When to try again, after an error that is retryable. */
  readonly schedule: Schedule.Schedule<unknown, E>
  /** For the log: the queue, and the size of the body if it is known. */
  readonly describe: (job: T) => { readonly queue: string; readonly bytes?: number | undefined }
  readonly batch: number
  readonly capacity: number
}

/** A job whose sender waits for its id. */
class Sending<T, E> {
  readonly job: T
  readonly done: (outcome: Exit.Exit<JobId.JobId, E | FunnelClosed>) => void
  constructor(job: T, done: (outcome: Exit.Exit<JobId.JobId, E | FunnelClosed>) => void) {
    this.job = job
    this.done = done
  }
}

const jobOf = <T, E>(item: T | Sending<T, E>): T => (item instanceof Sending ? item.job : item)

// Is offered at the close, so that the outbox ends after all jobs that were offered before.
const end = Symbol("end")
type Item<T, E> = T | Sending<T, E> | typeof end

const callsAtATime = 4

interface Retryable {
  readonly isRetryable: boolean
  readonly message: string
}

/** Tries again for a minute, with waits that grow up to 5 seconds. */
export const defaultSchedule = Schedule.exponential("100 millis").pipe(
  Schedule.union(Schedule.spaced("5 seconds")),
  Schedule.upTo("1 minute")
)

export class Outbox<T, E extends Retryable> {
  readonly queue: Queue.Queue<Item<T, E>>
  private readonly options: OutboxOptions<T, E>
  private readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  private readonly senders = new Set<Fiber.RuntimeFiber<void>>()
  private readonly unread: Mailbox.Mailbox<Undelivered<T, E>>
  private readonly notices: Notices
  private readers = 0
  private inFlight = 0
  private isAbandoned = false
  private onEnded: (() => void) | undefined = undefined

  /** The most jobs of one call, so that other calls go on while one waits for the last of its jobs. */
  private readonly call: number

  private constructor(
    options: OutboxOptions<T, E>,
    queue: Queue.Queue<Item<T, E>>,
    unread: Mailbox.Mailbox<Undelivered<T, E>>,
    clock: Clock.Clock,
    runtime: Runtime.Runtime<never>
  ) {
    this.options = options
    this.call = Math.ceil(options.batch / callsAtATime)
    this.queue = queue
    this.unread = unread
    this.runFork = forkInterruptible(runtime)
    this.notices = new Notices(clock, this.runFork)
  }

  static make<T, E extends Retryable>(options: OutboxOptions<T, E>): Effect.Effect<Outbox<T, E>> {
    return Effect.gen(function* () {
      const queue = yield* offeredJobs<Item<T, E>>(options.capacity)
      const unread = yield* Mailbox.make<Undelivered<T, E>>({ capacity: options.capacity })
      return new Outbox(options, queue, unread, yield* Effect.clock, yield* Effect.runtime<never>())
    })
  }

  /** Offers a job, and gives its id once it is added. An interruption takes the job back while it waits to be offered. */
  send(job: T): Effect.Effect<JobId.JobId, E | FunnelClosed> {
    return Effect.async<JobId.JobId, E | FunnelClosed>((resume) => {
      const sending = new Sending<T, E>(job, (outcome) => resume(outcome))
      if (this.queue.unsafeOffer(sending)) return
      const offering = this.runFork(
        Effect.catchAllCause(Effect.asVoid(Queue.offer(this.queue, sending)), () =>
          Effect.sync(() => resume(Effect.fail(new FunnelClosed())))
        )
      )
      return Fiber.interrupt(offering)
    })
  }

  /** The jobs that could not be added. They are logged instead while nobody reads this stream. */
  readonly undelivered: Stream.Stream<Undelivered<T, E>> = Stream.unwrapScoped(
    Effect.gen(this, function* () {
      this.readers += 1
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() => {
          this.readers -= 1
          return this.readers === 0 ? this.logUnread : Effect.void
        })
      )
      return Stream.repeatEffectOption(Effect.mapError(this.unread.take, () => Option.none()))
    })
  )

  private readonly logUnread: Effect.Effect<void> = Effect.suspend(() =>
    Effect.flatMap(this.unread.clear, (left) =>
      Effect.forEach(left, ({ error, job }) => this.log(job, Cause.fail(error)), { discard: true })
    )
  ).pipe(Effect.catchAllCause(() => Effect.void))

  // A queue loses a job that it hands to a waiting fiber which is then interrupted. So this waits uninterruptibly, until `end`.
  /** Adds the jobs that are offered, until the close. */
  readonly run: Effect.Effect<void> = Effect.uninterruptible(
    Effect.iterate(true, {
      while: (isOpen) => isOpen,
      body: () =>
        Effect.flatMap(Queue.takeBetween(this.queue, 1, this.call), (taken) => {
          const items = [...taken]
          return Effect.as(this.dispatch(items), !items.includes(end))
        })
    }).pipe(
      Effect.zipRight(Effect.suspend(() => this.finish)),
      Effect.zipRight(Effect.suspend(() => this.waitUntil(() => this.inFlight === 0))),
      Effect.zipRight(Effect.suspend(() => (this.readers === 0 ? this.logUnread : Effect.void))),
      Effect.zipRight(Effect.suspend(() => this.unread.end)),
      Effect.zipRight(Effect.suspend(() => this.notices.end))
    )
  )

  /** Lets the outbox end after the jobs that were offered so far. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => Queue.offer(this.queue, end))

  /** Gives up: jobs that are not added by now are reported. */
  readonly abandon: Effect.Effect<void> = Effect.sync(() => {
    this.isAbandoned = true
    for (const sender of this.senders) interruptLater(sender)
  })

  /** How many jobs are being added. */
  get size(): number {
    return this.inFlight
  }

  private readonly finish: Effect.Effect<void> = Effect.suspend(() =>
    Effect.flatMap(Queue.takeUpTo(this.queue, this.call), (items) => {
      const left = [...items]
      return left.length === 0
        ? Queue.shutdown(this.queue)
        : Effect.zipRight(
            this.dispatch(left),
            Effect.suspend(() => this.finish)
          )
    })
  )

  /** Begins to add a batch, and waits until there is room for more. */
  private dispatch(taken: ReadonlyArray<Item<T, E>>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const items = taken.filter((item): item is T | Sending<T, E> => item !== end)
      if (items.length > 0) {
        this.inFlight += items.length
        this.start(this.addAll(items))
      }
      return this.waitUntil(() => this.inFlight <= this.options.batch - this.call)
    })
  }

  private waitUntil(condition: () => boolean): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (condition()) return resume(Effect.void)
      this.onEnded = () => {
        if (!condition()) return
        this.onEnded = undefined
        resume(Effect.void)
      }
    })
  }

  /** Notes that jobs are no longer on their way: each was added, or given up. */
  private ended(count: number): void {
    this.inFlight -= count
    this.onEnded?.()
  }

  private start(effect: Effect.Effect<void>): void {
    const sender = this.runFork(effect)
    this.senders.add(sender)
    sender.addObserver(() => this.senders.delete(sender))
  }

  /** Adds several jobs at once. Each that fails is tried again by itself, and delays no other. */
  private addAll(items: ReadonlyArray<T | Sending<T, E>>): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) => {
      if (this.isAbandoned) return this.settleAll(items, (item) => this.abandoned(item))
      return Effect.matchCauseEffect(restore(this.options.addAll(items.map(jobOf))), {
        onFailure: (cause) => this.settleAll(items, (item) => this.lose(item, cause, restore)),
        onSuccess: (results) =>
          Effect.sync(() => {
            let added = 0
            for (const [i, item] of items.entries()) {
              const result = results[i]
              if (result === undefined || Either.isLeft(result)) {
                this.start(this.addAgain(item, result?.left))
                continue
              }
              added += 1
              if (item instanceof Sending) item.done(Exit.succeed(result.right))
            }
            this.ended(added)
          })
      })
    })
  }

  private addAgain(item: T | Sending<T, E>, error: E | undefined): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) => {
      const again = error === undefined ? this.options.add(jobOf(item)) : this.again(jobOf(item), error)
      return Effect.matchCauseEffect(this.isAbandoned ? Effect.interrupt : restore(again), {
        onSuccess: (id) =>
          Effect.sync(() => {
            if (item instanceof Sending) item.done(Exit.succeed(id))
            this.ended(1)
          }),
        onFailure: (cause) => this.settleAll([item], (item) => this.lose(item, cause, restore))
      })
    })
  }

  private settleAll(
    items: ReadonlyArray<T | Sending<T, E>>,
    settle: (item: T | Sending<T, E>) => Effect.Effect<void>
  ): Effect.Effect<void> {
    return Effect.ensuring(
      Effect.forEach(items, settle, { discard: true }),
      Effect.sync(() => this.ended(items.length))
    )
  }

  // This waits for the reader of `undelivered`, until the outbox gives up.
  private lose(item: T | Sending<T, E>, cause: Cause.Cause<E>, restore: Restore): Effect.Effect<void> {
    return Effect.catchAllCause(restore(this.fail(item, cause)), () => this.abandoned(item))
  }

  /** Adds a job again, as the schedule says. */
  private again(job: T, error: E): Effect.Effect<JobId.JobId, E> {
    return Effect.gen(this, function* () {
      const driver = yield* Schedule.driver(this.options.schedule)
      const clock = Time.clockOfAttempts(yield* Effect.clock)
      const attempt = (error: E): Effect.Effect<JobId.JobId, E> =>
        error.isRetryable
          ? Effect.matchEffect(Effect.withClock(driver.next(error), clock), {
              onFailure: () => Effect.fail(error),
              onSuccess: () => Effect.catchAll(this.options.add(job), attempt)
            })
          : Effect.fail(error)
      return yield* attempt(error)
    })
  }

  private fail(item: T | Sending<T, E>, cause: Cause.Cause<E>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (Cause.isInterrupted(cause)) return this.abandoned(item)
      if (item instanceof Sending) {
        item.done(Exit.failCause(cause))
        return Effect.void
      }
      const error = Cause.failureOption(cause)
      return this.readers === 0 || Option.isNone(error)
        ? this.log(item, cause)
        : Effect.asVoid(this.unread.offer(withJson({ job: item, error: error.value })))
    })
  }

  private abandoned(item: T | Sending<T, E>): Effect.Effect<void> {
    const closed = new FunnelClosed()
    if (!(item instanceof Sending)) return this.log(item, Cause.fail(closed))
    return Effect.sync(() => item.done(Exit.fail(closed)))
  }

  private log(job: T, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const { bytes, queue } = this.options.describe(job)
    return this.notices.say(`${queue} ${kindOf(squash(cause))}`, (more) =>
      Effect.annotateLogs(Effect.logError("a job could not be added", causeText(cause, more)), {
        queue,
        ...(bytes === undefined ? {} : { bytes })
      })
    )
  }
}
