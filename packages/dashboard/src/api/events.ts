/**
 * What the server pushes: streams of server-sent events, for `EventSource`.
 *
 * Each screen has a stream, with the parameters of the answer that it shows: `GET /api/events/queues?search=mail` pushes what
 * `GET /api/queues?search=mail` answers. A stream begins with a `status` and an `update`, as soon as they are known, so that a screen
 * needs no request beside it. The browser connects again by itself, and then gets everything anew.
 *
 * | event | data | when |
 * |---|---|---|
 * | `update` | the answer, as JSON | after each look at the cluster, about every 2 seconds, if it has changed |
 * | `status` | a `Status`, as JSON | at first, each time that a node stops or begins to answer, and every 15 seconds |
 * | `end` | an `End`, as JSON | the server ends the stream: close it, and ask `GET /api/session` |
 *
 * While no node answers there are no updates: what was known is shown until it is known anew.
 */
import * as Schema from "effect/Schema"
import type { ClusterAnswer } from "./cluster.js"
import type { JobAnswer } from "./jobs.js"
import type { QueueAnswer, QueuesPage } from "./queues.js"
import type { WorkersAnswer } from "./workers.js"

/** Why the server ends a stream: the session has expired, or the server closes. */
export const End = Schema.Struct({ reason: Schema.Literal("session", "closing") })
export type End = typeof End.Type

/** The streams, and the data of their updates. `status` has no updates: it is for screens that show nothing live. */
export interface Updates {
  readonly queues: QueuesPage
  readonly queue: QueueAnswer
  readonly job: JobAnswer
  readonly cluster: ClusterAnswer
  readonly workers: WorkersAnswer
  readonly status: never
}
