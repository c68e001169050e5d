/**
 * Workers that tell others what they do: the dashboard shows them, wherever they run.
 *
 * A report is a job in a queue of its own, `disco.workers`, which nobody fetches: it is looked at by QPEEK, and is deleted after three
 * times the interval, which is its TTL. It has one copy, and is never delivered again. So a worker costs the cluster one ADDJOB in 5
 * seconds at most, and room for three small jobs. The queue takes no more than 3,000 reports on a node (MAXLEN); further ones are lost.
 *
 * @since 0.1.0
 */
import { type CommandError, DisquePool, type InvalidArgument, type Job } from "@disco/core"
import { OptionReader, reportQueue } from "@disco/core/internal"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { quietly } from "../internal/quietly.js"
import { running } from "./running.js"

/**
 * The schema of reports.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Effect, Schema } from "effect"
 *
 * // The workers that a node has heard of, for another program to read.
 * const program = Effect.gen(function* () {
 *   const reports = yield* Worker.Reporting.peek(yield* DisquePool, Worker.Reporting.defaultQueue)
 *   return yield* Schema.encode(Schema.parseJson(Schema.Array(Worker.Reporting.Report)))(reports)
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Report = Schema.Struct({
  id: Schema.String,
  /** The name of the program, as the option says. */
  program: Schema.String,
  queue: Schema.String,
  /** When the report was made. All times are in milliseconds since 1970, by the clock of the program. */
  at: Schema.Number,
  startedAt: Schema.Number,
  /** The time until the next report, in milliseconds. */
  every: Schema.Number,
  isPaused: Schema.Boolean,
  concurrency: Schema.NonNegativeInt,
  busy: Schema.NonNegativeInt,
  succeeded: Schema.NonNegativeInt,
  failed: Schema.NonNegativeInt,
  dead: Schema.NonNegativeInt,
  leasesLost: Schema.NonNegativeInt,
  lastFetch: Schema.optional(Schema.Number)
})
/**
 * What a worker reports.
 *
 * @since 0.1.0
 * @category models
 */
export type Report = Schema.Schema.Type<typeof Report>

/**
 * How workers report.
 *
 * @since 0.1.0
 * @category options
 */
export interface ReportingOptions {
  /** What the program calls itself, such as `emails on web-3`. Default: nothing. */
  readonly program?: string | undefined
  /** The time between two reports of a worker, 5 seconds or more, in whole seconds. Default: 5 seconds. */
  readonly every?: Duration.DurationInput | undefined
  /** The queue of the reports. Default: `disco.workers`. */
  readonly queue?: string | undefined
}

/**
 * The queue that workers report to, unless the option `queue` says otherwise.
 *
 * @see {@link Report}
 * @since 0.1.0
 * @category constants
 */
export const defaultQueue = reportQueue

const json = Schema.parseJson(Report)
const encode = Schema.encodeSync(json)
const decode = Schema.decodeOption(json)

const subject = "Worker.Reporting"
const leastMillis = 5000
const mostReports = 3000
/** The most reports that one look takes from a node. */
const mostShown = 1000

const checked = (given: ReportingOptions | undefined) =>
  Either.gen(function* () {
    const { every, program, queue } = yield* OptionReader.all(subject, given)
    const millis = yield* OptionReader.duration(subject, "every", every ?? leastMillis, leastMillis)
    if (millis % 1000 !== 0) return yield* OptionReader.refuse(subject, "every", every, "whole seconds")
    return {
      millis,
      queue: yield* OptionReader.queue(subject, queue ?? defaultQueue),
      program: program === undefined ? "" : yield* OptionReader.text(subject, "program", program, "a name")
    }
  })

/**
 * Reports all workers of this process, for as long as the layer. A report that cannot be added is left out, and the log says so at
 * debug level.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Console, Layer, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const program = Worker.layer(emails, ({ to }) => Console.log(`to ${to}`)).pipe(
 *   Layer.merge(Worker.Reporting.layer({ program: "emails on web-3" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: ReportingOptions): Layer.Layer<never, InvalidArgument, DisquePool> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { millis, program, queue } = yield* checked(options)
      const pool = yield* DisquePool
      const how = { ttl: 3 * millis, retry: 0, replicate: 1, maxLen: mostReports }
      const report = Effect.gen(function* () {
        const at = yield* Clock.currentTimeMillis
        const workers = yield* running
        const results = yield* pool.addJobs(
          workers.map(({ lastFetch, ...worker }) => ({
            queue,
            body: encode({ ...worker, ...(lastFetch === undefined ? {} : { lastFetch }), program, at, every: millis }),
            options: how
          }))
        )
        const refused = results.find(Either.isLeft)
        if (refused !== undefined) {
          yield* quietly(Effect.logDebug(`workers could not be reported: ${refused.left.message}`))
        }
      })
      yield* Effect.forkScoped(
        Effect.interruptible(Effect.forever(Effect.zipRight(Effect.orDie(report), Effect.sleep(millis))))
      )
    })
  )

/**
 * The reports that a node has at present, the newest first, without taking them (QPEEK). What is no report is left out.
 *
 * @see {@link Report}
 * @since 0.1.0
 * @category operations
 */
export const peek = (
  node: { readonly peek: DisquePool.Service["peek"] },
  queue: string = defaultQueue
): Effect.Effect<ReadonlyArray<Report>, CommandError | InvalidArgument> =>
  Effect.map(node.peek(queue, { count: mostShown, from: "newest" }), (jobs) =>
    jobs.flatMap((job) => Option.toArray(decode(textOf(job))))
  )

const decoder = new TextDecoder()

const textOf = ({ body }: Job.PeekedJob): string => decoder.decode(body)
