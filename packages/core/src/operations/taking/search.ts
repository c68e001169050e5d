/** Looks for the jobs of a queue on one node, without taking any. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CommandError, InvalidArgument } from "../../DisqueError.js"
import type { DisquePool } from "../../DisquePool.js"
import type { JobInfo, PeekedJob } from "../../Job.js"
import { NodeFailed } from "./nodes.js"

type Pool = DisquePool.Service

/** How many jobs of a queue are read and dealt with at a time. */
export const portion = 64

// For a page, JSCAN looks at ten times as many slots of the table of jobs.
const pageSize = 256

const idsAtATime = 16

const toJob = (info: JobInfo): Option.Option<PeekedJob> =>
  info.queue === null || info.body === null
    ? Option.none()
    : Option.some({ queue: info.queue, id: info.id, body: info.body })

export class Search {
  private readonly commands: ReturnType<Pool["on"]>
  private readonly node: string
  private readonly queue: string

  constructor(pool: Pool, node: string, queue: string) {
    this.commands = pool.on(node)
    this.node = node
    this.queue = queue
  }

  private ask<A, R>(command: Effect.Effect<A, CommandError | InvalidArgument, R>): Effect.Effect<A, NodeFailed, R> {
    return Effect.mapError(command, (error) => new NodeFailed({ node: this.node, error }))
  }

  /** QLEN: how many jobs the node has queued. */
  get length(): Effect.Effect<number, NodeFailed> {
    return this.ask(this.commands.queueLength(this.queue))
  }

  /** QPEEK: the oldest jobs that the node has queued. */
  front(count: number): Effect.Effect<ReadonlyArray<PeekedJob>, NodeFailed> {
    return this.ask(this.commands.peek(this.queue, { count }))
  }

  /** SHOW: those of the jobs with the ids given that the node has queued. */
  byId(ids: ReadonlySet<string>): Effect.Effect<ReadonlyArray<PeekedJob>, NodeFailed> {
    const shown = Effect.forEach([...ids], (id) => this.commands.show(id), { concurrency: idsAtATime })
    return Effect.map(this.ask(shown), (infos) =>
      infos.flatMap((info) =>
        Option.toArray(
          Option.flatMap(info, (info) =>
            info.queue === this.queue && info.state === "queued" ? toJob(info) : Option.none()
          )
        )
      )
    )
  }

  /**
   * JSCAN: all jobs of the queue that the node has queued, a portion at a time, until `use` gives false. The command goes through the
   * jobs of all queues; a page and a portion of jobs are in memory at a time.
   */
  all<E, R>(
    use: (jobs: ReadonlyArray<PeekedJob>) => Effect.Effect<boolean, E, R>
  ): Effect.Effect<void, E | NodeFailed, R> {
    return this.commands.jobs({ queue: this.queue, states: ["queued"], pageSize }).pipe(
      Stream.mapError((error) => new NodeFailed({ node: this.node, error })),
      Stream.filterMap(toJob),
      Stream.grouped(portion),
      Stream.runForEachWhile((jobs) => use([...jobs]))
    )
  }
}
