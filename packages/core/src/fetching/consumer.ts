/** Fetching from every node at once: a loop for each, for as long as the node is one of the cluster. */
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import { Notices } from "../internal/notices.js"
import { runFork } from "../internal/runtime.js"
import type { Job } from "../Job.js"
import { Permits } from "../links/permits.js"
import { type ConsumeRequest, type FetcherHealth, FetchLoop } from "./fetchLoop.js"
import type { Fetch, FetchError } from "./getJobCalls.js"
import { NodeShares, Shares } from "./shares.js"

/** What consumers need. */
export interface ConsumerNeeds {
  readonly now: () => number
  readonly cluster: {
    readonly changes: { readonly version: number; since(version: number): Effect.Effect<void> }
    readonly topology: { restMillis(address: string): number }
  }
  readonly source: { readonly nodes: ReadonlyArray<string> }
  /** Finds out which nodes the seeds are. */
  readonly identifySeeds: Effect.Effect<void>
}

/** What a consumer needs of its own. */
interface Needs extends ConsumerNeeds {
  readonly calls: {
    connect(node: string): Effect.Effect<void, FetchError>
    once(request: Fetch): Effect.Effect<ReadonlyArray<Job>, FetchError>
  }
}

// The most nodes that are dialed at a time: sockets are few, and a node that does not answer holds one for long.
const mostDials = 64

export class Consumer {
  private readonly needs: Needs
  private readonly request: ConsumeRequest
  private readonly loops = new Map<string, FetchLoop>()
  /** Each queue once, in the order given. */
  private readonly names: ReadonlyArray<string>
  private readonly shares: Shares | undefined
  private readonly dials: Permits

  constructor(needs: Needs, request: ConsumeRequest) {
    this.needs = needs
    this.request = request
    const forEver = Number.POSITIVE_INFINITY
    this.dials = new Permits({
      limits: { maxActive: mostDials, maxWaiting: forEver, acquireMillis: forEver },
      now: needs.now,
      expect: () => {}
    })
    this.names = [...new Set(request.queues)]
    this.shares = request.isRanked || this.names.length === 1 ? undefined : new Shares(request.queues, request.count)
  }

  /** How many loops there are, each with a link. */
  get size(): number {
    return this.loops.size
  }

  /** How many loops fail at present. */
  get failed(): number {
    let failed = 0
    for (const { error } of this.loops.values()) if (error !== undefined) failed += 1
    return failed
  }

  /** Whether no loop has anything to wait for. */
  get isHopeless(): boolean {
    for (const { error } of this.loops.values()) if (error === undefined || error.isRetryable) return false
    return true
  }

  /** How each loop fares. `timeOfDay` converts a time of `now`. */
  health(timeOfDay: (at: number) => number): ReadonlyArray<FetcherHealth> {
    return [...this.loops.values()].map((loop) => loop.health(timeOfDay))
  }

  /** Fetches until it is interrupted. Fails when no node lets it fetch, for a reason that time does not mend. */
  readonly run: Effect.Effect<never, FetchError> = Effect.scoped(
    Effect.gen(this, function* () {
      const { cluster, identifySeeds, source } = this.needs
      const notices = new Notices(yield* Effect.clock, yield* runFork)
      yield* Effect.addFinalizer(() => notices.end)
      // A seed that does not answer holds nobody up: when it does, its node is a change like others.
      yield* Effect.forkScoped(Effect.interruptible(identifySeeds))
      const fibers = yield* FiberMap.make<string, never, FetchError>()
      while (true) {
        const { version } = cluster.changes
        const wanted = new Map<string, string>()
        for (const node of source.nodes) {
          for (let i = 0; i < this.request.perNode; i++) wanted.set(`${node} ${i}`, node)
        }
        for (const [key] of fibers) if (!wanted.has(key)) yield* FiberMap.remove(fibers, key)
        for (const [key, node] of wanted) {
          yield* FiberMap.run(fibers, key, this.loop(node, key, notices), { onlyIfMissing: true })
        }
        yield* Effect.raceFirst(cluster.changes.since(version), FiberMap.join(fibers))
      }
    })
  )

  private loop(node: string, key: string, notices: Notices): Effect.Effect<never, FetchError> {
    return Effect.suspend(() => {
      const shares = this.shares === undefined ? undefined : new NodeShares(this.shares)
      const loop = new FetchLoop(node, shares, {
        now: this.needs.now,
        request: this.request,
        names: this.names,
        calls: this.needs.calls,
        connect: Effect.catchTag(this.dials.run(this.needs.calls.connect(node)), "PoolExhausted", Effect.die),
        notices,
        restMillis: () => this.needs.cluster.topology.restMillis(node),
        loops: this
      })
      this.loops.set(key, loop)
      return Effect.ensuring(
        loop.run,
        Effect.sync(() => this.loops.delete(key))
      )
    })
  }
}
