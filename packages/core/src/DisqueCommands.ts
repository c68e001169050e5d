/**
 * The commands of Disque, typed: what a connection and a pool both offer.
 *
 * They are one interface, and differ in what they ask. On a connection each command is of one node: the one that the
 * connection is on, or the one that the job was fetched from. On a pool, `queueLength`, `queueStats`, `oldestAge`, `show`,
 * `queues`, `jobs` and `jobIds` are of the cluster: every node that HELLO knows is asked, but for those that failed or are leaving. Where one of
 * them cannot be reached they fail, because half of an answer would look like a whole one.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type * as AdminCommands from "./AdminCommands.js"
import type { Command } from "./Command.js"
import type * as Inspection from "./commands/inspection.js"
import type * as Jobs from "./commands/jobs.js"
import type * as Queues from "./commands/queues.js"
import type * as Server from "./commands/server.js"
import type {
  CommandError,
  GetJobTimeout,
  InvalidArgument,
  JobNotFound,
  LeaseTooOld,
  NodeLeaving,
  NotReplicated,
  OutcomeUnknown,
  OutOfMemory,
  PoolExhausted,
  QueuePaused,
  QueueTooLong,
  RefusalError
} from "./DisqueError.js"
import type { Job, JobInfo, JobRef, PeekedJob } from "./Job.js"
import type { JobId } from "./JobId.js"
import type { QueueStats } from "./QueueStats.js"
import type { Reply } from "./Reply.js"

/** What `addJob` can fail with. */
export type AddJobError =
  | CommandError
  | InvalidArgument
  | NotReplicated
  | QueueTooLong
  | QueuePaused
  | OutOfMemory
  | NodeLeaving
  | OutcomeUnknown<JobId>

/** What `getJobs` can fail with; `getJob` with `GetJobTimeout` too. */
export type GetJobsError = CommandError | InvalidArgument | NodeLeaving | PoolExhausted

/** What `raw` can fail with: every error reply has its own error, whatever the command. */
export type RawError = CommandError | InvalidArgument | OutcomeUnknown | RefusalError

/** How jobs are fetched, and what becomes of those that arrive for nobody. */
export interface GetJobsOptions extends Jobs.GetJobsOptions {
  /**
   * How a job goes back that arrives after the call was interrupted: by ENQUEUE, which counts as an additional delivery and
   * is what happens unless told otherwise, or by NACK.
   */
  readonly unwanted?: "enqueue" | "nack" | undefined
}

/** The typed commands. */
export interface DisqueCommands extends AdminCommands.AdminCommands {
  /**
   * ADDJOB: adds a job and gives its id once the copies asked for exist.
   *
   * Fails with `OutcomeUnknown` where the connection broke before the reply: the job may have been added. `NotReplicated` does
   * not mean that there is no job either. `QueueTooLong` and `QueuePaused` tell of the node's own queue.
   *
   * @example
   * ```ts
   * import { DisqueConnection } from "@disco/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   return yield* disque.addJob("reports", "weekly", { delay: "1 hour", retry: "5 minutes", ttl: "2 days" })
   * })
   * ```
   */
  readonly addJob: (
    queue: string,
    body: string | Uint8Array,
    options?: Jobs.AddJobOptions
  ) => Effect.Effect<JobId, AddJobError>
  /**
   * ADDJOB: adds many jobs at once, and gives for each its id or why it was not added, in their order. It costs less than as many
   * calls of `addJob`. Its body is copied: what becomes of the buffer afterwards does not reach the job.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect, Either } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const pool = yield* DisquePool
   *   const results = yield* pool.addJobs([
   *     { queue: "emails", body: "to ada" },
   *     { queue: "emails", body: "to grace", options: { delay: "1 minute" } }
   *   ])
   *   return results.filter(Either.isLeft).length
   * })
   * ```
   */
  readonly addJobs: (
    jobs: ReadonlyArray<Jobs.NewJob>
  ) => Effect.Effect<ReadonlyArray<Either.Either<JobId, AddJobError>>, InvalidArgument>
  /**
   * ADDJOB: adds the jobs of a stream as they come, and gives for each its id or why it was not added, in their order. A stream
   * without end takes no more memory than two batches of 256.
   */
  readonly addJobsFrom: <E, R>(
    jobs: Stream.Stream<Jobs.NewJob, E, R>
  ) => Stream.Stream<Either.Either<JobId, AddJobError>, E, R>
  /**
   * GETJOB: takes one job from the first of the queues that has one, and waits for it where none has.
   *
   * Fails with `GetJobTimeout` where none came within `timeout` (forever unless told otherwise; with 0 only what is there is
   * taken). Interrupting it loses no job: one that arrives afterwards goes back to its queue.
   */
  readonly getJob: (
    queues: string | ReadonlyArray<string>,
    options?: Omit<GetJobsOptions, "count">
  ) => Effect.Effect<Job, GetJobTimeout | GetJobsError>
  /** GETJOB: takes up to `count` jobs, or none where none came within `timeout`. */
  readonly getJobs: (
    queues: string | ReadonlyArray<string>,
    options?: GetJobsOptions
  ) => Effect.Effect<ReadonlyArray<Job>, GetJobsError>
  /** ACKJOB: acknowledges jobs, wherever they are held. Gives how many of them the nodes asked knew. */
  readonly ackJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /** FASTACK: deletes jobs at less cost, and with more deliveries of acknowledged jobs when nodes fail. */
  readonly fastAckJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * NACK: puts jobs back at once, and counts it in their `nacks`. Gives how many were put back: those that the node holds,
   * that are not queued already, and that are not at-most-once.
   */
  readonly nackJob: (
    jobs: JobRef | ReadonlyArray<JobRef>
  ) => Effect.Effect<number, CommandError | InvalidArgument | OutOfMemory>
  /** ENQUEUE: the same as `nackJob`, counted in their `additionalDeliveries`. */
  readonly enqueueJob: (
    jobs: JobRef | ReadonlyArray<JobRef>
  ) => Effect.Effect<number, CommandError | InvalidArgument | OutOfMemory>
  /**
   * DEQUEUE: takes jobs out of their queue without delivering them, on the node that is asked. They come again after their
   * retry time. Gives how many were in a queue.
   */
  readonly dequeueJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * DELJOB: deletes the copies of jobs on the node that is asked, and gives how many it had. Other nodes that hold copies
   * deliver them all the same: to be done with a job, acknowledge it.
   */
  readonly deleteJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * WORKING: postpones the next delivery of a job by its retry time, and gives that time, in whole seconds; 0 for an
   * at-most-once job.
   *
   * Fails with `JobNotFound` where the node knows no such job, and with `LeaseTooOld` once half of its TTL has gone.
   */
  readonly working: (
    job: JobRef
  ) => Effect.Effect<Duration.Duration, CommandError | InvalidArgument | JobNotFound | LeaseTooOld>
  /**
   * SHOW: what the node that the job came from knows of the job, or on a pool what any node knows of it; none if no node that was
   * asked knows the job. Nodes differ in what they know.
   *
   * A pool asks the other nodes if that node does not know the job, or if the job does not say which node it came from.
   */
  readonly show: (job: JobRef) => Effect.Effect<Option.Option<JobInfo>, CommandError | InvalidArgument>
  /** QLEN: the number of jobs that wait in the queue on one node; on a pool, on all nodes. */
  readonly queueLength: (queue: string) => Effect.Effect<number, CommandError | InvalidArgument>
  /** QSTAT: what one node knows of the queue, or on a pool all of them, each by itself in `nodes`; none where none knows it. */
  readonly queueStats: (queue: string) => Effect.Effect<Option.Option<QueueStats>, CommandError | InvalidArgument>
  /**
   * QPEEK, SHOW and TIME: how long ago the oldest of the jobs was added that wait in the queue on one node, or on a pool on any
   * node; none where no job waits. A job with a delay counts once that has passed, from when it was added. It is the figure to
   * raise an alarm on: it grows where jobs are not worked on, and a job is deleted when it has reached its TTL.
   *
   * The age is by the clock of the node that has the job, and by that of the node that took it where that was another one.
   */
  readonly oldestAge: (queue: string) => Effect.Effect<Option.Option<Duration.Duration>, CommandError | InvalidArgument>
  /** QPEEK: jobs that wait in the queue of one node, on a pool too, without taking them. */
  readonly peek: (
    queue: string,
    options?: Inspection.PeekOptions
  ) => Effect.Effect<ReadonlyArray<PeekedJob>, CommandError | InvalidArgument>
  /**
   * PAUSE: pauses a queue on one node, on a pool too, in place of what was paused before, and gives what is paused then;
   * `state` only asks. With `broadcast`, the nodes reachable now are told too. A node forgets its pauses when it ends.
   */
  readonly pause: (
    queue: string,
    what: Queues.PauseOption,
    options?: { readonly broadcast?: boolean | undefined }
  ) => Effect.Effect<Queues.PauseState, CommandError | InvalidArgument>
  /**
   * QSCAN: the names of the queues that one node knows, or on a pool any node, each of them once. `minLen`, `maxLen` and
   * `importRate` are about each node's own queue.
   *
   * Pages are asked for as they are pulled. A queue that is there all the while is among them; one that comes or goes meanwhile
   * may be. To give none twice, the stream remembers the names while it runs.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect, Stream } from "effect"
   *
   * // The queues that have jobs, and how many.
   * const program = Effect.flatMap(DisquePool, (pool) =>
   *   pool.queues({ minLen: 1 }).pipe(
   *     Stream.mapEffect((name) => Effect.map(pool.queueLength(name), (length) => ({ name, length }))),
   *     Stream.runCollect
   *   )
   * )
   * ```
   */
  readonly queues: (options?: Queues.QueuesOptions) => Stream.Stream<string, CommandError | InvalidArgument>
  /**
   * JSCAN: the jobs that one node knows, or on a pool any node, each of them once: as the first node that is asked and whose
   * `states` it fits sees it. Pages are asked for as they are pulled, and hold the bodies of their jobs. To give none twice, the
   * stream remembers the ids while it runs.
   */
  readonly jobs: (options?: Inspection.JobsOptions) => Stream.Stream<JobInfo, CommandError | InvalidArgument>
  /** JSCAN: the ids of the jobs that one node knows, or on a pool any node, each of them once; as `jobs`, without the jobs. */
  readonly jobIds: (options?: Inspection.JobsOptions) => Stream.Stream<JobId, CommandError | InvalidArgument>
  /** PING: whether the node answers. */
  readonly ping: Effect.Effect<void, CommandError>
  /** HELLO: the node's id and the nodes of its cluster. */
  readonly hello: Effect.Effect<Server.Hello, CommandError>
  /**
   * Sends any command that is a value, one of `Commands` or of your own (`Command.define`). One that blocks does not fit: GETJOB
   * goes out by `getJob` and `getJobs`.
   */
  readonly execute: <A, E>(command: Command<A, E, false>) => Effect.Effect<A, E | CommandError | InvalidArgument>
  /**
   * Any command as words, and its reply as it comes: for what is not described here. Numbers go out in decimal. It is taken for
   * one that must not be sent twice, and fails with `OutcomeUnknown` where its reply never came.
   *
   * GETJOB, MONITOR, QUIT and CLIENT REPLY are refused: other commands share the link.
   */
  readonly raw: (name: string, ...args: ReadonlyArray<string | number | Uint8Array>) => Effect.Effect<Reply, RawError>
}
