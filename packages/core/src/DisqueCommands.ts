/**
 * The commands of Disque, typed: what a connection and a pool both offer.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import type { Command } from "./Command.js"
import * as Jobs from "./commands/jobs.js"
import * as Queues from "./commands/queues.js"
import * as Server from "./commands/server.js"
import {
  type CommandError,
  GetJobTimeout,
  type InvalidArgument,
  type JobNotFound,
  type LeaseTooOld,
  type NodeLeaving,
  type NotReplicated,
  type OutcomeUnknown,
  type OutOfMemory,
  type PoolExhausted,
  type QueuePaused,
  type QueueTooLong
} from "./DisqueError.js"
import * as argument from "./internal/argument.js"
import type { Fetch, FetchError } from "./internal/fetcher.js"
import type { Job, JobInfo, JobRef } from "./Job.js"
import type { JobId } from "./JobId.js"

/** What `addJob` can fail with. */
export type AddJobError =
  | CommandError
  | InvalidArgument
  | NotReplicated
  | QueueTooLong
  | QueuePaused
  | OutOfMemory
  | NodeLeaving
  | OutcomeUnknown

/** What `getJobs` can fail with; `getJob` with `GetJobTimeout` too. */
export type GetJobsError = CommandError | InvalidArgument | NodeLeaving | PoolExhausted

/** How jobs are fetched, and what becomes of those that arrive for nobody. */
export interface GetJobsOptions extends Jobs.GetJobsOptions {
  /**
   * How a job goes back that arrives after the call was interrupted: by ENQUEUE, which counts as an additional delivery and
   * is what happens unless told otherwise, or by NACK.
   */
  readonly unwanted?: "enqueue" | "nack" | undefined
}

/** The typed commands. */
export interface DisqueCommands {
  /**
   * ADDJOB: adds a job and gives its id once the copies asked for exist.
   *
   * Fails with `OutcomeUnknown` where the connection broke before the reply: the job may have been added.
   */
  readonly addJob: (
    queue: string,
    body: string | Uint8Array,
    options?: Jobs.AddJobOptions
  ) => Effect.Effect<JobId, AddJobError>
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
  /** ACKJOB: acknowledges jobs, wherever they are held. Gives how many of them the node asked knew. */
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
  /** WORKING: postpones the next delivery of a job by its retry time, and gives that time. */
  readonly working: (
    job: JobRef
  ) => Effect.Effect<Duration.Duration, CommandError | InvalidArgument | JobNotFound | LeaseTooOld>
  /** SHOW: what the node that the job came from knows of it. */
  readonly show: (job: JobRef) => Effect.Effect<Option.Option<JobInfo>, CommandError | InvalidArgument>
  /** QLEN: the number of jobs in the queue of one node. */
  readonly queueLength: (queue: string) => Effect.Effect<number, CommandError | InvalidArgument>
  /** PING. */
  readonly ping: Effect.Effect<void, CommandError>
  /** HELLO: the node's id and the nodes of its cluster. */
  readonly hello: Effect.Effect<Server.Hello, CommandError>
  /** Sends any command that is a value. */
  readonly execute: <A, E>(command: Command<A, E>) => Effect.Effect<A, E | CommandError>
}

/** What the typed commands stand on. */
interface Carrier {
  readonly execute: DisqueCommands["execute"]
  readonly fetch: (request: Fetch) => Effect.Effect<ReadonlyArray<Job>, FetchError | PoolExhausted>
}

type Settling<E> = (jobs: JobRef | ReadonlyArray<JobRef>) => Either.Either<Command<number, E>, InvalidArgument>

const byHolder = (jobs: JobRef | ReadonlyArray<JobRef>): ReadonlyArray<JobRef | ReadonlyArray<JobRef>> => {
  if (!Array.isArray(jobs)) return [jobs as JobRef]
  const groups = new Map<string | undefined, Array<JobRef>>()
  for (const job of jobs as ReadonlyArray<JobRef>) {
    const holder = typeof job === "object" ? job.node : undefined
    const group = groups.get(holder)
    if (group === undefined) groups.set(holder, [job])
    else group.push(job)
  }
  return groups.size < 2 ? [jobs] : [...groups.values()]
}

const ping = Either.getOrThrow(Server.ping.make())
const hello = Either.getOrThrow(Server.hello.make())

/** @internal */
export const make = ({ execute, fetch }: Carrier): DisqueCommands => {
  const send = <A, E>(
    command: Either.Either<Command<A, E>, InvalidArgument>
  ): Effect.Effect<A, E | CommandError | InvalidArgument> =>
    Either.isRight(command) ? execute(command.right) : Effect.fail(command.left)

  // Each node is asked about the jobs that came from it.
  const settle =
    <E>(command: Settling<E>) =>
    (jobs: JobRef | ReadonlyArray<JobRef>): Effect.Effect<number, E | CommandError | InvalidArgument> => {
      const groups = byHolder(jobs)
      if (groups.length === 1) return send(command(jobs))
      return Effect.map(
        Effect.forEach(groups, (jobs) => send(command(jobs)), { concurrency: "unbounded" }),
        (counts) => counts.reduce((sum, count) => sum + count, 0)
      )
    }

  const getJobs: DisqueCommands["getJobs"] = (queues, options = {}) =>
    Either.match(
      Either.all({
        queues: argument.queues("GETJOB", queues),
        count: argument.count("GETJOB", "count", options.count ?? 1, 1, Number.MAX_SAFE_INTEGER),
        waitMillis:
          options.timeout === undefined
            ? Either.right(Number.POSITIVE_INFINITY)
            : argument.wait("GETJOB", "timeout", options.timeout, 0)
      }),
      {
        onLeft: Effect.fail,
        onRight: (request) => fetch({ ...request, unwanted: options.unwanted === "nack" ? "NACK" : "ENQUEUE" })
      }
    )

  return {
    addJob: (queue, body, options) => send(Jobs.addJob.make(queue, body, options)),
    getJob: (queues, options = {}) =>
      Effect.flatMap(getJobs(queues, options), ([job]) =>
        job !== undefined
          ? Effect.succeed(job)
          : Effect.fail(
              new GetJobTimeout({
                queues: typeof queues === "string" ? [queues] : queues,
                timeout: Duration.decode(options.timeout ?? Duration.infinity)
              })
            )
      ),
    getJobs,
    ackJob: settle(Jobs.ackJobs.make),
    fastAckJob: settle(Jobs.fastAckJobs.make),
    nackJob: settle(Jobs.nackJobs.make),
    enqueueJob: settle(Jobs.enqueueJobs.make),
    working: (job) => send(Jobs.working.make(job)),
    show: (job) => send(Jobs.show.make(job)),
    queueLength: (queue) => send(Queues.queueLength.make(queue)),
    ping: Effect.asVoid(execute(ping)),
    hello: execute(hello),
    execute
  }
}
