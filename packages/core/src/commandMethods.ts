/** The methods of a connection and a pool: each makes a command of its arguments, and has the command sent. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import * as AdminCommands from "./AdminCommands.js"
import type { Command } from "./Command.js"
import * as Inspection from "./commands/inspection.js"
import * as Jobs from "./commands/jobs.js"
import * as Queues from "./commands/queues.js"
import * as Raw from "./commands/raw.js"
import * as Server from "./commands/server.js"
import type { AddJobError, DisqueCommands, GetJobsError, GetJobsOptions } from "./DisqueCommands.js"
import { type CommandError, GetJobTimeout, InvalidArgument, type PoolExhausted } from "./DisqueError.js"
import type { Fetch, FetchError } from "./fetching/getJobCalls.js"
import * as acrossNodes from "./internal/acrossNodes.js"
import * as input from "./internal/input.js"
import type { Job, JobRef } from "./Job.js"
import type { JobId } from "./JobId.js"

/** What sends the commands. */
interface Needs extends acrossNodes.Needs {
  readonly fetch: (request: Fetch) => Effect.Effect<ReadonlyArray<Job>, FetchError | PoolExhausted>
  /** Whether questions about queues and jobs go to the whole cluster. */
  readonly asksAllNodes: boolean
}

type Ready<A, E> = Either.Either<Command<A, E>, InvalidArgument>

const byHolder = (jobs: JobRef | ReadonlyArray<JobRef>): ReadonlyArray<JobRef | ReadonlyArray<JobRef>> => {
  if (!Array.isArray(jobs)) return [jobs as JobRef]
  const first = input.holder(jobs[0])
  if ((jobs as ReadonlyArray<JobRef>).every((job) => input.holder(job) === first)) return [jobs]
  const groups = new Map<string | undefined, Array<JobRef>>()
  for (const job of jobs as ReadonlyArray<JobRef>) {
    const holder = input.holder(job)
    const group = groups.get(holder)
    if (group === undefined) groups.set(holder, [job])
    else group.push(job)
  }
  return [...groups.values()]
}

const readFetch = input.checked(
  (queues: string | ReadonlyArray<string>, given: GetJobsOptions | undefined, most: number | undefined): Fetch => {
    const options = input.options("GETJOB", given)
    const unwanted = options.unwanted ?? "enqueue"
    return {
      queues: input.queues("GETJOB", queues),
      count: most ?? input.count("GETJOB", "count", options.count ?? 1, 1, Number.MAX_SAFE_INTEGER),
      waitMillis:
        options.timeout === undefined ? Number.POSITIVE_INFINITY : input.wait("GETJOB", "timeout", options.timeout, 0),
      unwanted: input.oneOf("GETJOB", "unwanted", unwanted, ["enqueue", "nack"]) === "nack" ? "NACK" : "ENQUEUE"
    }
  }
)

/** How many jobs of a stream are added at a time. */
const mostInBatch = 256

const ping = Either.getOrThrow(Server.ping.make())
const hello = Either.getOrThrow(Server.hello.make())

/** The methods, over what sends their commands. */
export const make = (needs: Needs): DisqueCommands => {
  const { asksAllNodes, execute, fetch } = needs

  const send = <A, E>(command: Ready<A, E>): Effect.Effect<A, E | CommandError | InvalidArgument> =>
    Either.isRight(command) ? execute(command.right) : Effect.fail(command.left)

  // Each node is sent the jobs that came from it. Nothing is sent before all ids have been checked.
  const settleWith =
    <E>(
      command: (jobs: JobRef | ReadonlyArray<JobRef>) => Ready<number, E>,
      settleOne: (
        command: Command<number, E>,
        jobs: JobRef | ReadonlyArray<JobRef>
      ) => Effect.Effect<number, E | CommandError>
    ) =>
    (jobs: JobRef | ReadonlyArray<JobRef>): Effect.Effect<number, E | CommandError | InvalidArgument> => {
      const groups = byHolder(jobs)
      if (groups.length === 1) {
        const only = command(jobs)
        return Either.isLeft(only) ? Effect.fail(only.left) : settleOne(only.right, jobs)
      }
      const commands = Either.all(groups.map(command))
      if (Either.isLeft(commands)) return Effect.fail(commands.left)
      const all = commands.right.map((command, i) => settleOne(command, groups[i] ?? []))
      return Effect.map(Effect.all(all, { concurrency: "unbounded" }), (counts) =>
        counts.reduce((sum, count) => sum + count, 0)
      )
    }

  const settle = <E>(command: (jobs: JobRef | ReadonlyArray<JobRef>) => Ready<number, E>) =>
    settleWith(command, execute)

  // If the holder does not know all of the jobs, other nodes are asked to settle the rest.
  const settleOnHolder = <E>(command: (jobs: JobRef | ReadonlyArray<JobRef>) => Ready<number, E>) =>
    settleWith(command, (sent, jobs) =>
      Effect.flatMap(execute(sent), (count) => {
        const all: ReadonlyArray<JobRef> = Array.isArray(jobs) ? jobs : [jobs as JobRef]
        return count === all.length
          ? Effect.succeed(count)
          : Effect.map(acrossNodes.settleElsewhere(needs, command, all, sent.holder), (more) => count + more)
      })
    )

  const get = (
    queues: string | ReadonlyArray<string>,
    options: GetJobsOptions | undefined,
    most: number | undefined
  ): Effect.Effect<ReadonlyArray<Job>, GetJobsError> => {
    const request = readFetch(queues, options, most)
    return Either.isRight(request) ? fetch(request.right) : Effect.fail(request.left)
  }

  const addJobs = (
    jobs: ReadonlyArray<Jobs.NewJob>
  ): Effect.Effect<ReadonlyArray<Either.Either<JobId, AddJobError>>> => {
    const results = new Array<Either.Either<JobId, AddJobError>>(jobs.length)
    const commands: Array<Command<JobId, AddJobError>> = []
    const indexes: Array<number> = []
    for (const [i, job] of jobs.entries()) {
      const command = Jobs.addJob.make(job?.queue, job?.body, job?.options)
      if (Either.isLeft(command)) {
        results[i] = Either.left(command.left)
      } else {
        commands.push(command.right)
        indexes.push(i)
      }
    }
    return Effect.map(needs.executeAll(commands), (answers) => {
      for (const [at, answer] of answers.entries()) results[indexes[at] as number] = answer
      return results
    })
  }

  return {
    ...AdminCommands.make(send),
    addJob: (queue, body, options) => send(Jobs.addJob.make(queue, body, options)),
    addJobs: (jobs) =>
      Array.isArray(jobs)
        ? addJobs(jobs)
        : Effect.fail(
            new InvalidArgument({
              subject: "ADDJOB",
              argument: "jobs",
              value: input.show(jobs),
              expected: "an array of jobs: { queue, body, options }"
            })
          ),
    addJobsFrom: (jobs) =>
      Stream.chunks(jobs).pipe(
        Stream.mapConcat((chunk) => Chunk.chunksOf(chunk, mostInBatch)),
        Stream.mapEffect((batch) => addJobs(Chunk.toReadonlyArray(batch)), { concurrency: 2 }),
        Stream.mapConcat((results) => results)
      ),
    getJob: (queues, options) =>
      Effect.flatMap(get(queues, options, 1), (jobs) =>
        jobs[0] !== undefined
          ? Effect.succeed(jobs[0])
          : Effect.fail(
              new GetJobTimeout({
                queues: typeof queues === "string" ? [queues] : queues,
                timeout: Duration.decode(options?.timeout ?? Duration.infinity)
              })
            )
      ),
    getJobs: (queues, options) => get(queues, options, undefined),
    ackJob: settle(Jobs.ackJobs.make),
    fastAckJob: settle(Jobs.fastAckJobs.make),
    nackJob: settleOnHolder(Jobs.nackJobs.make),
    enqueueJob: settleOnHolder(Jobs.enqueueJobs.make),
    dequeueJob: settle(Jobs.dequeueJobs.make),
    deleteJob: settle(Jobs.deleteJobs.make),
    working: (job) => {
      const command = Jobs.working.make(job)
      return Effect.catchAll(send(command), (error) =>
        error._tag === "JobNotFound" && Either.isRight(command)
          ? acrossNodes.workingElsewhere(needs, command.right, error)
          : Effect.fail(error)
      )
    },
    show: asksAllNodes ? (job) => acrossNodes.show(needs, job) : (job) => send(Inspection.show.make(job)),
    queueLength: asksAllNodes
      ? (queue) => acrossNodes.queueLength(needs, queue)
      : (queue) => send(Queues.queueLength.make(queue)),
    queueStats: (queue) => acrossNodes.queueStats(needs, asksAllNodes, queue),
    oldestAge: (queue) => acrossNodes.oldestAge(needs, asksAllNodes, queue),
    peek: (queue, options) => send(Inspection.peek.make(queue, options)),
    pause: (queue, what, options) => send(Queues.pause.make(queue, what, options)),
    queues: (options) =>
      acrossNodes.scan(
        needs,
        asksAllNodes,
        (cursor) => Queues.scanQueues.make(cursor, options),
        (name) => name
      ),
    jobs: (options) =>
      acrossNodes.scan(
        needs,
        asksAllNodes,
        (cursor) => Inspection.scanJobs.make(cursor, options),
        (job) => job.id
      ),
    jobIds: (options) =>
      acrossNodes.scan(
        needs,
        asksAllNodes,
        (cursor) => Inspection.scanJobIds.make(cursor, options),
        (id) => id
      ),
    ping: Effect.asVoid(execute(ping)),
    hello: execute(hello),
    execute: (command) =>
      command?.blocks === false
        ? execute(command)
        : Effect.fail(
            new InvalidArgument({
              subject: "execute",
              argument: "command",
              value: typeof command?.name === "string" ? command.name : input.show(command),
              expected: "a command made by one of `Commands` that does not block"
            })
          ),
    raw: (name, ...args) => send(Raw.raw.make(name, ...args))
  }
}
