/**
 * A funnel: a Stream of the jobs that come, and a Queue for the jobs that go.
 *
 * @since 0.1.0
 */
import {
  type AddJobError,
  type AddJobOptions,
  DisquePool,
  type GetJobsError,
  type InvalidArgument,
  type JobId,
  type JobQueue
} from "@disco/core"
import { deadQueueOf } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Chunk from "effect/Chunk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type FunnelJob, TakenJob, TakenTypedJob, type TypedJob } from "./funnel/funnelJob.js"
import {
  type Checked,
  type CommonOptions,
  check,
  checkConcurrency,
  checkGroup,
  type FunnelOptions
} from "./funnel/options.js"
import { forEach } from "./incoming/forEach.js"
import { Inbox } from "./incoming/inbox.js"
import { groupStream, jobStream } from "./incoming/jobStream.js"
import { Later, type MakeJob } from "./incoming/makeJob.js"
import { squash, textOf } from "./internal/failure.js"
import { isSucceeded } from "./internal/isSucceeded.js"
import { closeWithSiblings } from "./internal/siblings.js"
import { type FunnelClosed, Outbox, type Undelivered } from "./outgoing/outbox.js"
import { defaultLetterTtl, LetterSender } from "./worker/letterSender.js"

export type { FunnelJob, TypedJob } from "./funnel/funnelJob.js"
export type { CommonOptions, FunnelOptions } from "./funnel/options.js"
export { LeaseLost, type LeaseLostReason } from "./incoming/leasedJob.js"
export type { Queues } from "./internal/options.js"
export { FunnelClosed, type Undelivered } from "./outgoing/outbox.js"

/**
 * Why `incoming` fails: for a reason that waiting does not mend. While the cluster cannot be reached, `incoming` waits.
 *
 * @since 0.1.0
 * @category errors
 */
export type FunnelError = GetJobsError

/** Why a job could not be settled by hand. */
export type { SettleError } from "./incoming/inbox.js"

/**
 * A job to be added.
 *
 * @since 0.1.0
 * @category models
 */
export interface OutgoingJob {
  readonly queue: string
  readonly body: string | Uint8Array
  readonly options?: AddJobOptions | undefined
}

/**
 * A payload to be added.
 *
 * @since 0.1.0
 * @category models
 */
export interface OutgoingPayload<A> {
  readonly payload: A
  readonly options?: AddJobOptions | undefined
}

/**
 * A funnel, for as long as its scope. `In` is what comes in, and `Out` what goes out.
 *
 * @since 0.1.0
 * @category models
 */
export interface FunnelOf<In, Out, E> {
  /**
   * The jobs as they come. Several fibers may run the stream at once: each job goes to one of them.
   *
   * A stream learns two things only: that its consumer wants the next element, and that the consumer ends. From these, `incoming`
   * settles each job by itself:
   *
   * | consumer | a job is acknowledged | when the run fails or is interrupted, these go back |
   * |---|---|---|
   * | `runForEach`, `map`, `tap`, `mapEffect`, `take`, `merge`, `timeout`, … | when the next one is pulled, and the last when the stream ends well | the job in hand |
   * | `mapEffect`, `flatMap` with a concurrency, ordered or not (without `switch`) | when the fiber that works on it has ended well, and 16 more have or a second has passed; the rest when the stream ends well | what is in work or has failed, and of what was done within the last second 16 jobs at most |
   * | `buffer(n)`, `grouped(n)`, `groupedWithin(n)`, `aggregate`, `zip` (`n` is 1), … | with `ahead: 2 * n`: when so many more were pulled; the rest when the stream ends well | the jobs in hand, and those within `ahead` |
   *
   * The operators of the last row hold jobs that the stream cannot see. They need the option `ahead`: without it, a job is acknowledged
   * before it was handled. For groups there is `incomingGrouped`, which needs no `ahead`. Work that may fail for a job belongs into the
   * operator with the concurrency, because the operators after it have a second for each job. With `ahead`, only jobs count and no time,
   * so that the last jobs wait for others.
   *
   * Settle jobs by hand (`acknowledge: "manual"`) if an operator passes them on to be handled elsewhere (`broadcast`, `toQueue`, a fiber
   * of your own), or hides how a job ended: with `flatMap` and `switch: true`, jobs would be acknowledged that failed or were cut off by
   * a later job.
   *
   * When operators that pull in fibers of their own end early, the jobs that were done last may go back too. They are delivered again,
   * as may happen to any job.
   *
   * Jobs that were fetched ahead go back when no run is left. `job.ack` and `job.nack` settle a job at once, and
   * `acknowledge: "manual"` leaves it all to them.
   *
   * @see {@link make}
   */
  readonly incoming: Stream.Stream<In, FunnelError>
  /**
   * The jobs in groups: a group has `size` jobs at most, and ends when the time `within` has passed since its first job. This takes the
   * place of `Stream.groupedWithin`, whose buffer `incoming` cannot see. A group is settled as `incoming` settles a job: acknowledged when
   * the next group is pulled, and put back when its consumer fails or is interrupted. With a concurrency, the last 16 jobs may go back
   * though they were done, and these may be a part of a group.
   *
   * @example
   * ```ts
   * import { Job } from "@disco/core"
   * import { Funnel } from "@disco/funnel"
   * import { Chunk, Console, Effect, Stream } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const funnel = yield* Funnel.make({ queues: "visits" })
   *   yield* Stream.runForEach(funnel.incomingGrouped(100, "1 second"), (jobs) =>
   *     Console.log(Chunk.toReadonlyArray(Chunk.map(jobs, Job.text)).join(", "))
   *   )
   * }).pipe(Effect.scoped)
   * ```
   */
  readonly incomingGrouped: (
    size: number,
    within: Duration.DurationInput
  ) => Stream.Stream<Chunk.NonEmptyChunk<In>, FunnelError>
  /**
   * Runs a handler for each job, up to `concurrency` handlers at a time (1), and settles each job by the exit of its handler. This is the
   * way to consume concurrently: the exit says for certain whether a job is done, and no job waits for others.
   *
   * | the handler | its job |
   * |---|---|
   * | succeeds | is acknowledged |
   * | fails, dies or interrupts itself | goes back at once (NACK), which the log says at warning level; the other handlers go on, and so does the run |
   * | is interrupted, as the run is or the funnel closes | goes back at once |
   *
   * A job that goes back comes again at once, to this funnel or another, and `job.nacks` counts how often. For pauses between
   * attempts, a limit to them and a dead-letter queue, there is `Worker`. With `acknowledge: "manual"`, handlers settle their
   * jobs by `job.ack` and `job.nack`, whatever their exit is.
   *
   * The run ends when the funnel closes, or at once if it is closed already. The run fails for the reasons for which `incoming` fails,
   * once the handlers under way have ended. When the run is interrupted, or the funnel closes, handlers are interrupted, and jobs that
   * were fetched ahead go back; the close waits for handlers for half of `closeWithin` at most. While a handler runs, the lease of its
   * job is renewed. If the lease is lost all the same, the handler goes on, unless it uses `job.lost` or `job.guard`. Fibers that a
   * handler forks end with it. Several runs, and runs of `incoming`, share the jobs: each job goes to one run.
   *
   * @example
   * ```ts
   * import { Job } from "@disco/core"
   * import { Funnel } from "@disco/funnel"
   * import { Console, Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const funnel = yield* Funnel.make({ queues: ["urgent", "emails"] })
   *   yield* funnel.forEach((job) => Console.log(Job.text(job)), { concurrency: 8 })
   * }).pipe(Effect.scoped)
   * ```
   */
  readonly forEach: <E2, R>(
    handler: (job: In) => Effect.Effect<unknown, E2, R>,
    options?: { readonly concurrency?: number | undefined }
  ) => Effect.Effect<void, FunnelError, R>
  /**
   * Takes jobs to add. An offer waits while this queue is full. Jobs that are offered before the scope closes are added before the close
   * ends. An offer to a closed funnel interrupts the fiber that offers, as with any closed queue of Effect.
   *
   * @see {@link make}
   */
  readonly outgoing: Queue.Enqueue<Out>
  /**
   * ADDJOB by way of `outgoing`. Gives the id of the job, or fails with the last error after all attempts.
   *
   * @see {@link forQueue}
   */
  readonly send: (job: Out) => Effect.Effect<JobId.JobId, E | FunnelClosed>
  /**
   * The jobs that were offered to `outgoing` and could not be added, after all attempts. While nobody reads this stream, such a job is
   * logged at error level, with its queue and its size: the first of each kind, and then a count once a minute.
   *
   * @example
   * ```ts
   * import { Funnel } from "@disco/funnel"
   * import { Effect, Queue, Stream } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const funnel = yield* Funnel.make({ queues: "greetings" })
   *   // What cannot be added is put where it is not lost.
   *   yield* Effect.forkScoped(
   *     Stream.runForEach(funnel.undelivered, ({ error, job }) => Effect.logError(`${job.queue}: ${error.message}`))
   *   )
   *   yield* Queue.offerAll(
   *     funnel.outgoing,
   *     ["hello", "good bye"].map((body) => ({ queue: "greetings", body }))
   *   )
   * }).pipe(Effect.scoped)
   * ```
   */
  readonly undelivered: Stream.Stream<Undelivered<Out, E>>
}

/**
 * A funnel of bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Funnel extends FunnelOf<FunnelJob, OutgoingJob, AddJobError> {}

/**
 * A funnel of payloads.
 *
 * @since 0.1.0
 * @category models
 */
export interface TypedFunnel<A>
  extends FunnelOf<TypedJob<A>, OutgoingPayload<A>, AddJobError | JobQueue.InvalidPayload> {}

// For this many turns of the scheduler, an acknowledgement can be withdrawn: the failure of a consumer in another fiber arrives late.
const ackTurns = 16

/** Opens both ends. */
const open = <In, Out, E extends AddJobError | JobQueue.InvalidPayload>(
  checked: Checked,
  ends: {
    readonly makeJob: (inbox: Inbox) => MakeJob<In>
    readonly add: (pool: DisquePool.Service, job: Out) => Effect.Effect<JobId.JobId, E>
    readonly addAll: (
      pool: DisquePool.Service,
      jobs: ReadonlyArray<Out>
    ) => Effect.Effect<ReadonlyArray<Either.Either<JobId.JobId, E>>>
    readonly describe: (job: Out) => { readonly queue: string; readonly bytes?: number }
  }
): Effect.Effect<FunnelOf<In, Out, E>, never, DisquePool | Scope.Scope> =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const inbox = yield* Inbox.make(pool, { ...checked, ackTurns })
    const outbox = yield* Outbox.make<Out, E>({
      ...checked,
      add: (job) => ends.add(pool, job),
      addAll: (jobs) => ends.addAll(pool, jobs),
      describe: ends.describe
    })
    const sender = yield* Effect.forkDaemon(outbox.run)

    // Users of this funnel that were made later may offer jobs until they have closed, but take no more.
    yield* closeWithSiblings(
      Effect.sync(() => inbox.fork(inbox.pause)),
      Effect.suspend(() =>
        inbox.patience.wait(
          Effect.all([Effect.zipRight(outbox.close, Fiber.await(sender)), inbox.close], {
            concurrency: "unbounded",
            discard: true
          })
        )
      ).pipe(
        Effect.flatMap((isDone) => {
          if (isDone) return Effect.void
          const what = `${inbox.size} jobs are not settled and come back after their retry time, ${outbox.size} are not added`
          return Effect.logError(`the funnel could not close in time: ${what}`).pipe(
            Effect.zipRight(outbox.abandon),
            // The outbox may have been too full to be told that it ends.
            Effect.zipRight(Effect.forkDaemon(outbox.close)),
            Effect.zipRight(inbox.end)
          )
        })
      )
    )

    const makeJob = ends.makeJob(inbox)
    const delivery = { settles: checked.acknowledge === "auto", ahead: checked.ahead }

    return {
      incoming: jobStream(inbox, makeJob, delivery),
      incomingGrouped: (size, within) =>
        Either.match(checkGroup(size, within), {
          onLeft: Stream.fail,
          onRight: (group) => groupStream(inbox, makeJob, group, delivery)
        }),
      forEach: (handler, options) =>
        Effect.flatMap(checkConcurrency(options), (concurrency) =>
          forEach(inbox, makeJob, handler, { concurrency, settles: delivery.settles })
        ),
      outgoing: outbox.queue,
      send: (job) => outbox.send(job),
      undelivered: outbox.undelivered,
      toJSON: () => ({ _id: "Funnel", queues: [...new Set(checked.plan.from)] })
    }
  })

const encoder = new TextEncoder()

const addJobs = (
  pool: DisquePool.Service,
  jobs: Parameters<DisquePool.Service["addJobs"]>[0]
): Effect.Effect<ReadonlyArray<Either.Either<JobId.JobId, AddJobError>>> =>
  Effect.catchAll(pool.addJobs(jobs), (error) => Effect.succeed(jobs.map(() => Either.left(error))))

/**
 * Opens a funnel over the pool.
 *
 * When its scope closes, the funnel fetches no more jobs, adds the jobs that were offered, and puts back the jobs that were fetched and
 * are not settled, all before the close ends. Once a funnel or a worker of a scope closes, the others of that scope fetch no more
 * either. Jobs that handlers of later workers offer meanwhile are added all the same. At-most-once jobs (RETRY 0) cannot be put back:
 * Disque delivers them once.
 *
 * Leases are renewed by WORKING: a moment after a job has arrived, and then after each half of its retry time.
 *
 * @example
 * ```ts
 * import { Job } from "@disco/core"
 * import { Funnel } from "@disco/funnel"
 * import { Console, Effect, Queue, Stream } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const funnel = yield* Funnel.make({ queues: "greetings" })
 *   yield* Queue.offer(funnel.outgoing, { queue: "greetings", body: "hello" })
 *   yield* funnel.incoming.pipe(
 *     Stream.take(1),
 *     Stream.runForEach((job) => Console.log(Job.text(job)))
 *   )
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: FunnelOptions): Effect.Effect<Funnel, InvalidArgument, DisquePool | Scope.Scope> =>
  Effect.flatMap(check(options), (checked) => {
    const optionsOf = ({ options }: OutgoingJob) =>
      options === undefined ? checked.addOptions : { ...checked.addOptions, ...options }
    return open<FunnelJob, OutgoingJob, AddJobError>(checked, {
      makeJob: (inbox) => (leased) => new TakenJob(inbox, leased),
      add: (pool, job) => pool.addJob(job.queue, job.body, optionsOf(job)),
      addAll: (pool, jobs) =>
        addJobs(
          pool,
          jobs.map((job) => ({ queue: job.queue, body: job.body, options: optionsOf(job) }))
        ),
      describe: ({ body, queue }) => ({
        queue,
        bytes: typeof body === "string" ? encoder.encode(body).length : body.length
      })
    })
  })

/**
 * Opens a funnel for a queue whose jobs have a type: payloads come, and payloads go.
 *
 * A job whose body does not fit the schema goes to the queue `<name>.dead` with the reason, where `DeadLetter` finds it.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Funnel } from "@disco/funnel"
 * import { Console, Effect, Schema, Stream } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const program = Effect.gen(function* () {
 *   const funnel = yield* Funnel.forQueue(emails)
 *   const id = yield* funnel.send({ payload: { to: "ada@example.com" }, options: { delay: "1 minute" } })
 *   yield* Console.log(`added ${id}`)
 *   yield* Stream.runForEach(funnel.incoming, (job) => Console.log(job.payload.to))
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const forQueue = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  options: CommonOptions = {}
): Effect.Effect<TypedFunnel<A>, InvalidArgument, DisquePool | Scope.Scope | R> =>
  Effect.gen(function* () {
    const checked = yield* check(options, queue.name)
    const context = yield* Effect.context<R>()
    const pool = yield* DisquePool
    return yield* open<TypedJob<A>, OutgoingPayload<A>, AddJobError | JobQueue.InvalidPayload>(checked, {
      makeJob: (inbox) => (leased) => {
        const opening = queue.open(leased.job)
        if (isSucceeded(opening)) return new TakenTypedJob(inbox, leased, opening.value.payload)
        return new Later(
          Effect.matchCauseEffect(Effect.provide(opening, context), {
            onFailure: (cause) => {
              if (Cause.isInterruptedOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
              const error = textOf(squash(cause))
              const contents = { earlier: undefined, attempts: 0, crashes: 0, firstAt: inbox.timeOfDay(), error }
              const dead = deadQueueOf(queue.name)
              const letters = new LetterSender(pool, inbox)
              const sent = letters.sendDeadLetter(leased, contents, "undecodable", dead, defaultLetterTtl)
              return Effect.as(sent, Option.none())
            },
            onSuccess: ({ payload }) => Effect.succeedSome(new TakenTypedJob(inbox, leased, payload))
          })
        )
      },
      add: (pool, { options, payload }) =>
        Effect.provide(queue.add(pool, payload, { ...checked.addOptions, ...options }), context),
      addAll: (pool, jobs) =>
        Effect.provide(
          Effect.flatMap(
            Effect.forEach(jobs, ({ payload }) => Effect.either(queue.encode(payload))),
            (bodies) => {
              const encoded = bodies.flatMap((body, i) =>
                Either.isLeft(body)
                  ? []
                  : [
                      {
                        queue: queue.name,
                        body: body.right,
                        options: queue.addOptions({ ...checked.addOptions, ...jobs[i]?.options })
                      }
                    ]
              )
              return Effect.map(addJobs(pool, encoded), (results) => {
                let next = 0
                return bodies.map((body) =>
                  Either.isLeft(body) ? Either.left(body.left) : (results[next++] as (typeof results)[number])
                )
              })
            }
          ),
          context
        ),
      describe: () => ({ queue: queue.name })
    })
  })
