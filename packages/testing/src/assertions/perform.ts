import type { JobId, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import * as Effect from "effect/Effect"

/**
 * What a handler is told of the job that it performs.
 *
 * @since 0.1.0
 * @category options
 */
export interface Performance {
  /** The number of the attempt. Default: 1. */
  readonly attempt?: number | undefined
  /** How often the job was put back. Default: 0. */
  readonly nacks?: number | undefined
  /** How often the job was delivered again. Default: 0. */
  readonly additionalDeliveries?: number | undefined
}

// The id of a job that no node has.
const id = "D-00000000-000000000000000000000000-05a1" as JobId.JobId

const encoder = new TextEncoder()

/**
 * Calls a handler with a payload as it would arrive: the payload is encoded to a body as `add` does (with the span, if the queue is
 * `traced`), and decoded as a worker does. It gives what the handler gives, and needs neither a node nor a layer.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { assert, it } from "@effect/vitest"
 * import { Effect, Schema } from "effect"
 *
 * const reports = JobQueue.make("reports", { payload: Schema.Struct({ day: Schema.Date }) })
 *
 * it.effect("a report is named after its day", () =>
 *   Effect.gen(function* () {
 *     const name = yield* DiscoTest.perform(
 *       reports,
 *       ({ day }) => Effect.succeed(`report of ${day.toISOString().slice(0, 10)}`),
 *       { day: new Date("2026-03-29") }
 *     )
 *     assert.strictEqual(name, "report of 2026-03-29")
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category handlers
 */
export const perform = <A, I, RQ, B, E, R>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  handler: (payload: A, current: Worker.JobInHand) => Effect.Effect<B, E, R>,
  payload: A,
  { additionalDeliveries = 0, attempt = 1, nacks = 0 }: Performance = {}
): Effect.Effect<B, E | JobQueue.InvalidPayload, Exclude<R, Worker.CurrentJob> | RQ> =>
  Effect.gen(function* () {
    const encoded = yield* queue.encode(payload)
    const body = typeof encoded === "string" ? encoder.encode(encoded) : encoded
    const job = { queue: queue.name, id, body, nacks, additionalDeliveries, node: "127.0.0.1:7711" }
    const opened = yield* queue.open(job)
    const inHand: Worker.JobInHand = { job, attempt, ack: Effect.void }
    return yield* Effect.provideService(handler(opened.payload, inHand), Worker.CurrentJob, inHand)
  })
