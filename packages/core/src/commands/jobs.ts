/** The commands that add, fetch, settle and show jobs. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { JsonMap, withJson } from "../internal/json.js"
import * as page from "../internal/page.js"
import type { Job, JobInfo, JobRef, JobState, PeekedJob } from "../Job.js"
import type { JobId } from "../JobId.js"
import * as Reply from "../Reply.js"

/** A job to be added. */
export interface NewJob {
  readonly queue: string
  /** At most 512 MB, as UTF-8 where it is text. Text with half of a surrogate pair is refused: it would arrive as another one. */
  readonly body: string | Uint8Array
  readonly options?: AddJobOptions | undefined
}

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
   * and at most 5 minutes unless told otherwise. 0 makes an at-most-once job: it is delivered once or never, and where the
   * cluster has two nodes or more it wants `replicate: 1`.
   */
  readonly retry?: Duration.DurationInput | undefined
  /** The time after which the job is deleted, delivered or not, in whole seconds; 1 day unless told otherwise, 7 in a `JobQueue`. */
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

// Disque takes more and keeps it in 32 bits, as milliseconds for the retry: a job with a longer one would come again at once,
// and one with a longer TTL would be gone.
const maxRetrySeconds = 4_294_967
export const maxTtlSeconds = 2_147_483_647

const readId: Reply.Reader<JobId> = (reply) => Reply.text(reply) as JobId

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

/** ADDJOB: adds a job to a queue. */
export const addJob = Command.define({
  name: "ADDJOB",
  summary: "Adds a job to a queue, and replies once as many copies exist as were asked for.",
  syntax: "queue body ms-timeout [REPLICATE n] [DELAY s] [RETRY s] [TTL s] [MAXLEN n] [ASYNC]",
  method: "addJob",
  blocks: false,
  isIdempotent: false,
  needsHolder: false,
  refusals: ["NOREPL", "MAXLEN", "PAUSED", "OOM", "LEAVING"],
  encode: input.checked(encodeAddJob),
  decode: readId
})

// Run for each job: names are compared as bytes, and a map is made for what is not known alone.
const readJob = (reply: Reply.Reply, node: string, likely: string): Job => {
  const parts = Reply.items(reply)
  let nacks: number | undefined
  let additionalDeliveries: number | undefined
  let more: Map<string, Reply.Reply> | undefined
  for (let i = 3; i + 1 < parts.length; i += 2) {
    const value = parts[i + 1] as Reply.Reply
    if (Reply.isText(parts[i], "nacks")) nacks = Reply.integer(value)
    else if (Reply.isText(parts[i], "additional-deliveries")) additionalDeliveries = Reply.integer(value)
    else {
      more ??= new JsonMap()
      more.set(Reply.at(parts, i, Reply.text), Reply.plain(value))
    }
  }
  if (nacks === undefined || additionalDeliveries === undefined) {
    throw new Reply.Mismatch({ expected: "a job with its counters", actual: Reply.describe(parts) })
  }
  const job = {
    queue: Reply.isText(parts[0], likely) ? likely : Reply.at(parts, 0, Reply.text),
    id: Reply.at(parts, 1, readId),
    body: Reply.at(parts, 2, Reply.bytes),
    nacks,
    additionalDeliveries,
    node
  }
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

/** GETJOB: takes jobs from queues, waiting on the node for `waitMillis` at most (0: NOHANG). */
export const getJobs = Command.define({
  name: "GETJOB",
  summary: "Takes jobs from the first queue that has some, and waits for a job if no queue has one.",
  syntax: "[NOHANG] [TIMEOUT ms] [COUNT n] [WITHCOUNTERS] FROM queue [queue …]",
  method: "getJobs",
  blocks: true,
  isIdempotent: true,
  needsHolder: false,
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

/** What the commands about one job have in common. */
const ofJob = (subject: string) =>
  input.checked((job: JobRef): Command.Call => ({ args: [input.jobId(subject, job)], holder: input.holder(job) }))

/** ACKJOB: acknowledges jobs on every node that holds them. */
export const ackJobs = Command.define({
  name: "ACKJOB",
  summary: "Acknowledges jobs on every node that holds them.",
  syntax: "id [id …]",
  method: "ackJob",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: ofJobs("ACKJOB"),
  decode: Reply.integer
})

/** FASTACK: deletes jobs without making sure that every holder knows. */
export const fastAckJobs = Command.define({
  name: "FASTACK",
  summary: "Acknowledges jobs without making sure that every holder hears of it.",
  syntax: "id [id …]",
  method: "fastAckJob",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: ofJobs("FASTACK"),
  decode: Reply.integer
})

/** NACK: puts jobs back, counting it against them. */
export const nackJobs = Command.define({
  name: "NACK",
  summary: "Puts jobs back into their queues at once, which counts in their `nacks`.",
  syntax: "id [id …]",
  method: "nackJob",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: ["OOM"],
  encode: ofJobs("NACK"),
  decode: Reply.integer
})

/** ENQUEUE: puts jobs back. */
export const enqueueJobs = Command.define({
  name: "ENQUEUE",
  summary: "Puts jobs back into their queues at once, which counts in their `additionalDeliveries`.",
  syntax: "id [id …]",
  method: "enqueueJob",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: ["OOM"],
  encode: ofJobs("ENQUEUE"),
  decode: Reply.integer
})

/** DEQUEUE: takes jobs out of the node's queue, without delivering them. */
export const dequeueJobs = Command.define({
  name: "DEQUEUE",
  summary: "Takes jobs out of their queue on one node without delivering them. They come again after their retry time.",
  syntax: "id [id …]",
  method: "dequeueJob",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: ofJobs("DEQUEUE"),
  decode: Reply.integer
})

/** DELJOB: deletes the node's copy of jobs. */
export const deleteJobs = Command.define({
  name: "DELJOB",
  summary: "Deletes one node's copies of jobs. Other holders still deliver the jobs.",
  syntax: "id [id …]",
  method: "deleteJob",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: ofJobs("DELJOB"),
  decode: Reply.integer
})

const readSeconds: Reply.Reader<Duration.Duration> = (reply) => Duration.seconds(Reply.integer(reply))
const readMillis: Reply.Reader<Duration.Duration> = (reply) => Duration.millis(Reply.integer(reply))

/** WORKING: postpones the next delivery of a job by its retry time. */
export const working = Command.define({
  name: "WORKING",
  summary: "Postpones the next delivery of a job by its retry time, and gives that time.",
  syntax: "id",
  method: "working",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: ["NOJOB", "TOOLATE"],
  encode: ofJob("WORKING"),
  decode: readSeconds
})

const states: ReadonlyArray<JobState> = ["wait-repl", "active", "queued", "acked"]

const readState: Reply.Reader<JobState> = (reply) => {
  const text = Reply.text(reply)
  const state = states.find((state) => state === text)
  if (state !== undefined) return state
  throw new Reply.Mismatch({ expected: `one of ${states.join(", ")}`, actual: Reply.quote(text) })
}

const readTexts = Reply.array(Reply.text)

const readJobInfo: Reply.Reader<JobInfo> = (reply) => {
  const fields = Reply.record(reply)
  return withJson<JobInfo>({
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
    nodesDelivered: Reply.field(fields, "nodes-delivered", readTexts),
    nodesConfirmed: Reply.field(fields, "nodes-confirmed", readTexts),
    nextRequeueWithin: Reply.field(fields, "next-requeue-within", Reply.nullable(readMillis)),
    nextAwakeWithin: Reply.field(fields, "next-awake-within", Reply.nullable(readMillis)),
    body: Reply.field(fields, "body", Reply.nullable(Reply.bytes)),
    fields
  })
}

/** SHOW: what a node knows of a job; none where it does not know it. */
export const show = Command.define({
  name: "SHOW",
  summary: "Gives what a node knows of a job.",
  syntax: "id",
  method: "show",
  blocks: false,
  isIdempotent: true,
  needsHolder: true,
  refusals: [],
  encode: ofJob("SHOW"),
  decode: (reply): Option.Option<JobInfo> => (reply === null ? Option.none() : Option.some(readJobInfo(reply)))
})

const readPeeked: Reply.Reader<PeekedJob> = (reply) => {
  const parts = Reply.tuple(3)(reply)
  return {
    queue: Reply.at(parts, 0, Reply.text),
    id: Reply.at(parts, 1, readId),
    body: Reply.at(parts, 2, Reply.bytes)
  }
}

/** Which jobs of a queue to look at. */
export interface PeekOptions {
  /** The most jobs to show; 1 unless told otherwise. */
  readonly count?: number | undefined
  /** Whether to begin with the job that would be delivered first (`oldest`, unless told otherwise) or with the last one. */
  readonly from?: "oldest" | "newest" | undefined
}

/** QPEEK: shows jobs of a node's queue without taking them. */
export const peek = Command.define({
  name: "QPEEK",
  summary: "Shows jobs of a node's queue without taking them.",
  syntax: "queue count",
  method: "peek",
  blocks: false,
  isIdempotent: true,
  needsHolder: false,
  refusals: [],
  encode: input.checked((queue: string, given?: PeekOptions): Command.Call => {
    const name = input.queue("QPEEK", queue)
    const options = input.options("QPEEK", given)
    const count = input.count("QPEEK", "count", options.count ?? 1, 1, Number.MAX_SAFE_INTEGER)
    const from = input.oneOf("QPEEK", "from", options.from ?? "oldest", ["oldest", "newest"])
    return { args: [name, String(from === "newest" ? -count : count)], queue: name }
  }),
  decode: Reply.array(readPeeked)
})

/** Which jobs to look for. */
export interface JobsOptions {
  /** Jobs of this queue; of all queues unless told otherwise. */
  readonly queue?: string | undefined
  /** Jobs in one of these states, as the node sees them; in any unless told otherwise. */
  readonly states?: ReadonlyArray<JobState> | undefined
  /** About how many jobs a page has; 100 unless told otherwise. */
  readonly pageSize?: number | undefined
}

const encodeScan =
  (reply: "id" | "all") =>
  (cursor: string, given?: JobsOptions): Command.Call => {
    const options = input.options("JSCAN", given)
    const pageSize = input.count("JSCAN", "pageSize", options.pageSize ?? 100, 1, 1_000_000)
    const args = [page.readCursor("JSCAN", cursor), "COUNT", String(pageSize)]
    if (options.queue !== undefined) args.push("QUEUE", input.queue("JSCAN", options.queue))
    const wanted = options.states ?? []
    if (!Array.isArray(wanted)) input.refuse("JSCAN", "states", input.show(wanted), "an array of states")
    for (const state of wanted) args.push("STATE", input.oneOf("JSCAN", "state", state, states))
    args.push("REPLY", reply)
    return { args, ...(options.queue === undefined ? {} : { queue: options.queue }) }
  }

/** JSCAN: a page of the jobs that a node knows. */
export const scanJobs = Command.define({
  name: "JSCAN",
  summary: "Gives a page of what a node knows of its jobs.",
  syntax: "cursor [COUNT n] [QUEUE queue] [STATE state …] REPLY all",
  method: "jobs",
  blocks: false,
  isIdempotent: true,
  needsHolder: false,
  refusals: [],
  encode: input.checked(encodeScan("all")),
  decode: page.readPage(readJobInfo)
})

/** JSCAN: a page of the ids of the jobs that a node knows. */
export const scanJobIds = Command.define({
  name: "JSCAN",
  summary: "Gives a page of the ids of the jobs that a node knows.",
  syntax: "cursor [COUNT n] [QUEUE queue] [STATE state …] REPLY id",
  method: "jobIds",
  blocks: false,
  isIdempotent: true,
  needsHolder: false,
  refusals: [],
  encode: input.checked(encodeScan("id")),
  decode: page.readPage(readId)
})
