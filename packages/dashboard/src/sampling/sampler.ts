/** The one look at the cluster that all viewers share: its queues, again and again, with their rates and their past. */
import { Cluster, type DisquePool } from "@disco/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Status, TriedNode } from "../api/status.js"
import { History } from "./history.js"
import { QueueList } from "./queueList.js"
import { Signal } from "./signal.js"

// What one look may cost each node. Queues that are not asked for this time are in one of the next looks.
const budget = 500
const ages = 25
/** How long nodes are waited for. */
const withinMillis = 5000
/** The time between two looks when nobody looks: as long as a step of the past. */
const idleMillis = 30_000
/** The same while a node does not answer: then it costs little, and `/health` is to know soon that one is back. */
const troubledMillis = 5000

export interface SamplerOptions {
  /** The time between two looks, in milliseconds. */
  readonly everyMillis: number
  /** The queue that workers report to: its jobs are no jobs for anybody, and it is left out. */
  readonly reports: string
}

export class Sampler {
  readonly startedAt: number
  readonly history = new History()
  /** What was known when a node last answered. */
  list = QueueList.empty
  private sampledAt: number | undefined
  private tried: ReadonlyArray<TriedNode> = []
  private state: Status["state"] = "starting"
  private viewers = 0
  private readonly arrival = new Signal()
  private readonly looked = new Signal()
  private readonly options: SamplerOptions

  private constructor(startedAt: number, options: SamplerOptions) {
    this.startedAt = startedAt
    this.options = options
  }

  /** Looks at the cluster for as long as the scope. */
  static readonly make = (options: SamplerOptions): Effect.Effect<Sampler, never, DisquePool | Scope.Scope> =>
    Effect.gen(function* () {
      const sampler = new Sampler(yield* Clock.currentTimeMillis, options)
      const every = Duration.millis(options.everyMillis)
      const looks = yield* Stream.toPull(Cluster.watch({ every, budget, ages, within: Duration.millis(withinMillis) }))
      const look = Effect.gen(function* () {
        for (const snapshot of yield* looks) sampler.note(snapshot, yield* Clock.currentTimeMillis)
        yield* sampler.rest
      })
      // The options are right, and the stream does not end.
      yield* Effect.forkScoped(Effect.interruptible(Effect.forever(Effect.orDie(look))))
      return sampler
    })

  /** Sees to it that looks are frequent, for as long as the scope. */
  get attend(): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          this.viewers += 1
          this.arrival.fire()
        }),
        () =>
          Effect.sync(() => {
            this.viewers -= 1
          })
      )
    )
  }

  /** Waits for the next look. */
  get next(): Effect.Effect<void> {
    return this.looked.next
  }

  /** Waits for a look if the last one is older than some milliseconds, but not for long. */
  fresh(millis: number): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const now = yield* Clock.currentTimeMillis
      if (this.sampledAt !== undefined && now - this.sampledAt <= millis) return
      const { next } = this
      yield* Effect.scoped(
        Effect.zipRight(this.attend, Effect.timeoutOption(next, withinMillis + this.options.everyMillis))
      )
    })
  }

  status(now: number): Status {
    const { sampledAt = null, startedAt, state, tried } = this
    return { now, startedAt, sampledAt, state, nodes: tried }
  }

  get isDown(): boolean {
    return this.state === "down"
  }

  private get rest(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.viewers > 0) return Effect.void
      return Effect.asVoid(Effect.timeoutOption(this.arrival.next, this.state === "up" ? idleMillis : troubledMillis))
    })
  }

  private note(snapshot: Cluster.QueueSnapshot, now: number): void {
    const { nodes } = snapshot
    const silent = nodes.filter(({ error }) => error !== undefined).length
    this.sampledAt = now
    this.state = silent === 0 && nodes.length > 0 ? "up" : silent < nodes.length ? "partly" : "down"
    this.tried = nodes.map(({ address, error, failingSince }) => ({
      address,
      isAnswering: error === undefined,
      since: failingSince?.epochMillis ?? null,
      why: error?.message ?? null
    }))
    if (this.state !== "down") {
      const queues = snapshot.queues.filter(({ name }) => name !== this.options.reports)
      for (const { length, name, rates } of queues) {
        this.history.note(name, now, { length, in: rates?.in, out: rates?.out })
      }
      this.history.sweep(now)
      this.list = QueueList.of({ ...snapshot, queues }, now, this.list)
    }
    this.looked.fire()
  }
}
