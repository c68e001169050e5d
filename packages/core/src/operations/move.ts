/** Moving jobs from one queue to another. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { AddJobError } from "../DisqueCommands.js"
import type { CommandError, InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import { Notices } from "../internal/notices.js"
import * as OptionReader from "../internal/optionReader.js"
import type { Failure, Remedy } from "../internal/remedy.js"
import { runFork } from "../internal/runtime.js"
import type { PeekedJob } from "../Job.js"
import * as JobId from "../JobId.js"
import { Copies } from "./copies.js"
import type { NodeFailure } from "./errors.js"
import { type Choice, JobChooser } from "./jobChooser.js"
import { jobs } from "./jobs.js"
import { countdown, knownNodes } from "./nodes.js"
import type { Place } from "./taking/claim.js"
import { Nodes } from "./taking/nodes.js"
import { Take, withinItsTime } from "./taking/take.js"

/**
 * Which jobs to move: those that wait in the queue and fit all of these options.
 *
 * @since 0.1.0
 * @category options
 */
export interface MoveOptions {
  /** The most jobs: a whole number, 1 or more. Default: all that a node has when it is asked. */
  readonly limit?: number | undefined
  /** The ids of jobs. An id that is not found is ignored. */
  readonly ids?: ReadonlyArray<string> | undefined
  /** Whether to move a job. It may be called more than once for a job; if it throws, that is a defect. */
  readonly where?: ((job: PeekedJob) => boolean) | undefined
  /** Whether to move nothing, and to count the jobs alone. Default: false. */
  readonly dryRun?: boolean | undefined
  /** Called with how many jobs have been moved, after each job. */
  readonly onProgress?: ((moved: number) => Effect.Effect<void>) | undefined
}

/**
 * What became of a move.
 *
 * @since 0.1.0
 * @category models
 */
export interface Moved {
  /** How many jobs were added to the other queue, and acknowledged in their own. In a dry run, how many would be. */
  readonly moved: number
  /** The ids of jobs that are still in their queue, and may be in the other one too. */
  readonly maybeTwice: ReadonlyArray<JobId.JobId>
}

/**
 * Not all of the jobs were moved that were to be: a job could not be added, or nodes did not answer. The jobs that were not moved are in
 * their queue.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Cluster.move("emails", "emails.old").pipe(
 *   Effect.catchTag("MoveIncomplete", ({ cause, maybeTwice, moved }) =>
 *     Effect.logError(`${moved} jobs were moved, then ${cause?.message ?? "a node failed"}; maybe twice: ${maybeTwice}`)
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class MoveIncomplete
  extends Data.TaggedError("MoveIncomplete")<
    Moved & {
      readonly from: string
      readonly to: string
      /** What ended the move; undefined if it went on to the end, without the nodes that failed. */
      readonly cause: AddJobError | undefined
      /** The nodes whose jobs were left out. */
      readonly failures: ReadonlyArray<NodeFailure>
    }
  >
  implements Failure
{
  get remedy(): Remedy {
    return this.cause?.remedy ?? "later"
  }
  get isRetryable(): boolean {
    return this.remedy !== "none"
  }
  override get message(): string {
    const { cause, failures, from, maybeTwice, moved, to } = this
    const reasons = [...(cause === undefined ? [] : [cause]), ...failures.map(({ error }) => error)]
    const twice = maybeTwice.length === 0 ? "" : `; ${maybeTwice.length} more may be in both queues`
    const queues = `from ${JSON.stringify(from)} to ${JSON.stringify(to)}`
    return `${moved} jobs were moved ${queues}, not all of them: ${reasons.map(({ message }) => message).join("; ")}${twice}`
  }
}

const subject = "Cluster.move"

const read = (from: string, to: string, options: MoveOptions | undefined) =>
  Either.gen(function* () {
    const { dryRun, ids, limit, onProgress, where } = yield* OptionReader.all(subject, options)
    const source = yield* OptionReader.queue(subject, from)
    const target = yield* OptionReader.queue(subject, to)
    if (source === target) return yield* OptionReader.refuse(subject, "to", to, "another queue than the jobs are in")
    const strange = ids?.find((id) => !JobId.isJobId(id))
    if (strange !== undefined || (ids !== undefined && !Array.isArray(ids))) {
      return yield* OptionReader.refuse(subject, "ids", strange ?? ids, "ids of jobs")
    }
    yield* OptionReader.callback(subject, "where", where, "a function of a job")
    yield* OptionReader.callback(subject, "onProgress", onProgress, "a function of a number")
    return {
      isDry: yield* OptionReader.flag(subject, "dryRun", dryRun),
      onProgress: onProgress ?? (() => Effect.void),
      choice: {
        limit: limit === undefined ? undefined : yield* OptionReader.count(subject, "limit", limit, 1),
        ids: ids === undefined ? undefined : new Set(ids),
        where: where ?? (() => true)
      } satisfies Choice
    }
  })

/** Counts the jobs that would be moved. */
const counted = (from: string, to: string, { ids, limit, where }: Choice) => {
  let moved = 0
  const wanted = jobs({
    queue: from,
    states: ["queued"],
    limit,
    where: ({ body, id, queue }) =>
      body !== null && queue !== null && ids?.has(id) !== false && where({ queue, id, body })
  })
  const count = Effect.sync(() => {
    moved += 1
  })
  return Stream.runForEach(wanted, () => count).pipe(
    Effect.catchTag(
      "NotOnEveryNode",
      ({ failures }) => new MoveIncomplete({ from, to, moved, maybeTwice: [], cause: undefined, failures })
    ),
    Effect.map((): Moved => ({ moved, maybeTwice: [] }))
  )
}

// How long it may take to learn which nodes there are.
const learnMillis = 5000

export const move = (
  from: string,
  to: string,
  options?: MoveOptions
): Effect.Effect<Moved, MoveIncomplete | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const { choice, isDry, onProgress } = yield* read(from, to, options)
    if (isDry) return yield* counted(from, to, choice)
    const pool = yield* DisquePool
    const known = yield* knownNodes(pool, yield* countdown(learnMillis))
    const nodes = new Nodes(known.map(({ address }) => address))
    const notices = new Notices(yield* Effect.clock, yield* runFork)
    const taking = { pool, notices, queue: from, noun: "job" }
    const chooser = new JobChooser(choice)
    const copies = new Copies()
    // What was begun is ended: an interrupted add may or may not have made a job.
    const add = (_: PeekedJob, place: Place) => Effect.uninterruptible(copies.add(pool, to, place))
    const take: Take<PeekedJob, AddJobError, never> = new Take(taking, chooser, add, () =>
      onProgress(take.done - copies.gone)
    )
    const { missing } = chooser
    const one = (node: string) => (missing === undefined ? take.node(node) : take.byId(missing, node))
    const all = nodes.each(one, "in turn")
    const taken = yield* withinItsTime(taking, Effect.ensuring(Effect.either(all), notices.end))
    const moved: Moved = { moved: take.done - copies.gone, maybeTwice: copies.maybeTwice(take.settled) }
    const cause = Either.isLeft(taken) ? taken.left : undefined
    const failures = nodes.failures.map(({ error, node }): NodeFailure => ({ node, error: error as CommandError }))
    return cause === undefined && failures.length === 0
      ? moved
      : yield* new MoveIncomplete({ ...moved, from, to, cause, failures })
  })
