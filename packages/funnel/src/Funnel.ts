/**
 * A funnel: a Stream of the jobs that come, and a Queue for the jobs that go.
 */
import {
  type AddJobError,
  type AddJobOptions,
  DisquePool,
  type GetJobsError,
  type InvalidArgument,
  type Job,
  type JobId,
  type JobQueue
} from "@disco/core"
import { toJson } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Chunk from "effect/Chunk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Queue from "effect/Queue"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Inbox, type SettleError } from "./incoming/inbox.js"
import { deliver, deliverGroups, type Hand, Later } from "./incoming/jobStream.js"
import type { LeasedJob, LeaseLost } from "./incoming/leasedJob.js"
import { squash, textOf } from "./internal/failure.js"
import { isSucceeded } from "./internal/isSucceeded.js"
import * as options from "./internal/options.js"
import { closeWithSiblings } from "./internal/siblings.js"
import { defaultSchedule, type FunnelClosed, Outbox, type Undelivered } from "./outgoing/outbox.js"
import { deadQueueOf } from "./worker/letter.js"
import { defaultLetterTtl, LetterSender } from "./worker/letterSender.js"

export { LeaseLost, type LeaseLostReason } from "./incoming/leasedJob.js"
export type { Queues } from "./internal/options.js"
export { FunnelClosed, type Undelivered } from "./outgoing/outbox.js"

/** What `incoming` can fail with: what no waiting mends. While the cluster cannot be reached, it waits. */
export type FunnelError = GetJobsError

/** What settling a job by hand can fail with. */
export type { SettleError } from "./incoming/inbox.js"

/** A job to be added. */
export interface OutgoingJob {
  readonly queue: string
  readonly body: string | Uint8Array
  readonly options?: AddJobOptions | undefined
}

/** A job that came through a funnel, and is in the hands of who took it. */
export interface FunnelJob extends Job.Job {
  /**
   * ACKJOB: the job is done, whatever becomes of its consumer. Does nothing to a job that is settled already. Fails with
   * `LeaseLost` where the job was perhaps delivered to others too, and acknowledges it all the same.
   */
  readonly ack: Effect.Effect<void, SettleError | LeaseLost>
  /**
   * NACK: puts the job back at once. Does nothing to a job that is settled already, or is delivered once (RETRY 0). Fails with
   * `LeaseLost` where others have the job, or will have it.
   */
  readonly nack: Effect.Effect<void, SettleError | LeaseLost>
  /** Ends once the lease is lost, and says why; never before. */
  readonly lost: Effect.Effect<LeaseLost>
  /** Runs an effect that is interrupted, and fails, when the lease is lost. */
  readonly guard: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | LeaseLost, R>
}

/** A job with its payload. */
export interface TypedJob<A> extends FunnelJob {
  readonly payload: A
}

/** A payload to be added. */
export interface OutgoingPayload<A> {
  readonly payload: A
  readonly options?: AddJobOptions | undefined
}

/** A funnel, for as long as its scope: `In` comes, and `Out` goes. */
export interface FunnelOf<In, Out, E> {
  /**
   * The jobs as they come. The stream may be run by several fibers at once: each job goes to one of them.
   *
   * A stream learns of its consumer only that it wants the next element, and that it ends. From that, this one settles each
   * job by itself:
   *
   * | consumer | a job is acknowledged | when the run fails or is interrupted, these go back |
   * |---|---|---|
   * | `runForEach`, `map`, `tap`, `mapEffect`, `take`, `merge`, `timeout`, … | when the next one is pulled, and the last when the stream ends well | the job in hand |
   * | `mapEffect`, `flatMap` with a concurrency, ordered or not (without `switch`) | when the fiber that works on it has ended well, and 16 more have or a second has passed; the rest when the stream ends well | what is in work or has failed, and of what was done within the last second 16 jobs at most |
   * | `buffer(n)`, `grouped(n)`, `groupedWithin(n)`, `aggregate`, `zip` (`n` is 1), … | with `ahead: 2 * n`: when so many more were pulled; the rest when the stream ends well | the jobs in hand, and those within `ahead` |
   *
   * So with the operators of the last row, `ahead` has to be given: they hold jobs that the stream cannot see, and without it a
   * job is acknowledged before it was handled. For groups there is `incomingGrouped`, which needs none. What may fail for a job
   * belongs into the operator with the concurrency: what comes after it has a second for each job. With `ahead`, jobs are counted
   * alone: the last of them wait for others.
   *
   * Settle by hand (`acknowledge: "manual"`) what hands jobs on to be handled elsewhere (`broadcast`, `toQueue`, a fiber of the
   * user's own), and what hides how a job ended: `flatMap` with `switch: true` would have jobs acknowledged that failed, or that
   * a later one cut off.
   *
   * When operators that pull in fibers of their own end early, jobs that were done last may go back too; they come again, as any
   * job may.
   *
   * Jobs that were fetched ahead go back when no run is left. `job.ack` and `job.nack` settle a job at once, and
   * `acknowledge: "manual"` leaves it all to them.
   */
  readonly incoming: Stream.Stream<In, FunnelError>
  /**
   * The jobs as they come in groups: `size` of them at most, and those that come `within` a time after the first. In place of
   * `Stream.groupedWithin`, whose buffer `incoming` cannot look into: here a group is what a job is there, acknowledged when the
   * next one is pulled, and put back when its consumer fails or is interrupted. With a concurrency, the 16 that may go back
   * though they were done are jobs, and may be a part of a group.
   */
  readonly incomingGrouped: (
    size: number,
    within: Duration.DurationInput
  ) => Stream.Stream<Chunk.NonEmptyChunk<In>, FunnelError>
  /**
   * Takes jobs to add; offering waits while it is full. What is offered before the scope closes is added before the close
   * ends. Offering to a funnel that is closed interrupts the fiber that offers, as queues in Effect do.
   */
  readonly outgoing: Queue.Enqueue<Out>
  /** ADDJOB by way of `outgoing`: gives the job's id, or what went wrong after all attempts. */
  readonly send: (job: Out) => Effect.Effect<JobId.JobId, E | FunnelClosed>
  /**
   * What was offered to `outgoing` and could not be added, after all attempts. While nobody reads, it goes to the log, at
   * error level, with its queue and its size: the first of a kind, and then how many there were, once a minute.
   */
  readonly undelivered: Stream.Stream<Undelivered<Out, E>>
}

/** A funnel of bytes. */
export interface Funnel extends FunnelOf<FunnelJob, OutgoingJob, AddJobError> {}

/** A funnel of payloads. */
export interface TypedFunnel<A>
  extends FunnelOf<TypedJob<A>, OutgoingPayload<A>, AddJobError | JobQueue.InvalidPayload> {}

/** The options of all funnels. */
export interface CommonOptions {
  /**
   * `auto`: the funnel acknowledges a job when its consumer is done with it. `manual`: only `ack` and `nack` settle a job, and
   * the close of the funnel puts back what is left.
   */
  readonly acknowledge?: "auto" | "manual" | undefined
  /** How jobs are acknowledged; by ACKJOB. FASTACK costs less, and gives more second deliveries when nodes fail. */
  readonly ackWith?: "ackjob" | "fastack" | undefined
  /**
   * How many jobs the operators after `incoming` may have pulled and not finished when they pull another one; none, and 16 once
   * several are seen to be in work at once, each for a second at most. See `incoming` for who needs it.
   */
  readonly ahead?: number | undefined
  /**
   * How many jobs are fetched ahead of those in the hands of consumers, kept under their leases; 16, and up to 256 where
   * consumers are faster than one GETJOB after another. With 0, a job is fetched only once a consumer waits for it.
   */
  readonly prefetch?: number | undefined
  /**
   * How long a job that was fetched ahead waits for a consumer; 10 seconds. Then it goes back, so that others may have it, and
   * no more are fetched ahead until consumers are faster than that.
   */
  readonly prefetchTimeToLive?: Duration.DurationInput | undefined
  /** The most jobs fetched by one GETJOB; `prefetch`, up to 128. */
  readonly fetchCount?: number | undefined
  /**
   * The longest that one GETJOB waits on its node; the `slice` of the pool. Closing waits for the one that is under way, for half of
   * `closeWithin` at most.
   */
  readonly fetchTimeout?: Duration.DurationInput | undefined
  /** How many GETJOBs wait on each node; 1. */
  readonly fetchers?: number | undefined
  /** How many offered jobs wait to be added; 256. */
  readonly outgoingCapacity?: number | undefined
  /** How many jobs are under way to the nodes at a time; 256. */
  readonly batch?: number | undefined
  /** How long a node may take to make the copies of a job that is added; 5 seconds. */
  readonly addTimeout?: Duration.DurationInput | undefined
  /** When adding a job is tried again, where that can help; for a minute, ever more seldom. */
  readonly addSchedule?: Schedule.Schedule<unknown, unknown> | undefined
  /** How outgoing jobs are added, unless told otherwise by the job. */
  readonly defaults?: AddJobOptions | undefined
  /**
   * The longest that the close may take; 10 seconds. What is not done by then is reported in the log. The time counts from the end
   * of the run of `incoming` that ends with the funnel, which waits for half of it at most.
   */
  readonly closeWithin?: Duration.DurationInput | undefined
}

/** The options of a funnel. */
export interface FunnelOptions extends CommonOptions {
  /** The queues to take jobs from: those named first before the others, or by weights as in `{ urgent: 3, normal: 1 }`. */
  readonly queues: options.Queues
}

const subject = "Funnel"

const defaultPrefetch = 16
const mostPrefetchByDefault = 256

const check = (given: CommonOptions, queues: options.Queues) =>
  Either.gen(function* () {
    const plan = yield* options.queues(subject, queues)
    const prefetch = yield* options.count(subject, "prefetch", given.prefetch ?? defaultPrefetch, 0)
    const mostPrefetch = given.prefetch ?? mostPrefetchByDefault
    return {
      plan,
      prefetch,
      mostPrefetch,
      prefetchMillis: yield* options.prefetchMillis(subject, given.prefetchTimeToLive),
      fetchCount: yield* options.count(
        subject,
        "fetchCount",
        given.fetchCount ?? Math.max(1, Math.min(128, mostPrefetch)),
        1
      ),
      ahead: given.ahead === undefined ? undefined : yield* options.count(subject, "ahead", given.ahead, 0),
      acknowledge: yield* options.word(subject, "acknowledge", given.acknowledge ?? "auto", ["auto", "manual"]),
      ackWith: yield* options.word(subject, "ackWith", given.ackWith ?? "ackjob", ["ackjob", "fastack"]),
      fetchTimeout:
        given.fetchTimeout === undefined
          ? undefined
          : yield* options.millis(subject, "fetchTimeout", given.fetchTimeout, 1),
      fetchers: yield* options.count(subject, "fetchers", given.fetchers ?? 1, 1),
      capacity: yield* options.count(subject, "outgoingCapacity", given.outgoingCapacity ?? 256, 1),
      batch: yield* options.count(subject, "batch", given.batch ?? 256, 1),
      closeMillis: yield* options.millis(subject, "closeWithin", given.closeWithin ?? "10 seconds", 0),
      schedule: given.addSchedule ?? defaultSchedule,
      addOptions: {
        ...(given.addTimeout === undefined
          ? {}
          : { timeout: yield* options.millis(subject, "addTimeout", given.addTimeout, 1) }),
        ...given.defaults
      }
    }
  })

const checkGroup = (size: number, within: Duration.DurationInput) =>
  Either.all({
    size: options.count("incomingGrouped", "size", size, 1),
    withinMillis: options.millis("incomingGrouped", "within", within, 0)
  })

type Checked = Either.Either.Right<ReturnType<typeof check>>

/** A job in the hands of a consumer. */
class Taken implements FunnelJob {
  readonly queue: string
  readonly id: JobId.JobId
  readonly body: Uint8Array
  readonly nacks: number
  readonly additionalDeliveries: number
  readonly node: string
  private readonly inbox: Inbox
  private readonly leased: LeasedJob

  constructor(inbox: Inbox, leased: LeasedJob) {
    const { job } = leased
    this.queue = job.queue
    this.id = job.id
    this.body = job.body
    this.nacks = job.nacks
    this.additionalDeliveries = job.additionalDeliveries
    this.node = job.node
    this.inbox = inbox
    this.leased = leased
  }

  /** As `JSON.stringify` shows it: the job, without the hands that it is in. */
  toJSON(): unknown {
    const { leased: _held, inbox: _inbox, ...job } = this
    return toJson(job)
  }

  get ack() {
    return this.inbox.acknowledge(this.leased)
  }

  get nack() {
    return this.inbox.putBack(this.leased)
  }

  get lost(): Effect.Effect<LeaseLost> {
    return Effect.async<LeaseLost>((resume) => {
      const unwatch = this.leased.watch((lost) => resume(Effect.succeed(lost)))
      return Effect.sync(unwatch)
    })
  }

  guard<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | LeaseLost, R> {
    return Effect.raceFirst(effect, Effect.flatMap(this.lost, Effect.fail))
  }
}

class TypedTaken<A> extends Taken implements TypedJob<A> {
  readonly payload: A

  constructor(inbox: Inbox, leased: LeasedJob, payload: A) {
    super(inbox, leased)
    this.payload = payload
  }
}

// So many turns of the scheduler an acknowledgement can be withdrawn: the failure of a consumer in another fiber needs some.
const ackTurns = 16

/** Opens both ends. */
const open = <In, Out, E extends AddJobError | JobQueue.InvalidPayload>(
  checked: Checked,
  ends: {
    readonly hand: (inbox: Inbox) => Hand<In>
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
    const inbox = yield* Inbox.make(pool, { ...checked, putBackWith: "nack", ackTurns })
    const outbox = yield* Outbox.make<Out, E>({
      ...checked,
      add: (job) => ends.add(pool, job),
      addAll: (jobs) => ends.addAll(pool, jobs),
      describe: ends.describe
    })
    const sender = yield* Effect.forkDaemon(outbox.run)

    // What was made later may offer jobs until it has closed itself, but needs none that come.
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

    const hand = ends.hand(inbox)
    const delivery = { settles: checked.acknowledge === "auto", ahead: checked.ahead }

    return {
      incoming: deliver(inbox, hand, delivery),
      incomingGrouped: (size, within) =>
        Either.match(checkGroup(size, within), {
          onLeft: Stream.fail,
          onRight: (group) => deliverGroups(inbox, hand, group, delivery)
        }),
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
 * When its scope closes, it fetches no more, adds what was offered, and puts back what was fetched and is not settled, all of
 * it before the close ends. Once a funnel or a worker of a scope closes, the others of that scope fetch no more either; what is
 * offered by handlers of workers that were made later is added all the same. At-most-once jobs (RETRY 0) cannot be put back: Disque delivers them once.
 *
 * Leases are kept: a job that is held for longer than a moment gets WORKING, and again at half of its retry time.
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
 */
export const make = (options: FunnelOptions): Effect.Effect<Funnel, InvalidArgument, DisquePool | Scope.Scope> =>
  Effect.flatMap(check(options, options.queues), (checked) => {
    const optionsOf = ({ options }: OutgoingJob) =>
      options === undefined ? checked.addOptions : { ...checked.addOptions, ...options }
    return open<FunnelJob, OutgoingJob, AddJobError>(checked, {
      hand: (inbox) => (leased) => new Taken(inbox, leased),
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
      hand: (inbox) => (leased) => {
        const opening = queue.open(leased.job)
        if (isSucceeded(opening)) return new TypedTaken(inbox, leased, opening.value.payload)
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
            onSuccess: ({ payload }) => Effect.succeedSome(new TypedTaken(inbox, leased, payload))
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
