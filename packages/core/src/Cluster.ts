/**
 * The whole cluster, for those who run one: its nodes, its queues and its jobs, and changes that are made on every node.
 *
 * Each node is asked by itself. A node that does not answer is told of, with the reason, and the others are asked all the same: what is
 * only looked at is given as far as it is known, and a change that was not made everywhere fails with `NotOnEveryNode`, which says where
 * it was made. Nothing is acknowledged or deleted that the caller did not name.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Order from "effect/Order"
import type * as Stream from "effect/Stream"
import type { CommandError, InvalidArgument } from "./DisqueError.js"
import type { DisquePool } from "./DisquePool.js"
import * as Badges from "./operations/badges.js"
import * as Drain from "./operations/drain.js"
import type { NotOnEveryNode, NotVerified } from "./operations/errors.js"
import * as JobCounts from "./operations/jobCounts.js"
import * as Jobs from "./operations/jobs.js"
import * as Members from "./operations/members.js"
import * as Membership from "./operations/membership.js"
import * as Move from "./operations/move.js"
import * as Pause from "./operations/pause.js"
import * as Queues from "./operations/queues.js"

export type { Badge } from "./operations/badges.js"
export type { DrainOptions, DrainProgress } from "./operations/drain.js"
export type { DrainCounts } from "./operations/drainRound.js"
export { type NodeFailure, NotOnEveryNode, NotVerified } from "./operations/errors.js"
export type { JobCounts, JobCountsOptions } from "./operations/jobCounts.js"
export type { ClusterJob, ClusterJobsOptions, JobCopy } from "./operations/jobs.js"
export type { Member, MemberFigures, MemberState, MemberView, WithinOptions } from "./operations/members.js"
export { type Moved, MoveIncomplete, type MoveOptions } from "./operations/move.js"
export type { NextPause, PauseChange } from "./operations/pause.js"
export type {
  ClusterQueue,
  NodePause,
  NodeQueue,
  QueueSnapshot,
  QueuesOptions,
  SampledNode,
  WatchOptions
} from "./operations/queues.js"
export type { QueueRates } from "./operations/rates.js"

/**
 * Every node that HELLO names, failed and leaving ones among them: what it measures of itself (INFO, and the round trip of a PING), and
 * how the other nodes see it (CLUSTER NODES). A node that does not answer is among them, with the reason in `figures`.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Console, Effect, Either } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   for (const { address, figures, state } of yield* Cluster.members({ within: "2 seconds" })) {
 *     const more = Either.match(figures, { onLeft: ({ message }) => message, onRight: ({ jobs }) => `${jobs} jobs` })
 *     yield* Console.log(`${address} is ${state}: ${more}`)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const members: (
  options?: Members.WithinOptions
) => Effect.Effect<ReadonlyArray<Members.Member>, InvalidArgument, DisquePool> = Members.members

/**
 * All queues at one time (QSCAN and QSTAT on every node), without rates. The snapshot says which nodes did not answer.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { queues } = yield* Cluster.queues({ pattern: "email*" })
 *   return queues.filter((queue) => Cluster.badges(queue).includes("no consumers")).map(({ name }) => name)
 * })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const queues: (
  options?: Queues.QueuesOptions
) => Effect.Effect<Queues.QueueSnapshot, InvalidArgument, DisquePool> = Queues.queues

/**
 * All queues, again and again, with their rates: from the second snapshot on. The stream does not end, and a node that fails does not
 * end it either: the node is left out until it answers again.
 *
 * A job that is queued again counts as one that comes in. A job that goes from node to node does not: how many do so is an estimate, by
 * the import rate of QSTAT.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Array, Console, Stream } from "effect"
 *
 * const program = Cluster.watch({ every: "2 seconds" }).pipe(
 *   Stream.runForEach(({ queues }) =>
 *     Console.log(
 *       Array.sort(queues, Cluster.worstFirst)
 *         .slice(0, 10)
 *         .map(({ length, name, rates }) => `${name}: ${length} jobs, ${rates?.in ?? 0} in and ${rates?.out ?? 0} out a second`)
 *         .join("\n")
 *     )
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const watch: (
  options?: Queues.WatchOptions
) => Stream.Stream<Queues.QueueSnapshot, InvalidArgument, DisquePool> = Queues.watch

/**
 * What is the matter with a queue, the worst first; nothing if all is well.
 *
 * @see {@link queues}
 * @since 0.1.0
 * @category accessors
 */
export const badges: (queue: Queues.ClusterQueue) => ReadonlyArray<Badges.Badge> = Badges.badges

/**
 * Puts the queues in the most trouble first: those without consumers, then those that are paused on some nodes, or on all, then those that
 * grow. Of two with the same trouble, the one with the oldest job comes first, then the longer one.
 *
 * @see {@link watch}
 * @since 0.1.0
 * @category accessors
 */
export const worstFirst: Order.Order<Queues.ClusterQueue> = Badges.worstFirst

/**
 * Pauses a queue on every node, or lets it go on with `none`. This replaces what was paused before; a function says for each node what
 * is to be paused, by what is paused there. Each node is asked afterwards whether it did so. Fails with `NotOnEveryNode` if a node did not;
 * the others did. A node forgets its pauses when it ends.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Console, Effect } from "effect"
 *
 * const program = Cluster.pause("emails", "out").pipe(
 *   Effect.catchTag("NotOnEveryNode", ({ failures }) =>
 *     Effect.forEach(failures, ({ error }) => Console.log(`not paused: ${error.message}`))
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const pause: (
  queue: string,
  what: Pause.NextPause,
  options?: Members.WithinOptions
) => Effect.Effect<ReadonlyArray<Pause.PauseChange>, NotOnEveryNode | InvalidArgument, DisquePool> = Pause.pause

/**
 * The jobs of the cluster, each of them once, with its copies (JSCAN on one node after the other, and SHOW on the nodes that may have a
 * copy). Nothing changes. The next page is asked for when it is pulled. The stream remembers the ids of the jobs while it runs.
 *
 * If a node fails, its jobs are left out, and the stream fails with `NotOnEveryNode` once it has given those of the others.
 *
 * @example
 * ```ts
 * import { Cluster, Job } from "@disco/core"
 * import { Console, Stream } from "effect"
 *
 * const program = Cluster.jobs({
 *   queue: "emails",
 *   states: ["queued"],
 *   olderThan: "1 hour",
 *   limit: 20,
 *   where: ({ body }) => body !== null && Job.text({ body }).includes("ada")
 * }).pipe(Stream.runForEach(({ copies, id }) => Console.log(`${id} is on ${copies.map(({ node }) => node).join(", ")}`)))
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const jobs: (
  options?: Jobs.ClusterJobsOptions
) => Stream.Stream<Jobs.ClusterJob, NotOnEveryNode | InvalidArgument, DisquePool> = Jobs.jobs

/**
 * How many jobs of a queue, or of all queues, are in each state (JSCAN on every node). A node goes through all of its jobs for that, a
 * page at a time, four times.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { isComplete, states } = yield* Cluster.jobCounts("emails", { within: "10 seconds" })
 *   return `${isComplete ? "" : "at least "}${states.queued} jobs wait, ${states.active} are delayed or in work`
 * })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const jobCounts: (
  queue?: string,
  options?: JobCounts.JobCountsOptions
) => Effect.Effect<JobCounts.JobCounts, InvalidArgument, DisquePool> = JobCounts.jobCounts

/**
 * Makes every other node forget a node, which is named by its id or its address (CLUSTER FORGET). Gives the addresses of the nodes that
 * did. Each is asked afterwards whether it did so. Fails with `NotOnEveryNode` if a node did not; run it again within a minute then, or
 * the node comes back. A node that still works also comes back after a minute, because it does not forget the others: stop it first.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // A node is replaced: the new one joins, and the one that is gone for good is forgotten.
 * const program = Effect.gen(function* () {
 *   yield* Cluster.meet("10.0.0.4", 7711)
 *   yield* Cluster.forget("10.0.0.3:7711")
 * })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const forget: (
  node: string,
  options?: Members.WithinOptions
) => Effect.Effect<ReadonlyArray<string>, NotOnEveryNode | InvalidArgument, DisquePool> = Membership.forget

/**
 * Joins a node to the cluster: every node meets it (CLUSTER MEET), by an IP address and the port for clients. Waits until every node has
 * a link to it, for 30 seconds at most unless `within` says otherwise, and gives the addresses of the nodes. Fails with `NotOnEveryNode`
 * if a node has not met it by then.
 *
 * @see {@link forget}
 * @since 0.1.0
 * @category operations
 */
export const meet: (
  ip: string,
  port: number,
  options?: Members.WithinOptions
) => Effect.Effect<ReadonlyArray<string>, NotOnEveryNode | InvalidArgument, DisquePool> = Membership.meet

/**
 * Moves jobs that wait in a queue to another queue, from all nodes: with their body, retry time and number of copies, and what is left of
 * their TTL. A moved job has another id, and no nacks. Jobs that are delayed or delivered are not moved, because they do not wait.
 *
 * 16 jobs are taken at a time, by DEQUEUE and WORKING: the other jobs are neither hidden nor delivered meanwhile. Each is added to the
 * other queue, and acknowledged in its own after that. So no job is lost. If a job cannot be added, the move ends with `MoveIncomplete`, and
 * the job goes back by ENQUEUE, which counts as an additional delivery. If ENQUEUE fails too, the log says so, and the job comes again after
 * its retry time. An interruption waits until the jobs in hand are moved, for 5 seconds at most; they are moved even if that takes longer.
 *
 * A job may be in both queues if it is unknown whether it was added, or if it cannot be acknowledged. `maybeTwice` has the ids of such jobs,
 * in the queue that they were to leave.
 *
 * @example
 * ```ts
 * import { Cluster, Job } from "@disco/core"
 * import { Console, Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const where = (job: Job.PeekedJob) => Job.text(job).startsWith("{")
 *   const { moved } = yield* Cluster.move("emails", "emails.json", { where, dryRun: true })
 *   yield* Console.log(`${moved} jobs would be moved`)
 *   yield* Cluster.move("emails", "emails.json", { where, limit: 1000 })
 * })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const move: (
  from: string,
  to: string,
  options?: Move.MoveOptions
) => Effect.Effect<Move.Moved, Move.MoveIncomplete | InvalidArgument, DisquePool> = Move.move

/**
 * Makes a node leave the cluster (CLUSTER LEAVING yes), which is named by its id or its address, and tells how far it is from being safe
 * to stop, until it is. The node takes no new jobs, and keeps its own: it delivers those that wait, and gives them to other nodes where
 * clients wait for them.
 *
 * It is safe to stop the node once
 *
 * - another node that takes jobs has a copy of each job, or knows of the acknowledgement of the job. Jobs that are delivered once at most,
 *   and were delivered, need no copy: no node delivers them again;
 * - no job waits for its copies.
 *
 * Each of that is verified on the other nodes, by SHOW. A job that waits here and has a copy elsewhere is not lost with the node, but is
 * delivered late, after its retry time: `queued` says how many there are, for those who want to wait for 0.
 *
 * Jobs that were added with `replicate: 1`, or whose other holders died, are on this node alone. With `moves: true` they are moved, as
 * `move` does, within their queue; at most as many copies are made as there are other nodes. Delayed jobs are moved with what is left of
 * their delay. Jobs in the hands of a consumer are not moved, but waited for: either they are acknowledged, or they wait again after their
 * retry time.
 *
 * If the stream is interrupted or fails, jobs in hand are moved or go back, and the node stays a leaving one. `undrain` makes it stay in
 * the cluster.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Console, Effect, Stream } from "effect"
 *
 * const program = Cluster.drain("10.0.0.3:7711", { moves: true }).pipe(
 *   Stream.tap(({ alone, jobs }) => Console.log(`${jobs} jobs, ${alone} of them on this node alone`)),
 *   Stream.runDrain,
 *   Effect.zipRight(Console.log("the node can be stopped"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const drain: (
  node: string,
  options?: Drain.DrainOptions
) => Stream.Stream<Drain.DrainProgress, CommandError | NotVerified | InvalidArgument, DisquePool> = Drain.drain

/**
 * Makes a leaving node stay in the cluster (CLUSTER LEAVING no). The node is named by its id or its address.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Effect, Stream } from "effect"
 *
 * // The node has a quarter of an hour to become safe to stop. If that is not enough, it stays in the cluster.
 * const program = Cluster.drain("10.0.0.3:7711").pipe(
 *   Stream.runDrain,
 *   Effect.timeout("15 minutes"),
 *   Effect.catchTag("TimeoutException", () => Cluster.undrain("10.0.0.3:7711"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const undrain: (node: string) => Effect.Effect<void, CommandError | NotVerified | InvalidArgument, DisquePool> =
  Drain.undrain
