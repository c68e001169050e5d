/**
 * Jobs as GETJOB delivers them and as SHOW describes them.
 *
 * `JSON.stringify` takes everything here. A delivered job is a plain object, and its body becomes what JSON makes of a
 * `Uint8Array`, one number for each byte: `toJson(job)` reads better. There, in jobs of queues with a type and in what SHOW tells
 * (`JobInfo`), the body is text, or `{ "base64": "…" }` where it is no UTF-8.
 */
import type * as Duration from "effect/Duration"
import type { JobId } from "./JobId.js"
import type { Reply } from "./Reply.js"

/** A job that waits in its queue, as QPEEK shows it. */
export interface PeekedJob {
  readonly queue: string
  readonly id: JobId
  /** The body, byte for byte as it was added. */
  readonly body: Uint8Array
}

/** A delivered job. */
export interface Job extends PeekedJob {
  /** How often it was put back by NACK; best effort, counted by each node. */
  readonly nacks: number
  /** How often it was delivered again for other reasons than a NACK; best effort, counted by each node. */
  readonly additionalDeliveries: number
  /** The address of the node it was fetched from: what is done with the job goes there. */
  readonly node: string
  /** What else the node told of it, by name; absent where that is nothing. */
  readonly more?: ReadonlyMap<string, Reply>
}

/** What a command about a job takes: the job, which may know the node that it came from, or its id alone. */
export type JobRef = { readonly id: JobId; readonly node?: string } | JobId | (string & {})

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** The body as text (UTF-8). */
export const text = (job: { readonly body: Uint8Array }): string => decoder.decode(job.body)

/**
 * - `wait-repl`: waits for its copies
 * - `active`: delivered, delayed or a copy on a node that has not queued it
 * - `queued`: in its queue
 * - `acked`: acknowledged, kept until every holder knows
 */
export type JobState = "wait-repl" | "active" | "queued" | "acked"

/** What one node knows of a job (SHOW). */
export interface JobInfo {
  readonly id: JobId
  /** `null` for an acknowledgement that came before the job. */
  readonly queue: string | null
  readonly state: JobState
  /** The number of copies asked for. */
  readonly replicate: number
  /** The time left to live, in whole seconds. */
  readonly ttl: Duration.Duration
  /** Creation: milliseconds since 1970 × 10⁶ plus a sequence number within the millisecond. */
  readonly ctime: bigint
  readonly delay: Duration.Duration
  readonly retry: Duration.Duration
  readonly nacks: number
  readonly additionalDeliveries: number
  /** Ids of the nodes that may hold a copy. */
  readonly nodesDelivered: ReadonlyArray<string>
  /** Ids of the nodes that confirmed a copy, or its acknowledgement. */
  readonly nodesConfirmed: ReadonlyArray<string>
  /** The time to the next time it is queued, in milliseconds; `null` where it will not be. */
  readonly nextRequeueWithin: Duration.Duration | null
  /** The time to the next time that the node looks after it, in milliseconds. */
  readonly nextAwakeWithin: Duration.Duration | null
  readonly body: Uint8Array | null
  /** The fields as they came, those that later versions add among them. */
  readonly fields: ReadonlyMap<string, Reply>
}
