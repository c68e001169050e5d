/** The queues of the cluster: what all nodes together know of each, at one time or again and again. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { NodeQueueStats, PauseState } from "../commands/queues.js"
import type { CommandError, InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import { withJson } from "../internal/json.js"
import * as OptionReader from "../internal/optionReader.js"
import * as Time from "../internal/time.js"
import { type QueueStats, totals } from "../QueueStats.js"
import { matches } from "./glob.js"
import { type KeptQueue, NodeSampler, type SampleLimits } from "./nodeSampler.js"
import { askEach, countdown, type KnownNode, knownNodes, readWithin } from "./nodes.js"
import { clusterRates, type NodeFlow, nodeRates, type QueueRates } from "./rates.js"

/**
 * What one node knows of a queue.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeQueue extends Omit<NodeQueueStats, "fields"> {
  /** How long ago the oldest job that waits on this node was added. Undefined if no job waits, or if it was not looked up. */
  readonly oldest: Duration.Duration | undefined
  /** The rates on this node: jobs that came from other nodes or went to them are among `in` and `out`. */
  readonly rates: QueueRates | undefined
}

/**
 * What is paused of a queue on one node.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodePause {
  readonly node: string
  /** `none` if the node does not know the queue. */
  readonly pause: PauseState
}

/**
 * What all nodes that answered know of a queue.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterQueue extends Omit<QueueStats, "nodes"> {
  /** How long ago the oldest job that waits was added. Undefined if no job waits, or if it was not looked up. */
  readonly oldest: Duration.Duration | undefined
  /** Undefined until each node that knows the queue has been asked twice. */
  readonly rates: QueueRates | undefined
  /** What is paused on each node that answered. */
  readonly pauses: ReadonlyArray<NodePause>
  /** What each node knows by itself; nodes that do not know the queue are left out. */
  readonly nodes: ReadonlyArray<NodeQueue>
}

/**
 * How much of a node is in a snapshot.
 *
 * @since 0.1.0
 * @category models
 */
export interface SampledNode {
  readonly address: string
  readonly id: string | undefined
  /** How many queues the node has, of those that fit the pattern. */
  readonly queues: number
  /** How many of them were asked for this time. The figures of the others are from the last time that they were asked for. */
  readonly asked: number
  /** Whether all of the queues are in the snapshot. */
  readonly isComplete: boolean
  /** Why the node is left out; undefined if it answered. */
  readonly error: CommandError | undefined
  /** The time of the first snapshot that had to do without the node, since it last answered. */
  readonly failingSince: DateTime.Utc | undefined
}

/**
 * The queues of the cluster at one time.
 *
 * @since 0.1.0
 * @category models
 */
export interface QueueSnapshot {
  readonly at: DateTime.Utc
  /** In the order of their names. `Cluster.worstFirst` is another order. */
  readonly queues: ReadonlyArray<ClusterQueue>
  /** All nodes of the cluster: the queues are those of the nodes that answered. */
  readonly nodes: ReadonlyArray<SampledNode>
}

/**
 * Which queues to look at, and how much that may cost.
 *
 * @since 0.1.0
 * @category options
 */
export interface QueuesOptions {
  /** Names of queues: `*` stands for any text, `?` for any character. Default: all queues. */
  readonly pattern?: string | undefined
  /** The most queues of a node. A snapshot says if there are more. Default: 20,000. */
  readonly queues?: number | undefined
  /**
   * The most queues of a node that one snapshot asks for (QSTAT). In `watch`, the others follow in the next snapshots, in turn. Default:
   * 20,000; in `watch`, 2,000.
   */
  readonly budget?: number | undefined
  /**
   * The most queues of a node whose oldest job one snapshot looks up, by QPEEK and SHOW, which send its body twice. In `watch`, the
   * others follow in turn. Default: 1,000; in `watch`, 100.
   */
  readonly ages?: number | undefined
  /** How long a snapshot takes at most. A node that does not answer by then is left out. Default: 5 seconds. */
  readonly within?: Duration.DurationInput | undefined
}

/**
 * Which queues to watch, and how often.
 *
 * @since 0.1.0
 * @category options
 */
export interface WatchOptions extends QueuesOptions {
  /** The time from one snapshot to the next, 100 ms or more. Default: 1 second. */
  readonly every?: Duration.DurationInput | undefined
}

interface Settings extends SampleLimits {
  readonly withinMillis: number
}

const most = 1_000_000

const read = (
  subject: string,
  { ages, budget, pattern, queues, within }: QueuesOptions,
  usual: { readonly budget: number; readonly ages: number }
): Either.Either<Settings, InvalidArgument> =>
  Either.gen(function* () {
    const glob =
      pattern === undefined
        ? undefined
        : yield* OptionReader.text(subject, "pattern", pattern, "a pattern of names, at least one character")
    return {
      isWanted: glob === undefined ? () => true : (name: string) => matches(glob, name),
      queues: yield* OptionReader.count(subject, "queues", queues ?? 20_000, 1, most),
      budget: yield* OptionReader.count(subject, "budget", budget ?? usual.budget, 1, most),
      ages: yield* OptionReader.count(subject, "ages", ages ?? usual.ages, 0, most),
      withinMillis: yield* readWithin(subject, within, "5 seconds")
    }
  })

const longest = (durations: ReadonlyArray<Duration.Duration | undefined>): Duration.Duration | undefined =>
  durations.reduce<Duration.Duration | undefined>(
    (most, next) => (most === undefined || (next !== undefined && Duration.lessThan(most, next)) ? next : most),
    undefined
  )

/** A node that answered, and what it knows. */
interface Answered {
  readonly node: KnownNode
  readonly sampler: NodeSampler
}

/** A queue on all nodes that answered; `parts` is what each of them knows of it. */
const together = (answered: ReadonlyArray<Answered>, parts: ReadonlyArray<KeptQueue | undefined>): ClusterQueue => {
  const known = parts.flatMap((kept, i) => (kept === undefined ? [] : [{ kept, id: answered[i]?.node.id }]))
  const flows = known.flatMap(
    ({ id, kept: { flow, stats } }): ReadonlyArray<NodeFlow> =>
      flow === undefined ? [] : [{ id, flow, importFrom: stats.importFrom, importRate: stats.importRate }]
  )
  // The rates of some nodes alone would look like those of the cluster.
  const rates = flows.length === known.length ? nodeRates(flows) : []
  const nodes = known.map(({ kept: { oldest, stats } }, i) =>
    withJson<NodeQueue>({ ...stats, oldest, rates: rates[i] })
  )
  const [first, ...others] = nodes
  const pauses = answered.map(({ node }, i) => ({ node: node.address, pause: parts[i]?.stats.pause ?? "none" }))
  return withJson<ClusterQueue>({
    ...totals([first as NodeQueue, ...others]),
    oldest: longest(nodes.map(({ oldest }) => oldest)),
    rates: clusterRates(rates),
    pauses,
    nodes
  })
}

/** The queues on all nodes that answered. A queue of which nothing is known anew stays the same object. */
class MergedQueues {
  private merged = new Map<
    string,
    { readonly parts: ReadonlyArray<KeptQueue | undefined>; readonly queue: ClusterQueue }
  >()
  private nodes: ReadonlyArray<KnownNode> = []

  of(answered: ReadonlyArray<Answered>): ReadonlyArray<ClusterQueue> {
    const nodes = answered.map(({ node }) => node)
    const areSame =
      nodes.length === this.nodes.length &&
      nodes.every(({ address, id }, i) => address === this.nodes[i]?.address && id === this.nodes[i]?.id)
    const before = areSame ? this.merged : new Map<string, never>()
    const merged: typeof this.merged = new Map()
    const names = new Set(answered.flatMap(({ sampler }) => [...sampler.queues.keys()]))
    for (const name of [...names].sort()) {
      const parts = answered.map(({ sampler }) => sampler.queues.get(name))
      const known = before.get(name)
      merged.set(
        name,
        known !== undefined && parts.every((part, i) => part === known.parts[i])
          ? known
          : { parts, queue: together(answered, parts) }
      )
    }
    this.merged = merged
    this.nodes = nodes
    return Array.from(merged.values(), ({ queue }) => queue)
  }
}

class QueueSampler {
  private samplers = new Map<string, NodeSampler>()
  private failing = new Map<string, DateTime.Utc>()
  private readonly merged = new MergedQueues()
  private readonly pool: DisquePool.Service
  private readonly settings: Settings
  private readonly now: () => number

  constructor(pool: DisquePool.Service, settings: Settings, now: () => number) {
    this.pool = pool
    this.settings = settings
    this.now = now
  }

  readonly sample: Effect.Effect<QueueSnapshot> = Effect.suspend(() => {
    const self = this
    return Effect.gen(function* () {
      const at = yield* DateTime.now
      const left = yield* countdown(self.settings.withinMillis)
      const nodes = yield* knownNodes(self.pool, left)
      // What is known of a node that is gone is of no use.
      self.samplers = new Map(nodes.map(({ address }) => [address, self.samplerOf(address)]))
      const asked = yield* askEach(self.pool, nodes, left, (commands, { address }) =>
        self.samplerOf(address).sample(commands, left)
      )
      self.failing = new Map(
        asked.flatMap(({ answer, node }) =>
          Either.isLeft(answer) ? [[node.address, self.failing.get(node.address) ?? at] as const] : []
        )
      )
      const answered = asked.flatMap(({ answer, node }) =>
        Either.isRight(answer) ? [{ node, sampler: self.samplerOf(node.address) }] : []
      )
      return {
        at,
        queues: self.merged.of(answered),
        nodes: asked.map(({ answer, node: { address, id } }) => ({
          address,
          id,
          ...Either.getOrElse(answer, () => ({ queues: 0, asked: 0, isComplete: false })),
          error: Either.isLeft(answer) ? answer.left : undefined,
          failingSince: self.failing.get(address)
        }))
      }
    })
  })

  private samplerOf(address: string): NodeSampler {
    const known = this.samplers.get(address)
    if (known !== undefined) return known
    const sampler = new NodeSampler(this.settings, this.now)
    this.samplers.set(address, sampler)
    return sampler
  }
}

const samplerWith = (settings: Settings) =>
  Effect.map(Effect.all([DisquePool, Effect.clock]), ([pool, clock]) => {
    const now = () => Time.monotonicMillis(clock)
    return { now, sampler: new QueueSampler(pool, settings, now) }
  })

export const queues = (options?: QueuesOptions): Effect.Effect<QueueSnapshot, InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const given = yield* OptionReader.all("Cluster.queues", options)
    const settings = yield* read("Cluster.queues", given, { budget: 20_000, ages: 1000 })
    const { sampler } = yield* samplerWith(settings)
    return yield* sampler.sample
  })

export const watch = (options?: WatchOptions): Stream.Stream<QueueSnapshot, InvalidArgument, DisquePool> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { every, ...given } = yield* OptionReader.all("Cluster.watch", options)
      const settings = yield* read("Cluster.watch", given, { budget: 2000, ages: 100 })
      const millis = yield* OptionReader.duration("Cluster.watch", "every", every ?? "1 second", 100)
      const { now, sampler } = yield* samplerWith(settings)
      let due = Number.NEGATIVE_INFINITY
      const next = Effect.suspend(() => {
        const begin = Math.max(now(), due)
        return Effect.zipRight(Time.sleep(begin - now()), sampler.sample).pipe(
          Effect.tap(() =>
            Effect.sync(() => {
              // If a snapshot takes long, the nodes have some rest all the same.
              due = Math.max(begin + millis, now() + millis / 4)
            })
          )
        )
      })
      return Stream.repeatEffect(next)
    })
  )
