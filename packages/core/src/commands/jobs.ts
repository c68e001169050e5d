/** The commands that add, fetch, settle and show jobs. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Command from "../Command.js"
import { InvalidArgument } from "../DisqueError.js"
import * as argument from "../internal/argument.js"
import type { Job, JobInfo, JobRef, JobState } from "../Job.js"
import type { JobId } from "../JobId.js"
import * as Reply from "../Reply.js"

/** How a job is added. Seconds are whole ones: what Disque cannot hold is refused. */
export interface AddJobOptions {
  /** How long the node may take to make the copies asked for; 5 seconds unless told otherwise, at least 1 ms. */
  readonly timeout?: Duration.DurationInput | undefined
  /** How many nodes hold a copy before the command succeeds; 3 unless told otherwise, or as many as the cluster has. */
  readonly replicate?: number | undefined
  /** The time before the job is put into its queue, in whole seconds, less than `ttl`. */
  readonly delay?: Duration.DurationInput | undefined
  /**
   * The time after which a job that was queued and not acknowledged is queued again, in whole seconds; a tenth of the TTL
   * and at most 5 minutes unless told otherwise. 0 makes an at-most-once job: it is delivered once or never.
   */
  readonly retry?: Duration.DurationInput | undefined
  /** The time after which the job is deleted, delivered or not, in whole seconds; 1 day unless told otherwise. */
  readonly ttl?: Duration.DurationInput | undefined
  /** Refuses the job where the node's queue has this many jobs already. */
  readonly maxLen?: number | undefined
  /** Lets the copies be made after the command has succeeded. */
  readonly async?: boolean | undefined
}

/** How jobs are fetched. */
export interface GetJobsOptions {
  /** How long to wait for a job: forever unless told otherwise; 0 takes only what is there (NOHANG). */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * The most jobs to take; 1 unless told otherwise. A call that has to wait gets one job however many are asked for: more are
   * taken only from what is queued already.
   */
  readonly count?: number | undefined
}

const defaultTimeoutMillis = 5000
const defaultTtlSeconds = 86_400

const readId: Reply.Reader<JobId> = (reply) => Reply.text(reply) as JobId

/** ADDJOB: adds a job to a queue. */
export const addJob = Command.define({
  name: "ADDJOB",
  blocks: false,
  isIdempotent: false,
  needsHolder: false,
  refusals: ["NOREPL", "MAXLEN", "PAUSED", "OOM", "LEAVING"],
  encode: (queue: string, body: string | Uint8Array, options: AddJobOptions = {}) =>
    Either.gen(function* () {
      const name = yield* argument.queue("ADDJOB", queue)
      const timeout = yield* argument.wait("ADDJOB", "timeout", options.timeout ?? defaultTimeoutMillis, 1)
      const args: Array<string | Uint8Array> = [name, argument.body(body), String(timeout)]
      if (options.replicate !== undefined) {
        args.push("REPLICATE", String(yield* argument.count("ADDJOB", "replicate", options.replicate, 1, 65_535)))
      }
      let delay = 0
      if (options.delay !== undefined) {
        delay = yield* argument.seconds("ADDJOB", "delay", options.delay, 0)
        args.push("DELAY", String(delay))
      }
      if (options.retry !== undefined) {
        args.push("RETRY", String(yield* argument.seconds("ADDJOB", "retry", options.retry, 0)))
      }
      let ttl = defaultTtlSeconds
      if (options.ttl !== undefined) {
        ttl = yield* argument.seconds("ADDJOB", "ttl", options.ttl, 1)
        args.push("TTL", String(ttl))
      }
      if (delay >= ttl) {
        return yield* Either.left(
          new InvalidArgument({
            subject: "ADDJOB",
            argument: "delay",
            value: `${delay} s`,
            expected: `less than the TTL of ${ttl} s, or the job would be deleted before it is queued`
          })
        )
      }
      if (options.maxLen !== undefined) {
        args.push(
          "MAXLEN",
          String(yield* argument.count("ADDJOB", "maxLen", options.maxLen, 1, Number.MAX_SAFE_INTEGER))
        )
      }
      if (options.async === true) args.push("ASYNC")
      return { args, serverMillis: timeout, queue: name }
    }),
  decode: readId
})

const readJob =
  (node: string): Reply.Reader<Job> =>
  (reply) => {
    const parts = Reply.tuple(3)(reply)
    const counters = Reply.record(parts.slice(3))
    return {
      queue: Reply.at(parts, 0, Reply.text),
      id: Reply.at(parts, 1, readId),
      body: Reply.at(parts, 2, Reply.bytes),
      nacks: Reply.field(counters, "nacks", Reply.integer),
      additionalDeliveries: Reply.field(counters, "additional-deliveries", Reply.integer),
      node
    }
  }

/** GETJOB: takes jobs from queues, waiting on the node for `waitMillis` at most (0: NOHANG). */
export const getJobs = Command.define({
  name: "GETJOB",
  blocks: true,
  isIdempotent: true,
  needsHolder: false,
  refusals: ["LEAVING"],
  encode: (queues: ReadonlyArray<string>, count: number, waitMillis: number) =>
    Either.right({
      args: [
        ...(waitMillis > 0 ? ["TIMEOUT", String(waitMillis)] : ["NOHANG"]),
        "COUNT",
        String(count),
        "WITHCOUNTERS",
        "FROM",
        ...queues
      ],
      serverMillis: waitMillis
    }),
  decode: (reply, node) => Reply.nullable(Reply.array(readJob(node)))(reply) ?? []
})

const ofJobs = (
  subject: string,
  jobs: JobRef | ReadonlyArray<JobRef>
): Either.Either<Command.Call, InvalidArgument> => {
  const all: ReadonlyArray<JobRef> = Array.isArray(jobs) ? jobs : [jobs as JobRef]
  if (all.length === 0) {
    return Either.left(
      new InvalidArgument({ subject, argument: "jobs", value: "none", expected: "at least one job or job id" })
    )
  }
  return Either.map(Either.all(all.map((job) => argument.jobId(subject, job))), (args) => {
    const first = all[0]
    return { args, holder: typeof first === "object" ? first.node : undefined }
  })
}

const ofJob = (subject: string, job: JobRef): Either.Either<Command.Call, InvalidArgument> => ofJobs(subject, [job])

/** ACKJOB: acknowledges jobs on every node that holds them. */
export const ackJobs = Command.define({
  name: "ACKJOB",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: (jobs: JobRef | ReadonlyArray<JobRef>) => ofJobs("ACKJOB", jobs),
  decode: Reply.integer
})

/** FASTACK: deletes jobs without making sure that every holder knows. */
export const fastAckJobs = Command.define({
  name: "FASTACK",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: (jobs: JobRef | ReadonlyArray<JobRef>) => ofJobs("FASTACK", jobs),
  decode: Reply.integer
})

/** NACK: puts jobs back, counting it against them. */
export const nackJobs = Command.define({
  name: "NACK",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: ["OOM"],
  encode: (jobs: JobRef | ReadonlyArray<JobRef>) => ofJobs("NACK", jobs),
  decode: Reply.integer
})

/** ENQUEUE: puts jobs back. */
export const enqueueJobs = Command.define({
  name: "ENQUEUE",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: ["OOM"],
  encode: (jobs: JobRef | ReadonlyArray<JobRef>) => ofJobs("ENQUEUE", jobs),
  decode: Reply.integer
})

/** WORKING: postpones the next delivery of a job by its retry time. */
export const working = Command.define({
  name: "WORKING",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: ["NOJOB", "TOOLATE"],
  encode: (job: JobRef) => ofJob("WORKING", job),
  decode: (reply) => Duration.seconds(Reply.integer(reply))
})

const states: ReadonlySet<string> = new Set<JobState>(["wait-repl", "active", "queued", "acked"])

const readState: Reply.Reader<JobState> = (reply) => {
  const state = Reply.text(reply)
  if (!states.has(state)) {
    throw new Reply.Mismatch({ expected: `one of ${[...states].join(", ")}`, actual: JSON.stringify(state) })
  }
  return state as JobState
}

const readSeconds: Reply.Reader<Duration.Duration> = (reply) => Duration.seconds(Reply.integer(reply))
const readMillis: Reply.Reader<Duration.Duration> = (reply) => Duration.millis(Reply.integer(reply))

const readJobInfo: Reply.Reader<JobInfo> = (reply) => {
  const fields = Reply.record(reply)
  return {
    id: Reply.field(fields, "id", readId),
    queue: Reply.field(fields, "queue", Reply.nullable(Reply.text)),
    state: Reply.field(fields, "state", readState),
    replicate: Reply.field(fields, "repl", Reply.integer),
    ttl: Reply.field(fields, "ttl", readSeconds),
    ctime: Reply.field(fields, "ctime", Reply.int64),
    delay: Reply.field(fields, "delay", readSeconds),
    retry: Reply.field(fields, "retry", readSeconds),
    nacks: Reply.field(fields, "nacks", Reply.integer),
    additionalDeliveries: Reply.field(fields, "additional-deliveries", Reply.integer),
    nodesDelivered: Reply.field(fields, "nodes-delivered", Reply.array(Reply.text)),
    nodesConfirmed: Reply.field(fields, "nodes-confirmed", Reply.array(Reply.text)),
    nextRequeueWithin: Reply.field(fields, "next-requeue-within", Reply.nullable(readMillis)),
    nextAwakeWithin: Reply.field(fields, "next-awake-within", Reply.nullable(readMillis)),
    body: Reply.field(fields, "body", Reply.nullable(Reply.bytes)),
    fields
  }
}

/** SHOW: what a node knows of a job; none where it does not know it. */
export const show = Command.define({
  name: "SHOW",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: (job: JobRef) => ofJob("SHOW", job),
  decode: (reply) => Option.fromNullable(Reply.nullable(readJobInfo)(reply))
})
