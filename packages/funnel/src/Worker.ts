/**
 * A worker: a handler for the jobs of a queue, with retries, budgets, a dead-letter queue, and a shutdown that loses nothing.
 */
import { DisquePool, type GetJobsError, type InvalidArgument, type Job, type JobQueue } from "@disco/core"
import { withJson } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { causeText } from "./internal/failure.js"
import * as check from "./internal/options.js"
import { quietly } from "./internal/quietly.js"
import { programEnd } from "./internal/runtime.js"
import { closeWithSiblings } from "./internal/siblings.js"
import { GiveUp, type HandlerDied, type JobInHand, type Work } from "./worker/attempt.js"
import { start, step } from "./worker/backoff.js"
import type { Letter } from "./worker/letter.js"
import { defaultLetterTtl } from "./worker/replaceWithLetter.js"
import { Crew } from "./worker/runningWorker.js"

export { GiveUp, HandlerDied, type JobInHand } from "./worker/attempt.js"
export type { Letter, Reason } from "./worker/letter.js"

/** The job that a handler works on, in its context. */
export class CurrentJob extends Context.Tag("@disco/funnel/CurrentJob")<CurrentJob, JobInHand>() {}

/** What a handler fails with that is no word to give up. */
export type Tried<E> = Exclude<E, GiveUp<unknown>>

/** What a handler fails with, whether it says to give up or not. */
export type Reported<E> = Tried<E> | (E extends GiveUp<infer Given> ? Given : never)

/**
 * Gives a job up: its handler fails with this, and the job is not tried again, whatever `retry`, `retryable` and `attempts` say.
 * It goes to the queue `<name>.dead` at once, and its letter and `onFailure` have the error.
 *
 * It is an effect that fails (`yield* Worker.giveUp(error)`), and a value to fail with (`Effect.fail(Worker.giveUp(error))`). To
 * throw it does the same. To decide by the errors that a handler has anyway, see `retryable`.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Console, Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const program = Worker.run(emails, ({ to }) =>
 *   to.includes("@") ? Console.log(`to ${to}`) : Worker.giveUp(`no address: ${to}`)
 * )
 * ```
 */
export const giveUp = <const E>(error: E): GiveUp<E> => new GiveUp({ error }) as GiveUp<E>

/** A job that failed, as `onFailure` sees it. */
export interface Failure<A, E> {
  readonly job: Job.Job
  readonly payload: A
  readonly error: E | HandlerDied
  readonly attempt: number
  /** The time until the next attempt; none where the job is given up. */
  readonly again: Duration.Duration | undefined
}

/** So many jobs in a time. */
export interface RateLimit {
  readonly limit: number
  readonly interval: Duration.DurationInput
}

/** The options of a worker. `E` is what its handler fails with. */
export interface WorkerOptions<A, E, R = never> {
  /** How many handlers run at a time; 1. */
  readonly concurrency?: number | undefined
  /**
   * How many jobs are fetched ahead of those in hand; as many as `concurrency`, and 4 at least. They wait here, behind handlers
   * that may take long, and nobody else has them meanwhile: with 0, only what can begin is fetched, at the cost of a round trip
   * for each job.
   */
  readonly prefetch?: number | undefined
  /**
   * How long a job that was fetched ahead waits to be begun; 10 seconds. Then it goes back, so that others may have it, and no
   * more are fetched ahead until jobs are begun faster than that.
   */
  readonly prefetchTimeToLive?: Duration.DurationInput | undefined
  /**
   * When a job that failed is tried again, and when no more; after 1 second, doubling up to 10 minutes. The schedule is given
   * each failure: a `HandlerDied` where the handler threw or interrupted itself. It is also gone through once when the worker is
   * made, with no failure, to see whether the waits fit into the `ttl`.
   *
   * A wait of up to `parkUpTo` is spent here: the job keeps its lease, and is lost to this process alone if that dies. For a
   * longer one the job is added again, with DELAY, to the queue `<name>.retry`, in an envelope that counts its attempts, and
   * the old one is acknowledged; a worker takes jobs from both queues. A failing job is never just NACKed: it would be back at
   * once.
   */
  readonly retry?: Schedule.Schedule<unknown, Tried<E> | HandlerDied, R> | undefined
  /**
   * Whether a job whose handler failed with this error may be tried again. Where not, the job goes to the queue `<name>.dead` at
   * once; where it may, `retry` and `attempts` decide. Without this, every job may. It is not asked about a handler that died or
   * interrupted itself, and where it throws, the job may be tried again. A handler can say so itself with `giveUp`.
   */
  readonly retryable?: ((error: Tried<E>) => boolean) | undefined
  /** How often a job is tried before it goes to the queue `<name>.dead`; 10. NACKs by others count. */
  readonly attempts?: number | undefined
  /**
   * How often a job may be delivered again without having failed before it goes to the queue `<name>.dead`, as whoever had it
   * was killed; 10. Jobs that workers give back (on pause, on shutdown, because they were not begun in time) are no crashes: a
   * worker knows what it gave back, and a job that was given back half as often as it may crash goes to `<name>.retry` in a
   * letter that says so to others.
   */
  readonly crashes?: number | undefined
  /** The longest wait that a job spends here under its lease; 10 seconds. */
  readonly parkUpTo?: Duration.DurationInput | undefined
  /** How long jobs of this queue live; as the queue says, 7 days unless told otherwise. All retries have to fit in it. */
  readonly ttl?: Duration.DurationInput | undefined
  /** How long a letter in the queue `<name>.dead` is kept; 30 days. */
  readonly deadLetterTtl?: Duration.DurationInput | undefined
  /** How long handlers may go on when the worker closes; 25 seconds. */
  readonly grace?: Duration.DurationInput | undefined
  /** The longest that the close may take beyond the time that handlers take, and beyond the grace; 5 seconds. */
  readonly closeWithin?: Duration.DurationInput | undefined
  /**
   * At most so many jobs begin within any `interval`, wherever that begins. A job is fetched once it may begin, but for those
   * that are fetched ahead. A batch has no more jobs than `limit`.
   */
  readonly rateLimit?: RateLimit | undefined
  /**
   * Whether a handler whose job's lease is lost is interrupted, or goes on; `interrupt`. A lease is lost once another delivery of
   * the job is due or seen. For a job of which half of the TTL has gone, Disque postpones no delivery: its handler has what is
   * left of RETRY.
   */
  readonly onLeaseLost?: "interrupt" | "ignore" | undefined
  /**
   * How the span of a handler belongs to the one that the job was added in, where the queue is `traced`: below it, or linked to
   * it; `join`. Link where jobs are delayed, or a trace goes on for days. Another attempt, and a batch, is always linked.
   */
  readonly traces?: "join" | "link" | undefined
  /** Called when a job has failed, before it is tried again or given up. */
  readonly onFailure?: ((failure: Failure<A, Reported<E>>) => Effect.Effect<void, never, R>) | undefined
  /** Called when a job has been given up: its letter is in the queue `<name>.dead`. */
  readonly onDeadLetter?: ((letter: Letter) => Effect.Effect<void, never, R>) | undefined
}

/** The options of a worker for batches. */
export interface BatchOptions<A, E, R = never> extends WorkerOptions<A, E, R> {
  /** The most jobs of a batch; 10. */
  readonly size?: number | undefined
  /** How long a batch that is not full waits for more after its first job; not at all. It begins as soon as it is full. */
  readonly within?: Duration.DurationInput | undefined
}

/** The options of a worker that is a layer. */
export interface LayerOptions<R = never> {
  /**
   * Runs when the worker ends before its scope does, with the reason: no node lets it fetch, for a reason that no waiting mends
   * (a wrong password, say), or it fails again and again for a fault of its own. Unless it is given, the program that the layer
   * was built in ends with that reason, as if it had died of it. Where that program has ended already (a `ManagedRuntime` builds its
   * layers in one of their own), the reason is in the log alone.
   */
  readonly onEnd?: ((cause: Cause.Cause<GetJobsError>) => Effect.Effect<unknown, never, R>) | undefined
}

/** A worker, for as long as its scope. */
export interface Worker {
  /**
   * Takes no more jobs until `resume`; handlers go on. What was fetched ahead goes back by ENQUEUE, and what waits for its next
   * attempt goes to the queue `<name>.retry`. Waits for that no longer than `closeWithin`: then it goes on by itself.
   */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  /**
   * Fails where no node lets the worker fetch, for a reason that no waiting mends: a wrong password, say. Dies where the worker
   * cannot go on for a fault of its own.
   */
  readonly failed: Effect.Effect<never, GetJobsError>
}

/** A job of a batch. */
export interface BatchJob<A> extends JobInHand {
  readonly payload: A
}

const subject = "Worker"

const defaultRetry: Schedule.Schedule<unknown> = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("10 minutes"))
)

const limits = <A, E, R>(given: BatchOptions<A, E, R>, ttl: Duration.DurationInput | undefined) =>
  Either.gen(function* () {
    const concurrency = yield* check.count(subject, "concurrency", given.concurrency ?? 1, 1)
    const pace = given.rateLimit
    if (pace !== undefined && (typeof pace !== "object" || pace === null)) {
      return yield* check.refuse(subject, "rateLimit", pace, "{ limit, interval }")
    }
    if (given.retry !== undefined && !Schedule.isSchedule(given.retry)) {
      return yield* check.refuse(subject, "retry", given.retry, "a Schedule")
    }
    const rate =
      pace === undefined
        ? undefined
        : {
            limit: yield* check.count(subject, "rateLimit.limit", pace.limit, 1),
            intervalMillis: yield* check.millis(subject, "rateLimit.interval", pace.interval, 1)
          }
    const most = yield* check.count(subject, "size", given.size ?? 1, 1)
    const size = Math.min(most, rate?.limit ?? most)
    const prefetch = yield* check.count(subject, "prefetch", given.prefetch ?? Math.max(4, concurrency * size), 0)
    return {
      size,
      concurrency,
      prefetch,
      prefetchMillis: yield* check.prefetchMillis(subject, given.prefetchTimeToLive),
      rate,
      fetchCount: Math.min(128, prefetch + concurrency * size),
      mostParked: concurrency + Math.max(0, prefetch - 64),
      withinMillis: yield* check.millis(subject, "within", given.within ?? 0, 0),
      attempts: yield* check.count(subject, "attempts", given.attempts ?? 10, 1),
      crashes: yield* check.count(subject, "crashes", given.crashes ?? 10, 0),
      parkMillis: yield* check.millis(subject, "parkUpTo", given.parkUpTo ?? "10 seconds", 0),
      ttlMillis: yield* check.millis(subject, "ttl", given.ttl ?? ttl ?? defaultTtl, 1000),
      letterTtl: Duration.millis(
        yield* check.millis(subject, "deadLetterTtl", given.deadLetterTtl ?? defaultLetterTtl, 1000)
      ),
      graceMillis: yield* check.millis(subject, "grace", given.grace ?? "25 seconds", 0),
      closeMillis: yield* check.millis(subject, "closeWithin", given.closeWithin ?? "5 seconds", 0),
      interruptsLost:
        (yield* check.word(subject, "onLeaseLost", given.onLeaseLost ?? "interrupt", ["interrupt", "ignore"])) ===
        "interrupt",
      linksTraces: (yield* check.word(subject, "traces", given.traces ?? "join", ["join", "link"])) === "link"
    }
  })

const defaultTtl: Duration.DurationInput = "7 days"

// Whoever has more attempts than this knows what they do.
const mostSteps = 10_000

/** Refuses retries that take longer than a job lives, as far as the schedule says so without a failure. */
const fit = <E>(
  schedule: Schedule.Schedule<unknown, E>,
  attempts: number,
  ttlMillis: number
): Effect.Effect<void, InvalidArgument> =>
  Effect.gen(function* () {
    let total = 0
    let progress = start(schedule)
    while (progress.failures < Math.min(attempts - 1, mostSteps) && total < ttlMillis) {
      // A schedule that looks at the failure may not bear that there is none: then only the jobs show what it says.
      const next = yield* Effect.exit(step(schedule, progress, undefined as E, total))
      if (Exit.isFailure(next) || next.value.delay === undefined) return
      progress = next.value
      total += next.value.delay
    }
    if (total < ttlMillis) return
    yield* check.refuse(
      subject,
      "ttl",
      Duration.format(Duration.millis(ttlMillis)),
      `more than the retries take together (${attempts} attempts), or fewer attempts: a job that is deleted is not tried again`
    )
  })

/** A handler for so many jobs. `B` is what it gives. */
interface Handler<A, E, R, B> {
  readonly handle: (works: ReadonlyArray<Work<A>>) => Effect.Effect<B, E, R>
  /** What came of one of the jobs, by its place, where the handler gave this. */
  readonly outcome: (given: B, place: number) => Exit.Exit<unknown, E>
}

const open = <A, I, E, R, RQ, RO, B>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  { handle, outcome }: Handler<A, E, R | CurrentJob, B>,
  given: BatchOptions<A, E, RO>
): Effect.Effect<Worker, InvalidArgument, DisquePool | Scope.Scope | Exclude<R, CurrentJob> | RQ | RO> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const checked = yield* limits(given, queue.addOptions().ttl)
      // The scope and the span of who makes a worker are none of a handler's.
      type Services = Exclude<R, CurrentJob> | RQ | RO
      const context = Context.omit(
        Tracer.ParentSpan,
        Scope.Scope
      )(
        (yield* Effect.context<Services>()) as Context.Context<Services | Tracer.ParentSpan | Scope.Scope>
      ) as Context.Context<Services>
      const schedule = Schedule.provideContext(given.retry ?? defaultRetry, context)
      yield* restore(fit(schedule, checked.attempts, checked.ttlMillis))
      const pool = yield* DisquePool
      const { onDeadLetter, onFailure, retryable } = given
      // The fibers of the crew have the services already: they need not be provided with them for each job.
      const served = <C, E2>(effect: Effect.Effect<C, E2, R | RQ | RO | CurrentJob>) => effect as Effect.Effect<C, E2>
      const crew = yield* Crew.make<A, E, B>(pool, {
        ...checked,
        queue: queue.name,
        batch: checked.size,
        // Neither is asked about what says to give up, nor told of it but by its error.
        schedule: schedule as Schedule.Schedule<unknown, E | HandlerDied>,
        retryable: (error) => retryable?.(error as Tried<E>) ?? true,
        contextOf: (works) => {
          const [work] = works
          return work === undefined || checked.size > 1 ? context : Context.add(context, CurrentJob, work.inHand)
        },
        open: (job) => served(queue.open(job)),
        handle: (works) => served(handle(works)),
        outcome,
        onFailure: ({ againMillis, error, ...failure }) =>
          onFailure === undefined
            ? Effect.void
            : served(
                onFailure(
                  withJson({
                    ...failure,
                    error: error as Reported<E> | HandlerDied,
                    again: againMillis === undefined ? undefined : Duration.millis(againMillis)
                  })
                )
              ),
        onDeadLetter: (letter) => (onDeadLetter === undefined ? Effect.void : served(onDeadLetter(letter)))
      })
      yield* closeWithSiblings(
        Effect.asVoid(crew.closing),
        Effect.flatMap(crew.closing, (closing) => Effect.asVoid(Fiber.await(closing)))
      )
      return {
        pause: crew.pause,
        resume: crew.inbox.resume,
        failed: crew.failed,
        toJSON: () => ({ _id: "Worker", queue: queue.name })
      }
    })
  )

/**
 * Opens a worker over the pool, for as long as the scope.
 *
 * The handler is called for each job, by one of `concurrency` fibers that live as long as the worker. When it succeeds, the job
 * is acknowledged; when it fails, dies or interrupts itself, the job is tried again as `retry` says, and goes to the queue
 * `<name>.dead` once `attempts` are used up. A body that does not fit the schema goes there at once. What a handler forks ends
 * with it. While it runs, its job gets WORKING in time; should the lease be lost all the same, the handler is interrupted.
 *
 * Jobs come at least once: a handler has to bear seeing one twice.
 *
 * When the scope closes, no more jobs are taken, and those fetched ahead go back by ENQUEUE; handlers have the `grace` to end,
 * then they are interrupted, and their jobs go back too. The workers of one scope do so together, from when the first of them
 * closes. Under `TestClock` nobody moves the clock through the grace: see `VirtualTime` of `@disco/embedded`. Neither NACK nor ENQUEUE brings back an at-most-once job (RETRY 0): one that
 * was not begun is added anew, and one whose handler was interrupted is not.
 */
export const make = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: JobInHand) => Effect.Effect<unknown, E, R>,
  options: WorkerOptions<A, E, RO> = {}
): Effect.Effect<Worker, InvalidArgument, DisquePool | Scope.Scope | Exclude<R, CurrentJob> | RQ | RO> =>
  open(
    queue,
    {
      handle: ([work]): Effect.Effect<unknown, E, R> =>
        work === undefined ? Effect.void : handler(work.payload, work.inHand),
      outcome: () => Exit.void
    },
    { ...options, size: 1 }
  )

/**
 * Opens a worker whose handler takes several jobs at a time, and gives a result for each, in their order: `Either.right` for
 * one that is done, `Either.left` for one that failed. When the handler itself fails, all of them did.
 */
export const makeBatch = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (jobs: ReadonlyArray<BatchJob<A>>) => Effect.Effect<ReadonlyArray<Either.Either<unknown, E>>, E, R>,
  options: BatchOptions<A, E, RO> = {}
): Effect.Effect<Worker, InvalidArgument, DisquePool | Scope.Scope | R | RQ | RO> =>
  open(
    queue,
    {
      handle: (works) =>
        Effect.map(handler(works.map(({ inHand, payload }) => withJson({ ...inHand, payload }))), (results) =>
          isArray(results) ? results.map(outcomeOf) : []
        ),
      outcome: (exits, place) => exits[place] ?? noResult
    },
    { size: 10, ...options }
  )

// Handlers may be no TypeScript.
const isArray = (results: unknown): boolean => Array.isArray(results)

const noResult = Exit.die(new Error("the handler gave no result for this job"))

const outcomeOf = <E>(result: Either.Either<unknown, E>): Exit.Exit<unknown, E> => {
  const isEither: boolean = Either.isEither(result)
  if (!isEither) return noResult
  return Either.isRight(result) ? Exit.void : Exit.fail(result.left)
}

const forever = <R>(
  worker: Effect.Effect<Worker, InvalidArgument, R>
): Effect.Effect<never, InvalidArgument | GetJobsError, Exclude<R, Scope.Scope>> =>
  Effect.scoped(Effect.flatMap(worker, ({ failed }) => failed))

// A layer has been built long before the worker fails, so that nobody is there to be told.
const scoped = <R, RE>(
  worker: Effect.Effect<Worker, InvalidArgument, R>,
  { onEnd }: LayerOptions<RE>
): Layer.Layer<never, InvalidArgument, Exclude<R | RE, Scope.Scope>> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { failed } = yield* worker
      const endProgram = yield* programEnd
      const end = (cause: Cause.Cause<GetJobsError>): Effect.Effect<unknown, never, RE> => {
        if (Cause.isInterruptedOnly(cause)) return Effect.void
        const log = quietly(Effect.logError(`the worker has ended: ${causeText(cause)}`))
        const endWith = (cause: Cause.Cause<unknown>) => Effect.sync(() => endProgram(Cause.flatMap(cause, Cause.die)))
        return Effect.zipRight(
          log,
          onEnd === undefined
            ? endWith(cause)
            : Effect.catchAllCause(
                Effect.suspend(() => onEnd(cause)),
                endWith
              )
        )
      }
      yield* Effect.forkScoped(Effect.interruptible(Effect.catchAllCause(failed, end)))
    })
  )

/**
 * Runs a worker until it is interrupted; see `make`. Under `NodeRuntime.runMain`, SIGTERM does that, and the process ends after
 * the grace at the latest.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Console, Effect, Schedule, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const program = Worker.run(emails, ({ to }) => Console.log(`to ${to}`), {
 *   concurrency: 8,
 *   retry: Schedule.exponential("1 second"),
 *   attempts: 5,
 *   onDeadLetter: (letter) => Effect.logError(`given up: ${letter.error}`)
 * })
 * ```
 */
export const run = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: JobInHand) => Effect.Effect<unknown, E, R>,
  options: WorkerOptions<A, E, RO> = {}
) => forever(make(queue, handler, options))

/** A worker as a layer: it works from when the layer is built until its scope closes; see `LayerOptions` for when it ends before. */
export const layer = <A, I, E, R, RQ, RO = never, RE = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: JobInHand) => Effect.Effect<unknown, E, R>,
  options: WorkerOptions<A, E, RO> & LayerOptions<RE> = {}
) => scoped(make(queue, handler, options), options)

/** Runs a worker for batches until it is interrupted; see `makeBatch`. */
export const batch = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (jobs: ReadonlyArray<BatchJob<A>>) => Effect.Effect<ReadonlyArray<Either.Either<unknown, E>>, E, R>,
  options: BatchOptions<A, E, RO> = {}
) => forever(makeBatch(queue, handler, options))

/** A worker for batches as a layer. */
export const layerBatch = <A, I, E, R, RQ, RO = never, RE = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (jobs: ReadonlyArray<BatchJob<A>>) => Effect.Effect<ReadonlyArray<Either.Either<unknown, E>>, E, R>,
  options: BatchOptions<A, E, RO> & LayerOptions<RE> = {}
) => scoped(makeBatch(queue, handler, options), options)
