/** The queues of one node, looked at again and again. */
import * as Chunk from "effect/Chunk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Queues from "../commands/queues.js"
import type { DisqueCommands } from "../DisqueCommands.js"
import type { CommandError, InvalidArgument } from "../DisqueError.js"
import { type Count, type Flow, flow, nothing } from "./rates.js"

/** Which queues are looked at, and how many of them at a time. */
export interface SampleLimits {
  readonly isWanted: (name: string) => boolean
  /** The most queues of a node. */
  readonly queues: number
  /** The most queues of a node whose figures are asked for at a time. */
  readonly budget: number
  /** The most queues of a node whose oldest job is asked for at a time. */
  readonly ages: number
}

/** What is kept of a queue: another object as soon as something is known anew. */
export interface KeptQueue {
  readonly stats: Omit<Queues.NodeQueueStats, "fields">
  /** What came and went since the time before. */
  readonly flow: Flow | undefined
  /** The age of the oldest job that waits. */
  readonly oldest: Duration.Duration | undefined
}

interface Kept extends KeptQueue {
  readonly at: number
  readonly oldestAt: number
}

/** How much of a node was looked at. */
export interface Sampled {
  /** How many queues the node has of those that are wanted. */
  readonly queues: number
  /** How many of them were asked for this time. */
  readonly asked: number
  /** Whether something is known of each queue. */
  readonly isComplete: boolean
}

// QSCAN goes through this many queues at a time.
const pageSize = 1000
// The most commands to a node that are under way.
const concurrency = 128
// The last part of the time is for the answers that are under way.
const reserve = 0.2
const never = Number.NEGATIVE_INFINITY

/** Those that were asked for the longest time ago. */
const stalest = (
  names: ReadonlyArray<string>,
  most: number,
  askedAt: (name: string) => number
): ReadonlyArray<string> =>
  names.length <= most ? names : [...names].sort((a, b) => askedAt(a) - askedAt(b)).slice(0, most)

export class NodeSampler {
  private kept = new Map<string, Kept>()
  /** When the node last told all of its queues. */
  private listedAt: number | undefined
  private readonly limits: SampleLimits
  private readonly now: () => number

  constructor(limits: SampleLimits, now: () => number) {
    this.limits = limits
    this.now = now
  }

  /** What is known of the queues, by their names. */
  get queues(): ReadonlyMap<string, KeptQueue> {
    return this.kept
  }

  /** Looks at the queues of the node, as many as the limits and the time allow. */
  sample(commands: DisqueCommands, left: () => number): Effect.Effect<Sampled, CommandError | InvalidArgument> {
    const self = this
    return Effect.gen(function* () {
      const listedAt = self.now()
      const { isWhole, names } = yield* self.names(commands)
      const wanted = new Set(names)
      for (const name of self.kept.keys()) if (!wanted.has(name)) self.kept.delete(name)
      const least = left() * reserve
      const hasTime = () => left() > least
      const asked = yield* self.figures(commands, names, hasTime)
      if (isWhole) self.listedAt = listedAt
      yield* self.ages(commands, hasTime)
      const isKnown = (name: string) => asked.has(name) || self.kept.has(name)
      return { queues: names.length, asked: asked.size, isComplete: isWhole && names.every(isKnown) }
    })
  }

  private names(commands: DisqueCommands) {
    const { isWanted, queues } = this.limits
    return commands.queues({ pageSize }).pipe(
      Stream.filter(isWanted),
      Stream.take(queues + 1),
      Stream.runCollect,
      Effect.map((found) => ({
        isWhole: found.length <= queues,
        names: Chunk.toReadonlyArray(Chunk.take(found, queues))
      }))
    )
  }

  /** QSTAT, of the queues that were asked for the longest time ago. Gives the names of those that were asked for. */
  private figures(commands: DisqueCommands, names: ReadonlyArray<string>, hasTime: () => boolean) {
    const chosen = stalest(names, this.limits.budget, (name) => this.kept.get(name)?.at ?? never)
    const asked = new Set<string>()
    const ask = (name: string) =>
      Effect.suspend(() => {
        const command = Queues.queueStats.make(name)
        // A name that is no text cannot be asked for: the bytes that it has are not known here.
        if (Either.isLeft(command) || !hasTime()) return Effect.void
        asked.add(name)
        return Effect.map(commands.execute(command.right), (stats) => this.note(name, stats))
      })
    return Effect.map(Effect.forEach(chosen, ask, { concurrency, discard: true }), () => asked)
  }

  private note(name: string, stats: Option.Option<Queues.NodeQueueStats>): void {
    const before = this.kept.get(name)
    if (Option.isNone(stats)) {
      this.kept.delete(name)
      return
    }
    const { fields: _, ...known } = stats.value
    const after: Count = { stats: known, at: this.now() }
    // A queue that the node did not have when it told all of its queues is new.
    const count: Count | undefined =
      before ?? (this.listedAt === undefined ? undefined : { stats: nothing, at: this.listedAt })
    this.kept.set(name, {
      stats: known,
      at: after.at,
      flow: count === undefined ? undefined : flow(count, after),
      oldest: known.length === 0 ? undefined : before?.oldest,
      oldestAt: before?.oldestAt ?? never
    })
  }

  /** The ages of the oldest jobs, in the queues whose ages were asked for the longest time ago. */
  private ages(commands: DisqueCommands, hasTime: () => boolean) {
    const filled = [...this.kept].flatMap(([name, { stats }]) => (stats.length > 0 ? [name] : []))
    const chosen = stalest(filled, this.limits.ages, (name) => this.kept.get(name)?.oldestAt ?? never)
    return Effect.forEach(
      chosen,
      (name) =>
        Effect.suspend(() =>
          hasTime()
            ? Effect.map(commands.oldestAge(name), (age) => {
                const kept = this.kept.get(name)
                if (kept === undefined) return
                this.kept.set(name, { ...kept, oldest: Option.getOrUndefined(age), oldestAt: this.now() })
              })
            : Effect.void
        ),
      { concurrency, discard: true }
    )
  }
}
