/** One look at all jobs of a node that leaves: which of them would be lost with it. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { AddJobError, DisqueCommands } from "../DisqueCommands.js"
import type { CommandError } from "../DisqueError.js"
import type { DisquePool } from "../DisquePool.js"
import { Notices } from "../internal/notices.js"
import { runFork } from "../internal/runtime.js"
import type { JobInfo, PeekedJob } from "../Job.js"
import type * as JobId from "../JobId.js"
import { Copies } from "./copies.js"
import { delayLeft } from "./copyOptions.js"
import { JobChooser } from "./jobChooser.js"
import { bounded, type KnownNode } from "./nodes.js"
import { NodeFailed } from "./taking/nodes.js"
import { Take } from "./taking/take.js"

/**
 * What a node has that leaves.
 *
 * @since 0.1.0
 * @category models
 */
export interface DrainCounts {
  /** Jobs in any state, and acknowledgements of jobs. */
  readonly jobs: number
  /** Jobs that this node alone has: they would be lost with it. */
  readonly alone: number
  /** How many of those are in the hands of consumers: they are not moved, but waited for. */
  readonly delivered: number
  /** Jobs whose copies are still being made, and jobs whose acknowledgement another node has not heard of. */
  readonly unfinished: number
  /** Jobs that wait here and have a copy elsewhere. If the node is stopped, another node queues them after their retry time. */
  readonly queued: number
}

/** What a round needs. */
interface Needs {
  readonly pool: DisquePool.Service
  readonly node: KnownNode
  /** The other nodes that take jobs. */
  readonly others: ReadonlyArray<KnownNode>
  /** Ids of jobs that were seen on another node. */
  readonly held: Set<string>
  readonly isMoving: boolean
}

// JSCAN goes through this many jobs at a time.
const pageSize = 256
const concurrency = 32
// How long another node is waited for that may have a copy.
const showMillis = 5000

/** Whether no node delivers the job again, because it is one that is delivered once at most, and was. */
const isOver = ({ nextRequeueWithin, state }: JobInfo): boolean => state === "active" && nextRequeueWithin === null

export class DrainRound {
  failure: AddJobError | undefined
  private readonly needs: Needs
  private readonly copies = new Copies()
  private readonly settled = new Set<string>()
  private readonly silent = new Set<string>()
  private readonly commands: DisqueCommands
  private jobs = 0
  private alone = 0
  private delivered = 0
  private unfinished = 0
  private queued = 0
  private turn = 0

  constructor(needs: Needs) {
    this.needs = needs
    this.commands = needs.pool.on(needs.node.address)
  }

  get counts(): DrainCounts {
    const { alone, delivered, jobs, queued, unfinished } = this
    return { jobs, alone, delivered, unfinished, queued }
  }

  /** How many jobs were moved. */
  get moved(): number {
    return this.settled.size - this.copies.gone
  }

  get maybeTwice(): ReadonlyArray<JobId.JobId> {
    return this.copies.maybeTwice(this.settled)
  }

  /** Whether nothing would be lost with the node. */
  get isSafe(): boolean {
    return this.alone === 0 && this.unfinished === 0
  }

  get run(): Effect.Effect<void, CommandError> {
    const self = this
    return Effect.gen(function* () {
      const { microseconds } = yield* self.commands.server.time
      const now = Number(microseconds / 1000n)
      yield* self.commands.jobs({ pageSize }).pipe(
        Stream.catchAll((error) => (error._tag === "InvalidArgument" ? Stream.die(error) : Stream.fail(error))),
        Stream.runForEachChunk((page) => self.page(Chunk.toReadonlyArray(page), now))
      )
    })
  }

  private page(infos: ReadonlyArray<JobInfo>, now: number): Effect.Effect<void> {
    const self = this
    return Effect.gen(function* () {
      self.jobs += infos.length
      const alone = yield* Effect.filter(infos, (info) => self.isAlone(info), { concurrency })
      self.alone += alone.length
      self.delivered += alone.filter((info) => info.state === "active" && delayLeft(info, now) === 0).length
      if (!self.needs.isMoving || self.needs.others.length === 0) return
      const before = self.moved
      yield* self.moveQueued(alone.filter(({ state }) => state === "queued"))
      for (const info of alone) yield* self.moveDelayed(info, delayLeft(info, now))
      self.alone -= self.moved - before
    })
  }

  /** Whether this node alone has a job. What else may be the matter with the job is counted. */
  private isAlone(info: JobInfo): Effect.Effect<boolean> {
    if (info.state === "wait-repl") {
      this.unfinished += 1
      return Effect.succeed(false)
    }
    if (info.state === "acked") {
      return Effect.map(
        this.find(info, ({ state }) => state !== "acked"),
        (isUnheard) => {
          if (isUnheard) this.unfinished += 1
          return false
        }
      )
    }
    if (isOver(info)) return Effect.succeed(false)
    const found = this.needs.held.has(info.id) ? Effect.succeed(true) : this.find(info, () => true)
    return Effect.map(found, (isHeld) => {
      if (isHeld) this.needs.held.add(info.id)
      if (isHeld && info.state === "queued") this.queued += 1
      return !isHeld
    })
  }

  /** Whether another node knows a job in some state: one that may have a copy, or else any. */
  private find(info: JobInfo, isWanted: (info: JobInfo) => boolean): Effect.Effect<boolean> {
    const { others } = this.needs
    const likely = others.filter(({ id }) => id !== undefined && info.nodesDelivered.includes(id))
    const further = others.filter((node) => !likely.includes(node))
    const isOn = ({ address }: KnownNode): Effect.Effect<boolean> =>
      Effect.suspend(() => {
        if (this.silent.has(address)) return Effect.succeed(false)
        return Effect.match(bounded(address, showMillis, this.needs.pool.on(address).show(info.id)), {
          onFailure: () => {
            this.silent.add(address)
            return false
          },
          onSuccess: Option.exists(isWanted)
        })
      })
    return Effect.exists([...likely, ...further], isOn)
  }

  /** Adds a job on another node, each time on the next one. */
  private readonly add: DisquePool.Service["addJob"] = (queue, body, options) =>
    Effect.suspend(() => {
      const { others, pool } = this.needs
      this.turn += 1
      const { address } = others[this.turn % others.length] as KnownNode
      return pool.on(address).addJob(queue, body, options)
    })

  /** Moves jobs that wait, by DEQUEUE and WORKING: no consumer gets them meanwhile. */
  private moveQueued(infos: ReadonlyArray<JobInfo>): Effect.Effect<void> {
    const queues = new Map<string, Set<string>>()
    for (const { id, queue } of infos) {
      if (queue === null) continue
      const ids = queues.get(queue) ?? new Set()
      queues.set(queue, ids.add(id))
    }
    return Effect.forEach(queues, ([queue, ids]) => this.moveWithin(queue, ids), { discard: true })
  }

  private moveWithin(queue: string, ids: ReadonlySet<string>): Effect.Effect<void> {
    const self = this
    const { node, others, pool } = this.needs
    return Effect.gen(function* () {
      if (self.failure !== undefined) return
      const notices = new Notices(yield* Effect.clock, yield* runFork)
      const chooser = new JobChooser({ limit: undefined, ids, where: () => true })
      const how = { adding: self.add, mostCopies: others.length }
      const take = new Take({ pool, notices, queue, noun: "job" }, chooser, (_: PeekedJob, place) =>
        Effect.uninterruptible(self.copies.add(pool, queue, place, how))
      )
      const note = Effect.sync(() => {
        for (const id of take.settled) self.settled.add(id)
      })
      const taking = Effect.either(take.byId(ids, node.address))
      const taken = yield* Effect.ensuring(taking, Effect.zipRight(note, notices.end))
      if (Either.isLeft(taken)) self.failure = taken.left instanceof NodeFailed ? taken.left.error : taken.left
    })
  }

  /** Moves a job that is delayed: it is added with what is left of its delay, before it is acknowledged here. */
  private moveDelayed(info: JobInfo, millis: number): Effect.Effect<void> {
    const { node, others, pool } = this.needs
    if (millis === 0 || info.body === null || info.queue === null || this.failure !== undefined) return Effect.void
    const place = { id: info.id, node: node.address }
    const added = this.copies.addDelayed(info, millis, this.add, others.length)
    return Effect.uninterruptible(
      Effect.match(Effect.zipRight(added, pool.ackJob(place)), {
        onFailure: (error) => {
          this.failure = error
        },
        onSuccess: () => {
          this.settled.add(info.id)
        }
      })
    )
  }
}
