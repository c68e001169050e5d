/**
 * The commands of Disque, typed: what a connection and a pool both offer.
 *
 * A connection and a pool have the same methods, and differ in which nodes some of them ask. On a connection, each command is for one
 * node: the node that the connection is on, or the node that the job was fetched from. On a pool, `queueLength`, `queueStats`,
 * `oldestAge`, `show`, `queues`, `jobs` and `jobIds` are for the whole cluster: they ask all nodes that HELLO lists, except for those
 * that failed or are leaving. If one of these nodes cannot be reached, the call fails, because half of an answer would look like a
 * whole one. All other methods are for one node, on a pool too.
 *
 * @since 0.1.0
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

/**
 * What `addJob` can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type AddJobError =
  | CommandError
  | InvalidArgument
  | NotReplicated
  | QueueTooLong
  | QueuePaused
  | OutOfMemory
  | NodeLeaving
  | OutcomeUnknown<JobId>

/**
 * What `getJobs` can fail with; `getJob` with `GetJobTimeout` too.
 *
 * @since 0.1.0
 * @category errors
 */
export type GetJobsError = CommandError | InvalidArgument | NodeLeaving | PoolExhausted

/**
 * What `raw` can fail with: every error reply has its own error, whatever the command.
 *
 * @since 0.1.0
 * @category errors
 */
export type RawError = CommandError | InvalidArgument | OutcomeUnknown | RefusalError

/**
 * How jobs are fetched, and what becomes of those that arrive for nobody.
 *
 * @since 0.1.0
 * @category options
 */
export interface GetJobsOptions extends Jobs.GetJobsOptions {
  /**
   * How a job that arrives after the call was interrupted goes back: by ENQUEUE (the default), which counts as an additional
   * delivery, or by NACK.
   */
  readonly unwanted?: "enqueue" | "nack" | undefined
}

/**
 * The typed commands.
 *
 * @since 0.1.0
 * @category services
 */
export interface DisqueCommands extends AdminCommands.AdminCommands {
  /**
   * ADDJOB: adds a job and gives its id once the copies asked for exist.
   *
   * Fails with `OutcomeUnknown` if the connection broke before the reply: the job may have been added. After `NotReplicated`, too,
   * the job may exist. `QueueTooLong` and `QueuePaused` are about the queue on one node.
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
   * ADDJOB: adds many jobs at once. Gives, in their order, the id of each job or the reason why the job was not added. This costs
   * less than as many calls of `addJob`. Bodies are copied: later changes of a buffer do not change the job.
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
   * ADDJOB: adds the jobs of a stream as they come. Gives, in their order, the id of each job or the reason why the job was not
   * added. A stream without end takes no more memory than two batches of 256 jobs.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect, Either, Stream } from "effect"
   *
   * // A job for each line of a file of any length, and how many could not be added.
   * const add = (lines: Stream.Stream<string>) =>
   *   Effect.flatMap(DisquePool, (pool) =>
   *     pool.addJobsFrom(Stream.map(lines, (body) => ({ queue: "imports", body }))).pipe(
   *       Stream.filter(Either.isLeft),
   *       Stream.runCount
   *     )
   *   )
   * ```
   */
  readonly addJobsFrom: <E, R>(
    jobs: Stream.Stream<Jobs.NewJob, E, R>
  ) => Stream.Stream<Either.Either<JobId, AddJobError>, E, R>
  /**
   * GETJOB: takes one job from the first of the queues that has one. If no queue has a job, the call waits for one.
   *
   * Fails with `GetJobTimeout` if no job came within `timeout` (by default the wait has no end; with 0 there is no wait). An
   * interruption loses no job: a job that arrives afterwards goes back to its queue.
   *
   * @example
   * ```ts
   * import { DisqueConnection, Job } from "@disco/core"
   * import { Console, Effect } from "effect"
   *
   * // The first queue that has a job. It goes back at once if the work on it fails.
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   const job = yield* disque.getJob(["urgent", "emails"], { timeout: "5 seconds" })
   *   yield* Console.log(Job.text(job)).pipe(
   *     Effect.zipRight(disque.ackJob(job)),
   *     Effect.onError(() => Effect.ignore(disque.nackJob(job)))
   *   )
   * })
   * ```
   */
  readonly getJob: (
    queues: string | ReadonlyArray<string>,
    options?: Omit<GetJobsOptions, "count">
  ) => Effect.Effect<Job, GetJobTimeout | GetJobsError>
  /**
   * GETJOB: takes up to `count` jobs. Gives an empty array if no job came within `timeout`.
   *
   * @example
   * ```ts
   * import { DisqueConnection } from "@disco/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   const jobs = yield* disque.getJobs("emails", { count: 100, timeout: "1 second" })
   *   // One command for all of them.
   *   yield* disque.ackJob(jobs)
   * })
   * ```
   */
  readonly getJobs: (
    queues: string | ReadonlyArray<string>,
    options?: GetJobsOptions
  ) => Effect.Effect<ReadonlyArray<Job>, GetJobsError>
  /**
   * ACKJOB: acknowledges jobs on all nodes that hold them. Gives how many of the jobs were known to the nodes that were asked.
   *
   * @see {@link DisqueCommands.getJob}
   */
  readonly ackJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * FASTACK: acknowledges jobs at less cost. When nodes fail, more of the acknowledged jobs are delivered again.
   *
   * @example
   * ```ts
   * import { DisquePool, type Job } from "@disco/core"
   * import { Effect } from "effect"
   *
   * // For work that may as well be done twice: it costs half the messages between the nodes.
   * const done = (jobs: ReadonlyArray<Job.Job>) => Effect.flatMap(DisquePool, (pool) => pool.fastAckJob(jobs))
   * ```
   */
  readonly fastAckJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * NACK: puts jobs back at once, which counts in their `nacks`. Gives how many jobs were put back. A job is not put back if the node
   * does not hold it, if it is queued already, or if it is an at-most-once job.
   *
   * @see {@link DisqueCommands.getJob}
   */
  readonly nackJob: (
    jobs: JobRef | ReadonlyArray<JobRef>
  ) => Effect.Effect<number, CommandError | InvalidArgument | OutOfMemory>
  /**
   * ENQUEUE: puts jobs back as `nackJob` does, which counts in their `additionalDeliveries`.
   *
   * @example
   * ```ts
   * import { DisquePool, type Job } from "@disco/core"
   * import { Effect } from "effect"
   *
   * // This process ends, and has not begun with the job: that is no failure of the job.
   * const giveBack = (job: Job.Job) => Effect.flatMap(DisquePool, (pool) => pool.enqueueJob(job))
   * ```
   */
  readonly enqueueJob: (
    jobs: JobRef | ReadonlyArray<JobRef>
  ) => Effect.Effect<number, CommandError | InvalidArgument | OutOfMemory>
  /**
   * DEQUEUE, of one node, on a pool too: takes jobs out of their queue without delivering them. They come again after their retry time.
   * Gives how many were in a queue.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect } from "effect"
   *
   * // Hides the job from all consumers until its retry time has passed.
   * const hide = (id: string) => Effect.flatMap(DisquePool, (pool) => pool.dequeueJob(id))
   * ```
   */
  readonly dequeueJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * DELJOB, of one node, on a pool too: deletes the copies of jobs that the node has, and gives how many it had. Other nodes that hold
   * copies deliver them all the same. A job that is done is acknowledged instead.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect } from "effect"
   *
   * // On every node: one of them may have a copy.
   * const remove = (id: string) =>
   *   Effect.gen(function* () {
   *     const pool = yield* DisquePool
   *     const { nodes } = yield* pool.health
   *     yield* Effect.forEach(nodes, ({ address }) => pool.on(address).deleteJob(id), { discard: true })
   *   })
   * ```
   */
  readonly deleteJob: (jobs: JobRef | ReadonlyArray<JobRef>) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * WORKING: postpones the next delivery of a job by its retry time, and gives that time, in whole seconds; 0 for an
   * at-most-once job.
   *
   * Fails with `JobNotFound` if the node does not know the job, and with `LeaseTooOld` once half of the TTL of the job has passed.
   *
   * @example
   * ```ts
   * import { DisquePool, type Job } from "@disco/core"
   * import { Duration, Effect } from "effect"
   *
   * // Keeps a job while the work on it takes long. A worker does so by itself.
   * const keep = (job: Job.Job) =>
   *   Effect.gen(function* () {
   *     const pool = yield* DisquePool
   *     for (;;) {
   *       const retry = yield* pool.working(job)
   *       yield* Effect.sleep(Duration.times(retry, 0.5))
   *     }
   *   })
   * ```
   */
  readonly working: (
    job: JobRef
  ) => Effect.Effect<Duration.Duration, CommandError | InvalidArgument | JobNotFound | LeaseTooOld>
  /**
   * SHOW, of one node on a connection, of the cluster on a pool: what is known of the job. Nodes differ in what they know.
   * `Option.none()` if no node that was asked knows the job.
   *
   * A connection asks the node that the job was fetched from. A pool asks that node first, and the others if that node does not know
   * the job, or if the job does not say which node it was fetched from.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect, Option } from "effect"
   *
   * const state = (id: string) =>
   *   Effect.gen(function* () {
   *     const pool = yield* DisquePool
   *     const info = yield* pool.show(id)
   *     return Option.match(info, { onNone: () => "no node knows it", onSome: ({ state }) => state })
   *   })
   * ```
   */
  readonly show: (job: JobRef) => Effect.Effect<Option.Option<JobInfo>, CommandError | InvalidArgument>
  /**
   * QLEN, of one node on a connection, of all nodes together on a pool: the number of jobs that wait in the queue.
   *
   * @see {@link DisqueCommands.queues}
   */
  readonly queueLength: (queue: string) => Effect.Effect<number, CommandError | InvalidArgument>
  /**
   * QSTAT, of one node on a connection, of all nodes together on a pool: what is known of the queue. What each node knows by itself is
   * in `nodes`. `Option.none()` if no node that was asked knows the queue.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect, Option } from "effect"
   *
   * // What an alarm is raised on.
   * const program = Effect.gen(function* () {
   *   const pool = yield* DisquePool
   *   const oldestAge = yield* pool.oldestAge("emails")
   *   const stats = yield* pool.queueStats("emails")
   *   return { oldestAge, consumers: Option.match(stats, { onNone: () => 0, onSome: ({ blocked }) => blocked }) }
   * })
   * ```
   */
  readonly queueStats: (queue: string) => Effect.Effect<Option.Option<QueueStats>, CommandError | InvalidArgument>
  /**
   * QPEEK, SHOW and TIME, of one node on a connection, of all nodes on a pool: how long ago the oldest waiting job of the queue was
   * added. `Option.none()` if no job waits. A job with a delay counts once the delay has passed, from when the job was added. Raise an alarm on
   * this figure: it grows while jobs are not worked on, and a job is deleted when its age reaches its TTL.
   *
   * The time of the addition is by the clock of the node that took the job, the present time by the clock of the node that has the job.
   *
   * @see {@link DisqueCommands.queueStats}
   */
  readonly oldestAge: (queue: string) => Effect.Effect<Option.Option<Duration.Duration>, CommandError | InvalidArgument>
  /**
   * QPEEK, of one node, on a pool too: shows jobs that wait in the queue, and takes none.
   *
   * @example
   * ```ts
   * import { DisqueConnection, Job } from "@disco/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   const jobs = yield* disque.peek("emails", { count: 10, from: "newest" })
   *   return jobs.map(Job.text)
   * })
   * ```
   */
  readonly peek: (
    queue: string,
    options?: Inspection.PeekOptions
  ) => Effect.Effect<ReadonlyArray<PeekedJob>, CommandError | InvalidArgument>
  /**
   * PAUSE, of one node, on a pool too: pauses a queue, and gives what is paused then. This replaces what was paused before; `state`
   * changes nothing. With `broadcast`, the node tells all nodes that it can reach. A node forgets its pauses when it ends.
   *
   * @example
   * ```ts
   * import { DisqueConnection } from "@disco/core"
   * import { Effect } from "effect"
   *
   * // Nothing goes out while the work is done; jobs still come in.
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   yield* disque.pause("emails", "out", { broadcast: true })
   *   yield* Effect.ensuring(Effect.sleep("1 minute"), Effect.ignore(disque.pause("emails", "none", { broadcast: true })))
   * })
   * ```
   */
  readonly pause: (
    queue: string,
    what: Queues.PauseOption,
    options?: { readonly broadcast?: boolean | undefined }
  ) => Effect.Effect<Queues.PauseState, CommandError | InvalidArgument>
  /**
   * QSCAN, of one node on a connection, of all nodes on a pool: the names of the queues that are known. Each name comes once. `minLen`,
   * `maxLen` and `importRate` are about the queue of each node by itself.
   *
   * Each page is asked for when it is pulled. A queue that exists all the while is among the names; a queue that comes or goes
   * meanwhile may be missing. The stream remembers the names while it runs, to give each name once.
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
   * JSCAN, of one node on a connection, of all nodes on a pool: the jobs that are known. Each job comes once: as it is on the first node
   * that is asked and on which its state is one of `states`. Each page is asked for when it is pulled, and holds the bodies of its jobs. The stream
   * remembers the ids while it runs, to give each job once.
   *
   * @example
   * ```ts
   * import { DisquePool } from "@disco/core"
   * import { Effect, Stream } from "effect"
   *
   * // The jobs of a queue that are delayed or in work.
   * const program = Effect.gen(function* () {
   *   const pool = yield* DisquePool
   *   const active = yield* Stream.runCollect(pool.jobs({ queue: "emails", states: ["active"] }))
   *   // Ids alone are cheaper.
   *   const count = yield* Stream.runCount(pool.jobIds({ queue: "emails" }))
   *   return { active, count }
   * })
   * ```
   */
  readonly jobs: (options?: Inspection.JobsOptions) => Stream.Stream<JobInfo, CommandError | InvalidArgument>
  /**
   * JSCAN, of one node on a connection, of all nodes on a pool: the ids of the jobs that `jobs` would give.
   *
   * @see {@link DisqueCommands.jobs}
   */
  readonly jobIds: (options?: Inspection.JobsOptions) => Stream.Stream<JobId, CommandError | InvalidArgument>
  /**
   * PING, of one node, on a pool too: succeeds if the node answers.
   *
   * @example
   * ```ts
   * import { DisqueConnection } from "@disco/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   const [time] = yield* Effect.timed(disque.ping)
   *   const { nodes } = yield* disque.hello
   *   return { time, addresses: nodes.map(({ address }) => address) }
   * })
   * ```
   */
  readonly ping: Effect.Effect<void, CommandError>
  /**
   * HELLO, of one node, on a pool too: the id of the node, and the nodes of its cluster.
   *
   * @see {@link DisqueCommands.ping}
   */
  readonly hello: Effect.Effect<Server.Hello, CommandError>
  /**
   * Sends any command that is a value: a command of `Commands`, or one of your own (`Command.define`). A command that blocks is
   * refused: `getJob` and `getJobs` send GETJOB.
   *
   * @example
   * ```ts
   * import { Commands, DisquePool } from "@disco/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const pool = yield* DisquePool
   *   return yield* pool.execute(yield* Commands.queueLength.make("emails"))
   * })
   * ```
   */
  readonly execute: <A, E>(command: Command<A, E, false>) => Effect.Effect<A, E | CommandError | InvalidArgument>
  /**
   * Sends any words as a command, and gives the reply as it comes: for commands that have no method here. Numbers are sent in
   * decimal. Such a command is not sent twice, and fails with `OutcomeUnknown` if its reply never came.
   *
   * GETJOB, MONITOR, QUIT and CLIENT REPLY are refused, because other commands share the link.
   *
   * @example
   * ```ts
   * import { DisqueConnection, Reply } from "@disco/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function* () {
   *   const disque = yield* DisqueConnection
   *   const reply = yield* disque.raw("QLEN", "emails")
   *   return Reply.describe(reply)
   * })
   * ```
   */
  readonly raw: (name: string, ...args: ReadonlyArray<string | number | Uint8Array>) => Effect.Effect<Reply, RawError>
}
