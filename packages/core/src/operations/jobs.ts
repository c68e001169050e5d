/** The jobs of the cluster: each of them once, with its copies on all nodes. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Inspection from "../commands/inspection.js"
import type { DisqueCommands } from "../DisqueCommands.js"
import type { CommandError, InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import { withJson } from "../internal/json.js"
import * as OptionReader from "../internal/optionReader.js"
import type { JobInfo, JobState } from "../Job.js"
import { type NodeFailure, NotOnEveryNode } from "./errors.js"
import { stateOf } from "./jobStates.js"
import { bounded, countdown, type KnownNode, knownNodes, readWithin } from "./nodes.js"

/**
 * What a node knows of a copy of a job.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobCopy {
  /** The address of the node. */
  readonly node: string
  readonly state: JobState
}

/**
 * A job of the cluster. What is not about its copies is what the node `node` knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterJob extends JobInfo {
  /** The address of the node that told of the job: commands about the job go there. */
  readonly node: string
  /**
   * The state of the job in the cluster: `acked` if it was acknowledged on one of the nodes, or else `queued` if it waits on one of them,
   * or else `wait-repl`, or else `active`.
   */
  readonly state: JobState
  /** How long ago the job was added. Undefined if the nodes know only an acknowledgement of the job. */
  readonly age: Duration.Duration | undefined
  /** The copies on the nodes that answered. */
  readonly copies: ReadonlyArray<JobCopy>
  /** The ids of nodes that may have a copy, and did not answer. */
  readonly unknown: ReadonlyArray<string>
}

/**
 * Which jobs of the cluster to give: those that fit all of these options.
 *
 * @since 0.1.0
 * @category options
 */
export interface ClusterJobsOptions {
  /** Jobs of this queue. Default: of all queues. */
  readonly queue?: string | undefined
  /** Jobs whose state in the cluster is one of these. Default: any state. */
  readonly states?: ReadonlyArray<JobState> | undefined
  /** Jobs that were added so long ago, or longer. */
  readonly olderThan?: Duration.DurationInput | undefined
  /** The most jobs. The nodes are asked no more than that takes. Default: no limit. */
  readonly limit?: number | undefined
  /** Whether to give a job, by what one node knows of it. If it throws, that is a defect. */
  readonly where?: ((job: JobInfo) => boolean) | undefined
  /** About how many jobs a node tells at a time. Default: 100. */
  readonly pageSize?: number | undefined
  /** How long a node is waited for each time that it is asked. Default: 5 seconds. */
  readonly within?: Duration.DurationInput | undefined
}

const copiesAtATime = 16

interface Copy {
  readonly info: JobInfo
  readonly node: KnownNode
}

interface Found extends Copy {
  readonly age: Duration.Duration | undefined
}

class Scan {
  private readonly seen = new Set<string>()
  private readonly failed = new Map<string, CommandError>()
  private readonly commands = new Map<string, DisqueCommands>()
  private readonly pool: DisquePool.Service
  private readonly nodes: ReadonlyArray<KnownNode>
  private readonly millis: number

  constructor(pool: DisquePool.Service, nodes: ReadonlyArray<KnownNode>, millis: number) {
    this.pool = pool
    this.nodes = nodes
    this.millis = millis
  }

  private on(address: string): DisqueCommands {
    const known = this.commands.get(address) ?? this.pool.on(address)
    this.commands.set(address, known)
    return known
  }

  private ask<A, E>({ address }: KnownNode, asking: Effect.Effect<A, E>): Effect.Effect<Option.Option<A>> {
    return Effect.suspend(() => {
      // A node that said nothing is not waited for again: there may be a million jobs.
      if (this.failed.has(address)) return Effect.succeedNone
      return Effect.match(bounded(address, this.millis, asking), {
        onFailure: (error) => {
          this.failed.set(address, error as CommandError)
          return Option.none()
        },
        onSuccess: Option.some
      })
    })
  }

  /** The jobs of a node that were not seen on one of the nodes before. A node that fails ends them, and the end of all jobs tells. */
  jobs(node: KnownNode, options: Inspection.JobsOptions, isWanted: (found: Found) => boolean): Stream.Stream<Found> {
    const commands = this.on(node.address)
    return Stream.unwrap(
      Effect.map(this.ask(node, commands.server.time), (time) => {
        if (Option.isNone(time)) return Stream.empty
        const now = time.value.microseconds / 1000n
        return commands.jobs(options).pipe(
          Stream.catchAll((error) => {
            this.failed.set(node.address, error as CommandError)
            return Stream.empty
          }),
          Stream.filterMap((info) => {
            if (this.seen.has(info.id)) return Option.none()
            this.seen.add(info.id)
            const age =
              info.queue === null ? undefined : Duration.millis(Math.max(0, Number(now - info.ctime / 1_000_000n)))
            const found = { info, node, age }
            return isWanted(found) ? Option.some(found) : Option.none()
          })
        )
      })
    )
  }

  /** SHOW, on the nodes that may have a copy. */
  withCopies(found: Found): Effect.Effect<ClusterJob> {
    const others = found.info.nodesDelivered.filter((id) => id !== found.node.id)
    return Effect.map(
      Effect.forEach(others, (id) => this.copyOn(id, found.info.id), { concurrency: "unbounded" }),
      (answers) => {
        const all = [found, ...answers.flatMap((answer) => (typeof answer === "string" ? [] : Option.toArray(answer)))]
        const state = stateOf(all.map(({ info }) => info.state))
        // The node whose state it is knows best what comes next.
        const { info, node } = all.find(({ info }) => info.state === state && info.queue !== null) ?? found
        const copies = all.map(({ info, node }): JobCopy => ({ node: node.address, state: info.state }))
        const unknown = answers.filter((answer) => typeof answer === "string")
        return withJson<ClusterJob>({ ...info, node: node.address, age: found.age, state, copies, unknown })
      }
    )
  }

  /** What a node knows of a job; the id of the node if it did not answer. */
  private copyOn(id: string, job: string): Effect.Effect<Option.Option<Copy> | string> {
    const node = this.nodes.find((known) => known.id === id)
    if (node === undefined) return Effect.succeed(id)
    return Effect.map(
      this.ask(node, this.on(node.address).show(job)),
      Option.match({ onNone: () => id, onSome: Option.map((info) => ({ info, node })) })
    )
  }

  /** Fails if some nodes did not tell all of their jobs. */
  get end(): Effect.Effect<void, NotOnEveryNode> {
    return Effect.suspend(() => {
      if (this.failed.size === 0) return Effect.void
      const failures = [...this.failed].map(([node, error]): NodeFailure => ({ node, error }))
      const done = this.nodes.flatMap(({ address }) => (this.failed.has(address) ? [] : [address]))
      return new NotOnEveryNode({ operation: "looking at the jobs", done, failures })
    })
  }
}

export const jobs = (
  options?: ClusterJobsOptions
): Stream.Stream<ClusterJob, NotOnEveryNode | InvalidArgument, DisquePool> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const subject = "Cluster.jobs"
      const { limit, olderThan, pageSize, queue, states, where, within } = yield* OptionReader.all(subject, options)
      const scanned: Inspection.JobsOptions = { queue, states, pageSize }
      yield* Inspection.scanJobs.make("0", scanned)
      const most = limit === undefined ? undefined : yield* OptionReader.count(subject, "limit", limit, 1)
      const leastMillis = olderThan === undefined ? 0 : yield* OptionReader.duration(subject, "olderThan", olderThan, 0)
      yield* OptionReader.callback(subject, "where", where, "a function of a job")
      const millis = yield* readWithin(subject, within, "5 seconds")
      const pool = yield* DisquePool
      const nodes = yield* knownNodes(pool, yield* countdown(millis))
      const scan = new Scan(pool, nodes, millis)
      const isWanted = ({ age, info }: Found) =>
        (leastMillis === 0 || (age !== undefined && Duration.toMillis(age) >= leastMillis)) &&
        (where === undefined || where(info))
      const found = Stream.fromIterable(nodes).pipe(
        Stream.flatMap((node) => scan.jobs(node, scanned, isWanted)),
        Stream.mapChunksEffect((chunk) =>
          Effect.map(
            Effect.forEach(chunk, (job) => scan.withCopies(job), { concurrency: copiesAtATime }),
            Chunk.unsafeFromArray
          )
        ),
        Stream.filter(({ state }) => states === undefined || states.length === 0 || states.includes(state)),
        Stream.concat(Stream.execute(scan.end))
      )
      return most === undefined ? found : Stream.take(found, most)
    })
  )
