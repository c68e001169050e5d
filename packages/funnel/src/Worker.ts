/**
 * A worker: a handler for the jobs of a queue, with retries, budgets, a dead-letter queue, and a shutdown that loses no job.
 *
 * @since 0.1.0
 */
import { DisquePool, type GetJobsError, type InvalidArgument, type JobQueue } from "@disco/core"
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
import { quietly } from "./internal/quietly.js"
import { programEnd } from "./internal/runtime.js"
import { closeWithSiblings } from "./internal/siblings.js"
import type { Attempt, JobInHand } from "./worker/attempt.js"
import { checkOptions, checkRetriesFit } from "./worker/checkedOptions.js"
import { GiveUp, type HandlerDied } from "./worker/errors.js"
import type { BatchOptions, LayerOptions, Reported, Tried, WorkerOptions } from "./worker/options.js"
import * as Running from "./worker/running.js"
import { RunningWorker } from "./worker/runningWorker.js"

// The loop of a worker. `RunningWorker` makes the parts, and `WorkerFibers` runs one `WorkerLoop` for each of `concurrency` fibers:
//
// 1. Take: `Inbox` fetches jobs and renews their leases; `RateLimiter` and `IdleFibers` say which fiber takes the next one.
// 2. Decode: `JobReader` makes an `Attempt` of a job, from the queue itself or from a letter of the retry queue.
// 3. Run: `WorkerLoop` runs the handler in a reset fiber, in a span if a tracer listens.
// 4. By the exit of the handler:
//    - success: `Inbox` acknowledges the job.
//    - failure: `FailureHandling` counts the attempt and asks the schedule. The job waits in `ParkedJobs` under its lease or in
//      `RetryQueue`, or `DeadLettering` gives it up.
//    - interruption, as the worker closes: `JobReturns` gives the job back.

export type { JobInHand } from "./worker/attempt.js"
export { GiveUp, HandlerDied } from "./worker/errors.js"
export type { Letter, Reason } from "./worker/letter.js"
export type {
  BatchOptions,
  Failure,
  LayerOptions,
  RateLimit,
  Reported,
  Tried,
  WorkerOptions
} from "./worker/options.js"
export type { Report, ReportingOptions } from "./worker/reporting.js"
export * as Reporting from "./worker/reporting.js"
export type { WorkerFigures } from "./worker/running.js"

/**
 * The job that a handler works on, in its context.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Console, Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * // Deep in the work, where the second argument of the handler does not reach.
 * const send = (to: string) =>
 *   Effect.flatMap(Worker.CurrentJob, ({ attempt, job }) => Console.log(`to ${to}: job ${job.id}, attempt ${attempt}`))
 *
 * const program = Worker.run(emails, ({ to }) => send(to))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class CurrentJob extends Context.Tag("@disco/funnel/CurrentJob")<CurrentJob, JobInHand>() {}

/**
 * Gives a job up: if its handler fails with this, the job is not tried again, whatever `retry`, `retryable` and `attempts` say.
 * The job goes to the queue `<name>.dead` at once; its letter and `onFailure` have the error.
 *
 * The result is an effect that fails (`yield* Worker.giveUp(error)`), and an error to fail with (`Effect.fail(Worker.giveUp(error))`).
 * A handler may also throw it. See `retryable` to decide by the errors that a handler has anyway.
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
 *
 * @since 0.1.0
 * @category constructors
 */
export const giveUp = <const E>(error: E): GiveUp<E> => new GiveUp({ error }) as GiveUp<E>

/**
 * A worker, for as long as its scope.
 *
 * @since 0.1.0
 * @category models
 */
export interface Worker {
  /**
   * Takes no more jobs until `resume`; handlers go on. Jobs that were fetched ahead go back by ENQUEUE, and jobs that wait here for
   * their next attempt go to the queue `<name>.retry`. The effect waits for that for at most `closeWithin`; then it goes on in the
   * background.
   *
   * @see {@link make}
   */
  readonly pause: Effect.Effect<void>
  /**
   * Takes jobs again.
   *
   * @see {@link make}
   */
  readonly resume: Effect.Effect<void>
  /**
   * Fails if no node lets the worker fetch, for a reason that waiting does not mend: a wrong password, for example. Dies if the
   * worker cannot go on for a fault of its own.
   *
   * @see {@link make}
   */
  readonly failed: Effect.Effect<never, GetJobsError>
}

/**
 * A job of a batch.
 *
 * @since 0.1.0
 * @category models
 */
export interface BatchJob<A> extends JobInHand {
  readonly payload: A
}

const defaultRetry: Schedule.Schedule<unknown> = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("10 minutes"))
)

/** A handler of one job or of a batch. `B` is its result. */
interface Handler<A, E, R, B> {
  readonly handle: (attempts: ReadonlyArray<Attempt<A>>) => Effect.Effect<B, E, R>
  /** What the result says of the job at this place of the batch. */
  readonly exitOf: (result: B, place: number) => Exit.Exit<unknown, E>
}

const makeWith = <A, I, E, R, RQ, RO, B>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  { exitOf, handle }: Handler<A, E, R | CurrentJob, B>,
  given: BatchOptions<A, E, RO>
): Effect.Effect<Worker, InvalidArgument, DisquePool | Scope.Scope | Exclude<R, CurrentJob> | RQ | RO> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const options = yield* checkOptions(given, queue.addOptions().ttl)
      // Handlers do not get the scope and the span in which the worker is made.
      type Services = Exclude<R, CurrentJob> | RQ | RO
      const context = Context.omit(
        Tracer.ParentSpan,
        Scope.Scope
      )(
        (yield* Effect.context<Services>()) as Context.Context<Services | Tracer.ParentSpan | Scope.Scope>
      ) as Context.Context<Services>
      const schedule = Schedule.provideContext(given.retry ?? defaultRetry, context)
      yield* restore(checkRetriesFit(schedule, options))
      const { onDeadLetter, onFailure, retryable } = given
      // The fibers of the worker have the services already, so that they need not be provided for each job.
      const provided = <C, E2>(effect: Effect.Effect<C, E2, R | RQ | RO | CurrentJob>) => effect as Effect.Effect<C, E2>
      const worker = yield* RunningWorker.make<A, E, B>(yield* DisquePool, {
        ...options,
        queue: queue.name,
        // The schedule and `retryable` are not asked about a `GiveUp`, and the hooks are given its error.
        schedule: schedule as Schedule.Schedule<unknown, E | HandlerDied>,
        isRetryable: (error) => retryable?.(error as Tried<E>) ?? true,
        contextOf: (attempts) => {
          const [attempt] = attempts
          return attempt === undefined || options.batchSize > 1
            ? context
            : Context.add(context, CurrentJob, attempt.inHand)
        },
        decode: (job) => provided(queue.open(job)),
        handle: (attempts) => provided(handle(attempts)),
        exitOf,
        onFailure: ({ againMillis, error, ...failure }) =>
          onFailure === undefined
            ? Effect.void
            : provided(
                onFailure(
                  withJson({
                    ...failure,
                    error: error as Reported<E> | HandlerDied,
                    again: againMillis === undefined ? undefined : Duration.millis(againMillis)
                  })
                )
              ),
        onDeadLetter: (letter) => (onDeadLetter === undefined ? Effect.void : provided(onDeadLetter(letter)))
      })
      yield* closeWithSiblings(
        Effect.asVoid(worker.closing),
        Effect.flatMap(worker.closing, (closing) => Effect.asVoid(Fiber.await(closing)))
      )
      return {
        pause: worker.pause,
        resume: worker.resume,
        failed: worker.failed,
        toJSON: () => ({ _id: "Worker", queue: queue.name })
      }
    })
  )

/**
 * Makes a worker over the pool, for as long as the scope.
 *
 * The handler is called for each job, by one of `concurrency` fibers that live as long as the worker. If it succeeds, the job is
 * acknowledged; if it fails, dies or interrupts itself, the job is tried again as `retry` says, and goes to the queue `<name>.dead`
 * when `attempts` are used up. A job whose body does not fit the schema goes there at once. Fibers that a handler forks end with it.
 * While it runs, the lease of its job is renewed by WORKING; if the lease is lost all the same, the handler is interrupted.
 *
 * Jobs are delivered at least once: a handler has to work correctly if it sees a job twice.
 *
 * When the scope closes, no more jobs are taken, and those fetched ahead go back by ENQUEUE. Handlers have the `grace` to end; then
 * they are interrupted, and their jobs go back too. All workers of a scope begin to close when the first of them does. Under
 * `TestClock`, nobody moves the clock through the grace: `DiscoTest` of `@disco/testing` does. Neither NACK nor ENQUEUE brings
 * back an at-most-once job (RETRY 0): one that did not begin is added again, and one whose handler was interrupted is not.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Console, Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * // No mails are sent for the first hour.
 * const program = Effect.gen(function* () {
 *   const worker = yield* Worker.make(emails, ({ to }) => Console.log(`to ${to}`))
 *   yield* worker.pause
 *   yield* Effect.sleep("1 hour")
 *   yield* worker.resume
 *   return yield* worker.failed
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: JobInHand) => Effect.Effect<unknown, E, R>,
  options: WorkerOptions<A, E, RO> = {}
): Effect.Effect<Worker, InvalidArgument, DisquePool | Scope.Scope | Exclude<R, CurrentJob> | RQ | RO> =>
  makeWith(
    queue,
    {
      handle: ([attempt]): Effect.Effect<unknown, E, R> =>
        attempt === undefined ? Effect.void : handler(attempt.payload, attempt.inHand),
      exitOf: () => Exit.void
    },
    { ...options, size: 1 }
  )

/**
 * Makes a worker whose handler takes several jobs at a time, and gives a result for each, in their order: `Either.right` for a job
 * that is done, `Either.left` for one that failed. If the handler itself fails, all its jobs have failed.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Effect, Either, Schema } from "effect"
 *
 * const Visit = Schema.Struct({ page: Schema.String })
 * const visits = JobQueue.make("visits", { payload: Visit })
 *
 * // One statement for up to 500 rows; a row that cannot be stored is tried again by itself.
 * const store = (jobs: ReadonlyArray<Worker.BatchJob<typeof Visit.Type>>) =>
 *   Effect.succeed(jobs.map(({ payload }) => (payload.page === "" ? Either.left("no page") : Either.right(payload))))
 *
 * const options = { size: 500, within: "1 second" } as const
 *
 * // For as long as a scope, until it is interrupted, and as a layer.
 * const scoped = Worker.makeBatch(visits, store, options)
 * const program = Worker.runBatch(visits, store, options)
 * const Visits = Worker.layerBatch(visits, store, options)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeBatch = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (jobs: ReadonlyArray<BatchJob<A>>) => Effect.Effect<ReadonlyArray<Either.Either<unknown, E>>, E, R>,
  options: BatchOptions<A, E, RO> = {}
): Effect.Effect<Worker, InvalidArgument, DisquePool | Scope.Scope | R | RQ | RO> =>
  makeWith(
    queue,
    {
      handle: (attempts) =>
        Effect.map(handler(attempts.map(({ inHand, payload }) => withJson({ ...inHand, payload }))), (results) =>
          isArray(results) ? results.map(exitOfResult) : []
        ),
      exitOf: (exits, place) => exits[place] ?? noResult
    },
    { size: 10, ...options }
  )

// A handler may be written in JavaScript.
const isArray = (results: unknown): boolean => Array.isArray(results)

const noResult = Exit.die(new Error("the handler gave no result for this job"))

const exitOfResult = <E>(result: Either.Either<unknown, E>): Exit.Exit<unknown, E> => {
  const isEither: boolean = Either.isEither(result)
  if (!isEither) return noResult
  return Either.isRight(result) ? Exit.void : Exit.fail(result.left)
}

const forever = <R>(
  worker: Effect.Effect<Worker, InvalidArgument, R>
): Effect.Effect<never, InvalidArgument | GetJobsError, Exclude<R, Scope.Scope>> =>
  Effect.scoped(Effect.flatMap(worker, ({ failed }) => failed))

// A worker fails long after its layer was built, so that the layer cannot fail with the reason.
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
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: JobInHand) => Effect.Effect<unknown, E, R>,
  options: WorkerOptions<A, E, RO> = {}
) => forever(make(queue, handler, options))

/**
 * A worker as a layer: it works from when the layer is built until its scope closes; see `LayerOptions` for when it ends before.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { NodeDisque } from "@disco/node"
 * import { NodeRuntime } from "@effect/platform-node"
 * import { Console, Layer, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 * const photos = JobQueue.make("photos", { payload: Schema.Struct({ file: Schema.String }) })
 *
 * const Workers = Layer.merge(
 *   Worker.layer(emails, ({ to }) => Console.log(`to ${to}`), { concurrency: 8 }),
 *   Worker.layer(photos, ({ file }) => Console.log(`the photo ${file}`))
 * )
 *
 * NodeRuntime.runMain(Layer.launch(Layer.provide(Workers, NodeDisque.layerPoolConfig())))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <A, I, E, R, RQ, RO = never, RE = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: JobInHand) => Effect.Effect<unknown, E, R>,
  options: WorkerOptions<A, E, RO> & LayerOptions<RE> = {}
) => scoped(make(queue, handler, options), options)

/**
 * Runs a worker for batches until it is interrupted; see `makeBatch`.
 *
 * @see {@link makeBatch}
 * @since 0.1.0
 * @category running
 */
export const runBatch = <A, I, E, R, RQ, RO = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (jobs: ReadonlyArray<BatchJob<A>>) => Effect.Effect<ReadonlyArray<Either.Either<unknown, E>>, E, R>,
  options: BatchOptions<A, E, RO> = {}
) => forever(makeBatch(queue, handler, options))

/**
 * A worker for batches as a layer.
 *
 * @see {@link makeBatch}
 * @since 0.1.0
 * @category layers
 */
export const layerBatch = <A, I, E, R, RQ, RO = never, RE = never>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (jobs: ReadonlyArray<BatchJob<A>>) => Effect.Effect<ReadonlyArray<Either.Either<unknown, E>>, E, R>,
  options: BatchOptions<A, E, RO> & LayerOptions<RE> = {}
) => scoped(makeBatch(queue, handler, options), options)

/**
 * What the workers of this process are doing, over whatever pool.
 *
 * @example
 * ```ts
 * import { Worker } from "@disco/funnel"
 * import { Effect } from "effect"
 *
 * const figures = Effect.map(Worker.running, (workers) =>
 *   workers.map(({ busy, concurrency, queue }) => `${queue}: ${busy} of ${concurrency} handlers are busy`)
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const running: Effect.Effect<ReadonlyArray<Running.WorkerFigures>> = Running.running
