/** Fetching from every node at once: a loop for each, for as long as the node is one of the cluster. */
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Runtime from "effect/Runtime"
import type { Client } from "../client.js"
import { Notices } from "../internal/notices.js"
import type { Job } from "../Job.js"
import { Permits } from "../links/permits.js"
import type { FetchError, Fetcher, Unwanted } from "./fetcher.js"
import { RankedPoll } from "./ranks.js"
import { NodeShares, Shares } from "./shares.js"

/** What is fetched, and for whom. */
export interface Consume {
  /** Where they are not ranked, each has as large a share of the jobs as it is named times. */
  readonly queues: ReadonlyArray<string>
  /** Whether queues named first go before the others. */
  readonly isRanked: boolean
  /** The most jobs that one GETJOB takes. */
  readonly count: number
  /** How many loops each node has. */
  readonly perNode: number
  /** The longest that one GETJOB waits. */
  readonly sliceMillis: number
  readonly unwanted: Unwanted
  /** Waits until there is room, and reserves it: for one job at least, for as many as asked at most. */
  readonly demand: (most: number) => Effect.Effect<number>
  /** Takes the jobs that a reservation of so many brought: once for each, with none where none came. */
  readonly receive: (jobs: ReadonlyArray<Job>, reserved: number) => Effect.Effect<void>
}

/** What a loop is doing: */
export type FetcherState =
  /** it waits for room, */
  | "full"
  /** for jobs, */
  | "fetching"
  /** or for its node, which failed. */
  | "resting"

/** How a loop fares that fetches jobs. */
export interface FetcherHealth {
  readonly node: string
  readonly queues: ReadonlyArray<string>
  readonly state: FetcherState
  /** When the node last answered a GETJOB, in milliseconds since 1970. */
  readonly lastRound: number | undefined
  /** Why it does not fetch, where it does not. */
  readonly error: FetchError | undefined
}

interface Loop {
  readonly node: string
  /** In which order it names the queues, where that is not always the same. */
  readonly shares: NodeShares | undefined
  state: FetcherState
  /** By the clock of the client. */
  lastRound: number | undefined
  error: FetchError | undefined
}

// A node that takes connections and refuses to work is not asked in a tight loop.
const leastPauseMillis = 100
// Many that fail are dialed no more often than this in all, lest they take the time of those that work.
const dialMillis = 20
const mostPauseMillis = 30_000
// So many nodes are dialed at a time: sockets are few, and those that do not answer hold theirs for long.
const mostDials = 64
// So many nodes at a time have a line of their own where they fail.
const mostLines = 8

export class Consumer {
  private readonly client: Client
  private readonly fetcher: Fetcher
  private readonly request: Consume
  private readonly loops = new Map<string, Loop>()
  /** Each queue once, in the order given. */
  private readonly names: ReadonlyArray<string>
  private readonly shares: Shares | undefined
  private readonly dials: Permits

  constructor(client: Client, fetcher: Fetcher, request: Consume) {
    this.client = client
    this.fetcher = fetcher
    this.request = request
    const forEver = Number.POSITIVE_INFINITY
    this.dials = new Permits(
      { maxActive: mostDials, maxWaiting: forEver, acquireMillis: forEver },
      client.now,
      () => {}
    )
    this.names = [...new Set(request.queues)]
    this.shares = request.isRanked || this.names.length === 1 ? undefined : new Shares(request.queues, request.count)
  }

  /** How many loops there are, each with a link. */
  get size(): number {
    return this.loops.size
  }

  get health(): ReadonlyArray<FetcherHealth> {
    return [...this.loops.values()].map(({ lastRound, shares: _, ...loop }) => ({
      ...loop,
      lastRound: lastRound === undefined ? undefined : this.client.timeOfDay(lastRound),
      queues: this.request.queues
    }))
  }

  /** Fetches until it is interrupted. Fails where no node lets it, for a reason that no waiting mends. */
  readonly run: Effect.Effect<never, FetchError> = Effect.scoped(
    Effect.gen(this, function* () {
      const runFork = Runtime.runFork(yield* Effect.runtime<never>())
      const notices = new Notices(yield* Effect.clock, runFork)
      yield* Effect.addFinalizer(() => notices.end)
      // A seed that does not answer holds nobody up; what is learned of it is a change as others are.
      yield* Effect.forkScoped(Effect.interruptible(this.client.identifySeeds))
      const fibers = yield* FiberMap.make<string, never, FetchError>()
      while (true) {
        const { version } = this.client
        const wanted = new Map<string, string>()
        for (const node of this.client.fetchNodes) {
          for (let i = 0; i < this.request.perNode; i++) wanted.set(`${node} ${i}`, node)
        }
        for (const [key] of fibers) if (!wanted.has(key)) yield* FiberMap.remove(fibers, key)
        for (const [key, node] of wanted) {
          yield* FiberMap.run(fibers, key, this.loop(node, key, notices), { onlyIfMissing: true })
        }
        yield* Effect.raceFirst(this.client.changedSince(version), FiberMap.join(fibers))
      }
    })
  )

  private loop(node: string, key: string, notices: Notices): Effect.Effect<never, FetchError> {
    const shares = this.shares === undefined ? undefined : new NodeShares(this.shares)
    const loop: Loop = { node, shares, state: "full", lastRound: undefined, error: undefined }
    const poll = this.fetch(loop, this.request.count, 0)
    const wait = this.fetch(loop, 1, Number.POSITIVE_INFINITY)
    // Who has waited for nothing need not look before it waits again: GETJOB does.
    let isQuiet = false
    const fetch = Effect.suspend(() =>
      isQuiet ? wait : Effect.flatMap(poll, (got) => (got ? Effect.succeed(true) : wait))
    )
    // A node whose link is yet to be made holds no room meanwhile, which the others have use for.
    const connect = Effect.catchTag(this.dials.run(this.fetcher.connect(node)), "PoolExhausted", Effect.die)
    const connected = Effect.suspend(() => {
      if (loop.lastRound !== undefined && loop.error === undefined) return fetch
      if (loop.error === undefined) loop.state = "fetching"
      return Effect.zipRight(connect, fetch)
    })
    const round = Effect.matchEffect(connected, {
      onFailure: (error) => {
        isQuiet = false
        return this.rest(loop, error, notices)
      },
      onSuccess: (got) => {
        isQuiet = !got
        return Effect.void
      }
    })
    return Effect.suspend(() => {
      shares?.join()
      this.loops.set(key, loop)
      return Effect.forever(round)
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          shares?.leave()
          this.loops.delete(key)
        })
      )
    )
  }

  // A call that waits is woken with one job, whatever it asks for, and room that it holds is no other node's: so it asks for
  // one, and what came with that one is asked for without waiting.
  private fetch(loop: Loop, most: number, waitMillis: number): Effect.Effect<boolean, FetchError> {
    const { names } = this
    const { demand, isRanked, receive, sliceMillis, unwanted } = this.request
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        Effect.suspend(() => {
          loop.state = "full"
          return restore(demand(most))
        }),
        (room) => {
          loop.state = "fetching"
          const ranks = isRanked && waitMillis === 0 ? new RankedPoll(names, room) : undefined
          const next = (
            queues: ReadonlyArray<string>,
            count: number,
            before: ReadonlyArray<Job>
          ): Effect.Effect<boolean, FetchError> => {
            const fetch = this.fetcher.once({ queues, count, waitMillis, sliceMillis, unwanted, node: loop.node })
            return Effect.matchCauseEffect(restore(fetch), {
              onFailure: (cause) => Effect.zipRight(receive(before, room), Effect.failCause(cause)),
              onSuccess: (got) => {
                loop.lastRound = this.client.now()
                loop.error = undefined
                loop.shares?.received(got, count)
                ranks?.received(got)
                const jobs = before.length === 0 ? got : [...before, ...got]
                const ask = ranks?.next()
                return ask === undefined
                  ? Effect.as(receive(jobs, room), jobs.length > 0)
                  : next(ask.queues, ask.count, jobs)
              }
            })
          }
          const first = ranks?.next()
          return first === undefined
            ? next(loop.shares?.order(room) ?? names, room, [])
            : next(first.queues, first.count, [])
        }
      )
    )
  }

  private rest(loop: Loop, error: FetchError, notices: Notices): Effect.Effect<void, FetchError> {
    loop.state = "resting"
    const isNew = loop.error === undefined
    loop.error = error
    let failed = 0
    for (const { error } of this.loops.values()) if (error !== undefined) failed += 1
    loop.shares?.forget()
    if (!error.isRetryable && this.isHopeless) return Effect.fail(error)
    // Of many it is said each time that they are twice as many.
    const isSaid = isNew && (failed <= mostLines || Number.isInteger(Math.log2(failed)))
    const others = failed <= mostLines ? "" : ` and ${failed - 1} others`
    const said = isSaid
      ? notices.say(`${loop.node} ${error._tag}`, (more) =>
          Effect.annotateLogs(
            Effect.logWarning(`jobs cannot be fetched from ${loop.node}${others} at present: ${error.message}${more}`),
            { node: loop.node, queue: this.names[0] }
          )
        )
      : Effect.void
    return Effect.zipRight(
      said,
      Effect.suspend(() => {
        const pause = Math.max(leastPauseMillis, Math.min(mostPauseMillis, failed * dialMillis))
        return Effect.sleep(Math.max(pause, this.client.topology.restMillis(loop.node)))
      })
    )
  }

  /** Whether no loop has anything to wait for. */
  private get isHopeless(): boolean {
    for (const { error } of this.loops.values()) if (error === undefined || error.isRetryable) return false
    return true
  }
}
