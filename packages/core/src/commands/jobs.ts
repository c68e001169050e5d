/** The commands that add, fetch and settle jobs. */
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { JsonMap } from "../internal/json.js"
import { readId, readSeconds } from "../internal/readers.js"
import { isText } from "../internal/text.js"
import type { Job, JobRef } from "../Job.js"
import type { JobId } from "../JobId.js"
import * as Reply from "../Reply.js"

/**
 * A job to be added.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewJob {
  readonly queue: string
  /** At most 512 MB; text is sent as UTF-8. Text with half of a surrogate pair is refused, because it would arrive as another text. */
  readonly body: string | Uint8Array
  readonly options?: AddJobOptions | undefined
}

/**
 * How a job is added. Disque counts in whole seconds: a time that has a fraction of a second is refused.
 *
 * @since 0.1.0
 * @category options
 */
export interface AddJobOptions {
  /** How long the node may take to make the copies asked for; at least 1 ms. Default: 5 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** How many nodes hold a copy before the command succeeds. Default: 3, or as many as the cluster has. */
  readonly replicate?: number | undefined
  /** The time before the job is put into its queue, in whole seconds, less than `ttl`. */
  readonly delay?: Duration.DurationInput | undefined
  /**
   * The time after which a job that was queued and not acknowledged is queued again, in whole seconds. Default: a tenth of the TTL, and
   * at most 5 minutes. 0 makes an at-most-once job, which is delivered once or never. In a cluster of two nodes or more, such a job
   * needs `replicate: 1`.
   */
  readonly retry?: Duration.DurationInput | undefined
  /** The time after which the job is deleted, delivered or not, in whole seconds. Default: 1 day; 7 days in a `JobQueue`. */
  readonly ttl?: Duration.DurationInput | undefined
  /** The job is refused (`QueueTooLong`) if the queue on the node has this many jobs already. */
  readonly maxLen?: number | undefined
  /** Whether the command succeeds before the copies are made. Default: false. */
  readonly async?: boolean | undefined
}

/**
 * How jobs are fetched.
 *
 * @since 0.1.0
 * @category options
 */
export interface GetJobsOptions {
  /** How long to wait for a job; 0 takes only jobs that are there already (NOHANG). Default: forever. */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * The most jobs to take. Default: 1. A call that has to wait gets one job, however many it asks for: it gets more only if they are
   * queued already.
   */
  readonly count?: number | undefined
}

const defaultTimeoutMillis = 5000
const defaultTtlSeconds = 86_400

// Disque takes more and keeps it in 32 bits, as milliseconds for the retry: a job with a longer one would come again at once,
// and one with a longer TTL would be gone.
const maxRetrySeconds = 4_294_967
export const maxTtlSeconds = 2_147_483_647

const encodeAddJob = (queue: string, body: string | Uint8Array, given?: AddJobOptions): Command.Call => {
  const name = input.queue("ADDJOB", queue)
  const content = input.body("ADDJOB", body)
  if (given === undefined) {
    const args = [name, content, String(defaultTimeoutMillis)]
    return { args, serverMillis: defaultTimeoutMillis, queue: name, waits: true }
  }
  const options = input.options("ADDJOB", given)
  const timeout =
    options.timeout === undefined ? defaultTimeoutMillis : input.wait("ADDJOB", "timeout", options.timeout, 1)
  const replicate =
    options.replicate === undefined ? 0 : input.count("ADDJOB", "replicate", options.replicate, 1, 65_535)
  // An array that grows takes room for many more.
  const args: Array<string | Uint8Array> =
    replicate === 0
      ? [name, content, String(timeout)]
      : [name, content, String(timeout), "REPLICATE", String(replicate)]
  let delay = 0
  if (options.delay !== undefined) {
    delay = input.seconds("ADDJOB", "delay", options.delay, 0, maxTtlSeconds)
    args.push("DELAY", String(delay))
  }
  if (options.retry !== undefined) {
    const retry = input.seconds("ADDJOB", "retry", options.retry, 0, maxRetrySeconds)
    args.push("RETRY", String(retry))
    if (retry === 0 && replicate > 1) {
      input.refuse(
        "ADDJOB",
        "replicate",
        String(replicate),
        "1 where retry is 0: a job that never comes again has no use for copies"
      )
    }
  }
  let ttl = defaultTtlSeconds
  if (options.ttl !== undefined) {
    ttl = input.seconds("ADDJOB", "ttl", options.ttl, 1, maxTtlSeconds)
    args.push("TTL", String(ttl))
  }
  if (delay >= ttl) {
    const expected = `less than the TTL of ${ttl} s, or the job would be deleted before it is queued`
    input.refuse("ADDJOB", "delay", `${delay} s`, expected)
  }
  if (options.maxLen !== undefined) {
    args.push("MAXLEN", String(input.count("ADDJOB", "maxLen", options.maxLen, 1, Number.MAX_SAFE_INTEGER)))
  }
  const isAsync = input.flag("ADDJOB", "async", options.async)
  if (isAsync) args.push("ASYNC")
  return { args, serverMillis: timeout, queue: name, waits: replicate !== 1 && !isAsync }
}

/**
 * ADDJOB: adds a job to a queue.
 *
 * @example
 * ```ts
 * import { Commands, DisquePool } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // The same as `pool.addJob("emails", "hello")`, in two steps: what is wrong with the arguments is known before anything is sent.
 * const program = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   const command = yield* Commands.addJob.make("emails", "hello", { delay: "1 minute" })
 *   return yield* pool.execute(command)
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const addJob = Command.define({
  name: "ADDJOB",
  summary: "Adds a job to a queue, and replies once as many copies exist as were asked for.",
  syntax: "queue body ms-timeout [REPLICATE n] [DELAY s] [RETRY s] [TTL s] [MAXLEN n] [ASYNC]",
  method: "addJob",
  refusals: ["NOREPL", "MAXLEN", "PAUSED", "OOM", "LEAVING"],
  encode: input.checked(encodeAddJob),
  decode: readId
})

// A job is a plain object, but not a literal: V8 would take literals to live long where many are fetched, and allocate them where only a
// full collection frees them and their bodies.
const FetchedJob = function (
  this: { -readonly [K in keyof Job]: Job[K] },
  queue: string,
  id: JobId,
  body: Uint8Array,
  nacks: number,
  additionalDeliveries: number,
  node: string
) {
  this.queue = queue
  this.id = id
  this.body = body
  this.nacks = nacks
  this.additionalDeliveries = additionalDeliveries
  this.node = node
} as unknown as new (
  ...fields: [string, JobId, Uint8Array, number, number, string]
) => Job
FetchedJob.prototype = Object.prototype

// Run for each job: names are compared as bytes, and a map is made for what is not known alone.
const readJob = (reply: Reply.Reply, node: string, likely: string): Job => {
  const parts = Reply.items(reply)
  let nacks: number | undefined
  let additionalDeliveries: number | undefined
  let more: Map<string, Reply.Reply> | undefined
  for (let i = 3; i + 1 < parts.length; i += 2) {
    const value = parts[i + 1] as Reply.Reply
    if (isText(parts[i], "nacks")) nacks = Reply.integer(value)
    else if (isText(parts[i], "additional-deliveries")) additionalDeliveries = Reply.integer(value)
    else {
      more ??= new JsonMap()
      more.set(Reply.at(parts, i, Reply.text), Reply.plain(value))
    }
  }
  if (nacks === undefined || additionalDeliveries === undefined) {
    throw new Reply.Mismatch({ expected: "a job with its counters", actual: Reply.describe(parts) })
  }
  const job = new FetchedJob(
    isText(parts[0], likely) ? likely : Reply.at(parts, 0, Reply.text),
    Reply.at(parts, 1, readId),
    Reply.at(parts, 2, Reply.bytes),
    nacks,
    additionalDeliveries,
    node
  )
  return more === undefined ? job : { ...job, more }
}

const readJobs = (reply: Reply.Reply, node: string): ReadonlyArray<Job> => {
  if (reply === null) return []
  let queue = ""
  return Reply.items(reply).map((reply) => {
    const job = readJob(reply, node, queue)
    queue = job.queue
    return job
  })
}

/**
 * GETJOB: takes jobs from queues. The node waits for a job for `waitMillis` at most; with 0 it does not wait (NOHANG).
 *
 * @example
 * ```ts
 * import { Commands } from "@disco/core"
 * import { Either } from "effect"
 *
 * // What `getJobs` sends. `execute` does not take it, because the others would wait for it.
 * const words = Either.map(Commands.getJobs.make(["emails"], 10, 5000), ({ wire }) => wire.join(" "))
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const getJobs = Command.define({
  name: "GETJOB",
  summary: "Takes jobs from the first queue that has some, and waits for a job if no queue has one.",
  syntax: "[NOHANG] [TIMEOUT ms] [COUNT n] [WITHCOUNTERS] FROM queue [queue …]",
  method: "getJobs",
  blocks: true,
  isIdempotent: true,
  refusals: ["LEAVING"],
  encode: (queues: ReadonlyArray<string>, count: number, waitMillis: number) =>
    Either.right({
      args:
        waitMillis > 0
          ? ["TIMEOUT", String(waitMillis), "COUNT", String(count), "WITHCOUNTERS", "FROM", ...queues]
          : ["NOHANG", "COUNT", String(count), "WITHCOUNTERS", "FROM", ...queues],
      serverMillis: waitMillis
    }),
  decode: readJobs
})

/** What the commands about several jobs have in common. */
const ofJobs = (subject: string) =>
  input.checked(
    (jobs: JobRef | ReadonlyArray<JobRef>): Command.Call => ({
      args: input.jobIds(subject, jobs),
      holder: input.holder(Array.isArray(jobs) ? jobs[0] : jobs)
    })
  )

/**
 * ACKJOB: acknowledges jobs on every node that holds them.
 *
 * @example
 * ```ts
 * import { Commands, DisquePool, type JobId } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // For a tool whose user names the command.
 * const settling = {
 *   ack: Commands.ackJobs,
 *   fastack: Commands.fastAckJobs,
 *   nack: Commands.nackJobs,
 *   enqueue: Commands.enqueueJobs,
 *   dequeue: Commands.dequeueJobs,
 *   delete: Commands.deleteJobs
 * }
 *
 * const settle = (how: keyof typeof settling, id: JobId.JobId) =>
 *   Effect.gen(function* () {
 *     const pool = yield* DisquePool
 *     return yield* pool.execute(yield* settling[how].make(id))
 *   })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const ackJobs = Command.define({
  name: "ACKJOB",
  summary: "Acknowledges jobs on every node that holds them.",
  syntax: "id [id …]",
  method: "ackJob",
  isIdempotent: true,
  needsHolder: true,
  encode: ofJobs("ACKJOB"),
  decode: Reply.integer
})

/**
 * FASTACK: acknowledges jobs without making sure that every holder hears of it.
 *
 * @see {@link ackJobs}
 * @since 0.1.0
 * @category commands
 */
export const fastAckJobs = Command.define({
  name: "FASTACK",
  summary: "Acknowledges jobs without making sure that every holder hears of it.",
  syntax: "id [id …]",
  method: "fastAckJob",
  isIdempotent: true,
  needsHolder: true,
  encode: ofJobs("FASTACK"),
  decode: Reply.integer
})

/**
 * NACK: puts jobs back at once, which counts in their `nacks`.
 *
 * @see {@link ackJobs}
 * @since 0.1.0
 * @category commands
 */
export const nackJobs = Command.define({
  name: "NACK",
  summary: "Puts jobs back into their queues at once, which counts in their `nacks`.",
  syntax: "id [id …]",
  method: "nackJob",
  isIdempotent: true,
  needsHolder: true,
  refusals: ["OOM"],
  encode: ofJobs("NACK"),
  decode: Reply.integer
})

/**
 * ENQUEUE: puts jobs back at once, which counts in their `additionalDeliveries`.
 *
 * @see {@link ackJobs}
 * @since 0.1.0
 * @category commands
 */
export const enqueueJobs = Command.define({
  name: "ENQUEUE",
  summary: "Puts jobs back into their queues at once, which counts in their `additionalDeliveries`.",
  syntax: "id [id …]",
  method: "enqueueJob",
  isIdempotent: true,
  needsHolder: true,
  refusals: ["OOM"],
  encode: ofJobs("ENQUEUE"),
  decode: Reply.integer
})

/**
 * DEQUEUE: takes jobs out of their queue on one node, without delivering them.
 *
 * @see {@link ackJobs}
 * @since 0.1.0
 * @category commands
 */
export const dequeueJobs = Command.define({
  name: "DEQUEUE",
  summary: "Takes jobs out of their queue on one node without delivering them. They come again after their retry time.",
  syntax: "id [id …]",
  method: "dequeueJob",
  isIdempotent: true,
  needsHolder: true,
  encode: ofJobs("DEQUEUE"),
  decode: Reply.integer
})

/**
 * DELJOB: deletes the copies of jobs that one node has.
 *
 * @see {@link ackJobs}
 * @since 0.1.0
 * @category commands
 */
export const deleteJobs = Command.define({
  name: "DELJOB",
  summary: "Deletes one node's copies of jobs. Other holders still deliver the jobs.",
  syntax: "id [id …]",
  method: "deleteJob",
  isIdempotent: true,
  needsHolder: true,
  encode: ofJobs("DELJOB"),
  decode: Reply.integer
})

/**
 * WORKING: postpones the next delivery of a job by its retry time.
 *
 * @example
 * ```ts
 * import { Commands, DisquePool, type Job } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const renew = (job: Job.Job) =>
 *   Effect.gen(function* () {
 *     const pool = yield* DisquePool
 *     return yield* pool.execute(yield* Commands.working.make(job))
 *   })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const working = Command.define({
  name: "WORKING",
  summary: "Postpones the next delivery of a job by its retry time, and gives that time.",
  syntax: "id",
  method: "working",
  isIdempotent: true,
  needsHolder: true,
  refusals: ["NOJOB", "TOOLATE"],
  encode: input.checked(
    (job: JobRef): Command.Call => ({ args: [input.jobId("WORKING", job)], holder: input.holder(job) })
  ),
  decode: readSeconds
})
