/**
 * A funnel: a Stream of the jobs that come, and a Queue for the jobs that go.
 */
import { type AddJobOptions, DisquePool, type GetJobsError, InvalidArgument, type Job } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Queue from "effect/Queue"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Held, Inbox, type SettleError } from "./internal/inbox.js"
import { Outbox, type OutgoingJob } from "./internal/outbox.js"

export type { OutgoingJob } from "./internal/outbox.js"

/** What `incoming` can fail with: what no waiting mends. While the cluster cannot be reached, it waits. */
export type FunnelError = GetJobsError

/** What settling a job by hand can fail with. */
export type { SettleError } from "./internal/inbox.js"

/** A job that came through a funnel. */
export interface FunnelJob extends Job.Job {
  /** ACKJOB: the job is done, whatever becomes of its consumer. Does nothing to a job that is settled already. */
  readonly ack: Effect.Effect<void, SettleError>
  /** NACK: puts the job back at once. Does nothing to a job that is settled already. */
  readonly nack: Effect.Effect<void, SettleError>
}

/** A funnel, for as long as its scope. */
export interface Funnel {
  /**
   * The jobs as they come. The stream may be run by several fibres at once: each job goes to one of them.
   *
   * A job is acknowledged when its consumer pulls the next one, or ends the stream successfully. A consumer that fails or is
   * interrupted puts back the job that it holds. Operators that pull ahead of the work (`mapEffect` with a concurrency, `buffer`,
   * `groupedWithin`) need `acknowledge: "manual"`, or run the stream several times instead.
   */
  readonly incoming: Stream.Stream<FunnelJob, FunnelError>
  /**
   * Takes jobs to add; offering waits while it is full. What is offered before the scope closes is added before the close
   * ends. Offering to a funnel that is closed interrupts the fibre that offers, as queues in Effect do.
   */
  readonly outgoing: Queue.Enqueue<OutgoingJob>
}

/** The options of a funnel. */
export interface FunnelOptions {
  /** The queues to take jobs from, those named first before the others. */
  readonly queues: string | ReadonlyArray<string>
  /**
   * `auto`: the funnel acknowledges a job when its consumer is done with it. `manual`: only `ack` and `nack` settle a job, and
   * the close of the funnel puts back what is left.
   */
  readonly acknowledge?: "auto" | "manual" | undefined
  /** The most jobs fetched by one GETJOB; 64. No more are fetched than consumers wait for. */
  readonly fetchCount?: number | undefined
  /** How many offered jobs wait to be added; 256. */
  readonly outgoingCapacity?: number | undefined
  /** The most jobs that are added at a time; 64. */
  readonly batch?: number | undefined
  /** How outgoing jobs are added, unless told otherwise by the job. */
  readonly defaults?: AddJobOptions | undefined
  /** The longest that the close may take; 10 seconds. What is not done by then is reported in the log. */
  readonly closeWithin?: Duration.DurationInput | undefined
}

const wholeNumber = (argument: string, value: number): Effect.Effect<number, InvalidArgument> =>
  Number.isInteger(value) && value >= 1
    ? Effect.succeed(value)
    : Effect.fail(
        new InvalidArgument({
          subject: "Funnel",
          argument,
          value: String(value),
          expected: "a whole number, 1 or more"
        })
      )

const queueNames = (queues: string | ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, InvalidArgument> => {
  const names = typeof queues === "string" ? [queues] : queues
  return names.length > 0 && names.every((name) => name.length > 0)
    ? Effect.succeed(names)
    : Effect.fail(
        new InvalidArgument({
          subject: "Funnel",
          argument: "queues",
          value: JSON.stringify(names),
          expected: "the names of one or more queues, at least one character each"
        })
      )
}

const closeDuration = (input: Duration.DurationInput): Effect.Effect<Duration.Duration, InvalidArgument> =>
  Option.match(Duration.decodeUnknown(input), {
    onNone: () =>
      Effect.fail(
        new InvalidArgument({
          subject: "Funnel",
          argument: "closeWithin",
          value: String(input),
          expected: "a duration"
        })
      ),
    onSome: Effect.succeed
  })

/**
 * Opens a funnel over the pool.
 *
 * When its scope closes, it fetches no more, adds what was offered, and puts back what was fetched and is not settled, all of
 * it before the close ends. At-most-once jobs (RETRY 0) cannot be put back: Disque delivers them once.
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
  Effect.gen(function* () {
    const queues = yield* queueNames(options.queues)
    const fetchCount = yield* wholeNumber("fetchCount", options.fetchCount ?? 64)
    const capacity = yield* wholeNumber("outgoingCapacity", options.outgoingCapacity ?? 256)
    const batch = yield* wholeNumber("batch", options.batch ?? 64)
    const closeWithin = yield* closeDuration(options.closeWithin ?? "10 seconds")

    const pool = yield* DisquePool
    const runtime = yield* Effect.runtime<never>()
    const inbox = new Inbox(pool, queues, fetchCount, (effect) => {
      Runtime.runFork(runtime, effect)
    })
    const outbox = new Outbox(pool, yield* Outbox.makeQueue(capacity), batch, options.defaults)
    const sender = yield* Effect.forkDaemon(outbox.run)
    const fetcher = yield* Effect.forkDaemon(Effect.interruptible(inbox.run))

    const send = Effect.zipRight(outbox.close, Fiber.await(sender))
    const receive = Effect.zipRight(Fiber.interrupt(fetcher), inbox.close)
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        inbox.stop()
        return Effect.all([send, receive], { concurrency: "unbounded", discard: true })
      }).pipe(
        Effect.interruptible,
        Effect.timeoutOption(closeWithin),
        Effect.flatMap((done) =>
          Option.isSome(done)
            ? Effect.void
            : Effect.zipRight(
                Effect.logError(
                  `the funnel could not close in time: ${inbox.size} jobs are not settled and come back after their retry time`
                ),
                Effect.forkDaemon(Fiber.interrupt(sender))
              )
        )
      )
    )

    const isManual = options.acknowledge === "manual"
    const toFunnelJob = (held: Held): FunnelJob => ({
      ...held.job,
      ack: inbox.acknowledge(held),
      nack: inbox.putBack(held)
    })

    // Each run of the stream holds one job at a time.
    const incoming = Stream.unwrapScoped(
      Effect.gen(function* () {
        let holding: Held | undefined
        const done = (settle: (held: Held) => Effect.Effect<void, SettleError>) =>
          Effect.suspend(() =>
            holding === undefined || isManual
              ? Effect.void
              : Effect.map(inbox.orLater(holding, settle(holding)), () => {
                  holding = undefined
                })
          )
        yield* Effect.addFinalizer((exit) =>
          done((held) => (Exit.isSuccess(exit) ? inbox.acknowledge(held) : inbox.putBack(held)))
        )
        return Stream.repeatEffectOption(
          Effect.uninterruptibleMask((restore) =>
            Effect.zipRight(
              restore(done((held) => inbox.acknowledge(held))),
              Effect.map(restore(inbox.take), (held) => {
                holding = held
                return toFunnelJob(held)
              })
            )
          )
        )
      })
    )

    return { incoming, outgoing: outbox.queue }
  })
