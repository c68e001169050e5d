/** The commands that look at jobs without taking them. */
import * as Option from "effect/Option"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { withJson } from "../internal/json.js"
import * as page from "../internal/page.js"
import { readId, readMillis, readSeconds } from "../internal/readers.js"
import { quote } from "../internal/text.js"
import type { JobInfo, JobRef, JobState, PeekedJob } from "../Job.js"
import * as Reply from "../Reply.js"

const states: ReadonlyArray<JobState> = ["wait-repl", "active", "queued", "acked"]

const readState: Reply.Reader<JobState> = (reply) => {
  const text = Reply.text(reply)
  const state = states.find((state) => state === text)
  if (state !== undefined) return state
  throw new Reply.Mismatch({ expected: `one of ${states.join(", ")}`, actual: quote(text) })
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

/**
 * SHOW: what a node knows of a job; `Option.none()` if the node does not know the job.
 *
 * @example
 * ```ts
 * import { Commands, DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // One page each. The methods `jobs` and `jobIds` go through all pages.
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const oldest = yield* disque.execute(yield* Commands.peek.make("emails", { count: 1 }))
 *   const ids = yield* disque.execute(yield* Commands.scanJobIds.make("0", { queue: "emails" }))
 *   const jobs = yield* disque.execute(yield* Commands.scanJobs.make("0", { states: ["queued"] }))
 *   const shown = yield* disque.execute(yield* Commands.show.make("D-1caf0be1-lWEsUi3fZ8Q8A0ZBUGh/c49Y-2761"))
 *   return { oldest, ids, jobs, shown }
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const show = Command.define({
  name: "SHOW",
  summary: "Gives what a node knows of a job.",
  syntax: "id",
  method: "show",
  isIdempotent: true,
  needsHolder: true,
  encode: input.checked(
    (job: JobRef): Command.Call => ({ args: [input.jobId("SHOW", job)], holder: input.holder(job) })
  ),
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

/**
 * Which jobs of a queue to look at.
 *
 * @since 0.1.0
 * @category options
 */
export interface PeekOptions {
  /** The most jobs to show. Default: 1. */
  readonly count?: number | undefined
  /** Whether to begin with the job that would be delivered first (`oldest`, the default) or with the last one (`newest`). */
  readonly from?: "oldest" | "newest" | undefined
}

/**
 * QPEEK: shows jobs of a node's queue without taking them.
 *
 * @see {@link show}
 * @since 0.1.0
 * @category commands
 */
export const peek = Command.define({
  name: "QPEEK",
  summary: "Shows jobs of a node's queue without taking them.",
  syntax: "queue count",
  method: "peek",
  isIdempotent: true,
  encode: input.checked((queue: string, given?: PeekOptions): Command.Call => {
    const name = input.queue("QPEEK", queue)
    const options = input.options("QPEEK", given)
    const count = input.count("QPEEK", "count", options.count ?? 1, 1, Number.MAX_SAFE_INTEGER)
    const from = input.oneOf("QPEEK", "from", options.from ?? "oldest", ["oldest", "newest"])
    return { args: [name, String(from === "newest" ? -count : count)], queue: name }
  }),
  decode: Reply.array(readPeeked)
})

/**
 * Which jobs to look for.
 *
 * @since 0.1.0
 * @category options
 */
export interface JobsOptions {
  /** Jobs of this queue. Default: of all queues. */
  readonly queue?: string | undefined
  /** Jobs that are in one of these states on the node. Default: in any state. */
  readonly states?: ReadonlyArray<JobState> | undefined
  /** About how many jobs a page has. Default: 100. */
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

/**
 * JSCAN: a page of the jobs that a node knows.
 *
 * @see {@link show}
 * @since 0.1.0
 * @category commands
 */
export const scanJobs = Command.define({
  name: "JSCAN",
  summary: "Gives a page of what a node knows of its jobs.",
  syntax: "cursor [COUNT n] [QUEUE queue] [STATE state …] REPLY all",
  method: "jobs",
  isIdempotent: true,
  encode: input.checked(encodeScan("all")),
  decode: page.readPage(readJobInfo)
})

/**
 * JSCAN: a page of the ids of the jobs that a node knows.
 *
 * @see {@link show}
 * @since 0.1.0
 * @category commands
 */
export const scanJobIds = Command.define({
  name: "JSCAN",
  summary: "Gives a page of the ids of the jobs that a node knows.",
  syntax: "cursor [COUNT n] [QUEUE queue] [STATE state …] REPLY id",
  method: "jobIds",
  isIdempotent: true,
  encode: input.checked(encodeScan("id")),
  decode: page.readPage(readId)
})
