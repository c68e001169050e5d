/**
 * Jobs as GETJOB delivers them and as SHOW describes them.
 *
 * `JSON.stringify` accepts every value here. A delivered job is a plain object, and JSON writes its body as one number for each
 * byte. `toJson(job)` is easier to read: it writes the body as text, or as `{ "base64": "…" }` if the body is not UTF-8. Jobs of
 * typed queues and what SHOW tells (`JobInfo`) are written like that by themselves.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { JobId } from "./JobId.js"
import type { Reply } from "./Reply.js"

/**
 * A job that waits in its queue, as QPEEK shows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeekedJob {
  readonly queue: string
  readonly id: JobId
  /** The body, byte for byte as it was added. */
  readonly body: Uint8Array
}

/**
 * A delivered job.
 *
 * @since 0.1.0
 * @category models
 */
export interface Job extends PeekedJob {
  /** How often the job was put back by NACK; best effort, counted by each node. */
  readonly nacks: number
  /** How often the job was delivered again for reasons other than a NACK; best effort, counted by each node. */
  readonly additionalDeliveries: number
  /** The address of the node that the job was fetched from. Commands about the job go there. */
  readonly node: string
  /** Further fields that the node gave, by name; absent if there are none. */
  readonly more?: ReadonlyMap<string, Reply>
}

/**
 * What a command about a job takes: the job, which knows the node that it came from, or only the id of the job.
 *
 * @since 0.1.0
 * @category models
 */
export type JobRef = { readonly id: JobId; readonly node?: string } | JobId | (string & {})

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * The body as text (UTF-8).
 *
 * @example
 * ```ts
 * import { DisquePool, Job } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const bodies = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   const jobs = yield* pool.getJobs("greetings", { count: 10, timeout: "1 second" })
 *   return jobs.map(Job.text)
 * })
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const text = (job: { readonly body: Uint8Array }): string => decoder.decode(job.body)

/**
 * The state of a job on one node.
 *
 * - `wait-repl`: the job waits for its copies
 * - `active`: the job was delivered, or is delayed, or is a copy on a node that has not queued it
 * - `queued`: the job is in its queue
 * - `acked`: the job was acknowledged, and is kept until every holder knows
 *
 * @since 0.1.0
 * @category models
 */
export type JobState = "wait-repl" | "active" | "queued" | "acked"

/**
 * What one node knows of a job (SHOW).
 *
 * @since 0.1.0
 * @category models
 */
export interface JobInfo {
  readonly id: JobId
  /** `null` if the node knows only an acknowledgement of the job, and not the job. */
  readonly queue: string | null
  readonly state: JobState
  /** The number of copies that were asked for. */
  readonly replicate: number
  /** The time left to live, in whole seconds. */
  readonly ttl: Duration.Duration
  /** When the job was created: milliseconds since 1970 × 10⁶, plus a sequence number within the millisecond. */
  readonly ctime: bigint
  readonly delay: Duration.Duration
  readonly retry: Duration.Duration
  readonly nacks: number
  readonly additionalDeliveries: number
  /** Ids of the nodes that may hold a copy. */
  readonly nodesDelivered: ReadonlyArray<string>
  /** Ids of the nodes that confirmed a copy, or the acknowledgement of the job. */
  readonly nodesConfirmed: ReadonlyArray<string>
  /** The time until the job is queued again, in milliseconds; `null` if it will not be queued again. */
  readonly nextRequeueWithin: Duration.Duration | null
  /** The time until the node next looks at the job, in milliseconds. */
  readonly nextAwakeWithin: Duration.Duration | null
  readonly body: Uint8Array | null
  /** All fields as they came, including those that later versions of Disque may add. */
  readonly fields: ReadonlyMap<string, Reply>
}
