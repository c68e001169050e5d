/** One loop of a consumer: it waits for room, fetches jobs from one node, and rests when the node fails. */
import * as Effect from "effect/Effect"
import type { Notices } from "../internal/notices.js"
import type { Job } from "../Job.js"
import type { Fetch, FetchError } from "./getJobCalls.js"
import { RankedPoll } from "./ranks.js"
import type { NodeShares } from "./shares.js"
import type { Unwanted } from "./unwantedJobs.js"

/** What a consumer fetches, and what it does with the jobs. */
export interface ConsumeRequest {
  /** Unless they are ranked, each queue has as large a share of the jobs as it is named times. */
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
  /** Waits until there is room, and reserves room for 1 to `most` jobs. */
  readonly demand: (most: number) => Effect.Effect<number>
  /** Takes the jobs that a reservation brought, once for each reservation: an empty array if none arrived. */
  readonly receive: (jobs: ReadonlyArray<Job>, reserved: number) => Effect.Effect<void>
}

/**
 * What a fetcher is doing.
 *
 * - `full`: it waits until the funnel or the worker has room for more jobs
 * - `fetching`: it waits for jobs, or for a link to its node
 * - `resting`: its node failed, and it waits before it asks that node again
 *
 * @since 0.1.0
 * @category models
 */
export type FetcherState = "full" | "fetching" | "resting"

/**
 * How a fetcher fares. A fetcher is a loop that fetches jobs from one node, for a funnel or a worker.
 *
 * @since 0.1.0
 * @category models
 */
export interface FetcherHealth {
  /** The address of the node. */
  readonly node: string
  /** The queues that jobs are fetched from; a queue that is named several times has as large a share of the jobs. */
  readonly queues: ReadonlyArray<string>
  readonly state: FetcherState
  /** When the node last answered a GETJOB, in milliseconds since 1970; undefined if it has not answered yet. */
  readonly lastRound: number | undefined
  /** Why fetching failed last; undefined if it has not failed since the node last answered a GETJOB. */
  readonly error: FetchError | undefined
}

/** What a loop needs. */
interface Needs {
  readonly now: () => number
  readonly request: ConsumeRequest
  /** Each queue once, in the order given. */
  readonly names: ReadonlyArray<string>
  readonly calls: { once(request: Fetch): Effect.Effect<ReadonlyArray<Job>, FetchError> }
  /** Makes sure that there is a link to wait for jobs on. */
  readonly connect: Effect.Effect<void, FetchError>
  readonly notices: Notices
  /** For how long other nodes are preferred to this one. */
  readonly restMillis: () => number
  readonly loops: {
    /** How many loops of the consumer fail at present. */
    readonly failed: number
    /** Whether no loop of the consumer has anything to wait for. */
    readonly isHopeless: boolean
  }
}

// A node that takes connections and refuses to work is not asked in a tight loop.
const leastPauseMillis = 100
// All failing nodes together are dialed no more often than this, lest they take the time of those that work.
const dialMillis = 20
const mostPauseMillis = 30_000
// The most nodes that have a line of their own in the log when they fail.
const mostLines = 8

export class FetchLoop {
  readonly node: string
  private readonly needs: Needs
  /** The order in which the queues are named, if that is not always the same. */
  private readonly shares: NodeShares | undefined
  private state: FetcherState = "full"
  private lastRound: number | undefined = undefined
  private lastError: FetchError | undefined = undefined

  constructor(node: string, shares: NodeShares | undefined, needs: Needs) {
    this.node = node
    this.shares = shares
    this.needs = needs
  }

  /** Why the loop does not fetch; undefined if it does. */
  get error(): FetchError | undefined {
    return this.lastError
  }

  /** How the loop fares. `timeOfDay` converts a time of `now`. */
  health(timeOfDay: (at: number) => number): FetcherHealth {
    const { lastRound, node, state } = this
    return {
      node,
      state,
      error: this.lastError,
      lastRound: lastRound === undefined ? undefined : timeOfDay(lastRound),
      queues: this.needs.request.queues
    }
  }

  /** Fetches until it is interrupted. */
  readonly run: Effect.Effect<never, FetchError> = Effect.suspend(() => {
    const poll = this.fetch(this.needs.request.count, 0)
    const wait = this.fetch(1, Number.POSITIVE_INFINITY)
    // After a wait that brought nothing, the next GETJOB waits at once: it takes a job that is there, too.
    let isQuiet = false
    const fetch = Effect.suspend(() =>
      isQuiet ? wait : Effect.flatMap(poll, (got) => (got ? Effect.succeed(true) : wait))
    )
    // The link is made before room is reserved: meanwhile the loops of other nodes have use for the room.
    const connected = Effect.suspend(() => {
      if (this.lastRound !== undefined && this.lastError === undefined) return fetch
      if (this.lastError === undefined) this.state = "fetching"
      return Effect.zipRight(this.needs.connect, fetch)
    })
    const round = Effect.matchEffect(connected, {
      onFailure: (error) => {
        isQuiet = false
        return this.rest(error)
      },
      onSuccess: (got) => {
        isQuiet = !got
        return Effect.void
      }
    })
    this.shares?.join()
    return Effect.ensuring(
      Effect.forever(round),
      Effect.sync(() => this.shares?.leave())
    )
  })

  // A GETJOB that waits gets one job, however many it asks for, and other nodes cannot use the room that it reserved. So it asks for one
  // job. The next GETJOB does not wait, and takes the jobs that came together with that job.
  private fetch(most: number, waitMillis: number): Effect.Effect<boolean, FetchError> {
    const { calls, names, now, request } = this.needs
    const { demand, isRanked, receive, sliceMillis, unwanted } = request
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        Effect.suspend(() => {
          this.state = "full"
          return restore(demand(most))
        }),
        (room) => {
          this.state = "fetching"
          const ranks = isRanked && waitMillis === 0 ? new RankedPoll(names, room) : undefined
          const next = (
            queues: ReadonlyArray<string>,
            count: number,
            before: ReadonlyArray<Job>
          ): Effect.Effect<boolean, FetchError> => {
            const fetch = calls.once({ queues, count, waitMillis, sliceMillis, unwanted, node: this.node })
            return Effect.matchCauseEffect(restore(fetch), {
              onFailure: (cause) => Effect.zipRight(receive(before, room), Effect.failCause(cause)),
              onSuccess: (got) => {
                this.lastRound = now()
                this.lastError = undefined
                this.shares?.received(got, count)
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
            ? next(this.shares?.order(room) ?? names, room, [])
            : next(first.queues, first.count, [])
        }
      )
    )
  }

  private rest(error: FetchError): Effect.Effect<void, FetchError> {
    const { loops, names, notices, restMillis } = this.needs
    this.state = "resting"
    const isNew = this.lastError === undefined
    this.lastError = error
    const { failed } = loops
    this.shares?.forget()
    if (!error.isRetryable && loops.isHopeless) return Effect.fail(error)
    // When many fail, it is logged each time that their number has doubled.
    const isSaid = isNew && (failed <= mostLines || Number.isInteger(Math.log2(failed)))
    const others = failed <= mostLines ? "" : ` and ${failed - 1} others`
    const said = isSaid
      ? notices.say(`${this.node} ${error._tag}`, (more) =>
          Effect.annotateLogs(
            Effect.logWarning(`jobs cannot be fetched from ${this.node}${others} at present: ${error.message}${more}`),
            { node: this.node, queue: names[0] }
          )
        )
      : Effect.void
    return Effect.zipRight(
      said,
      Effect.suspend(() => {
        const pause = Math.max(leastPauseMillis, Math.min(mostPauseMillis, failed * dialMillis))
        return Effect.sleep(Math.max(pause, restMillis()))
      })
    )
  }
}
