/** Fetching of jobs: the reply of each GETJOB that was sent is read, and each job goes to the caller or back to its queue. */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Jobs from "../commands/jobs.js"
import { type CommandError, ConnectionError, type NodeLeaving } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import type { Line } from "../internal/notices.js"
import { tracerOf, withFiber } from "../internal/runtime.js"
import { Slot } from "../internal/slot.js"
import * as telemetry from "../internal/telemetry.js"
import type { Job } from "../Job.js"
import type { NodeLinks } from "../links/nodeLinks.js"
import type { WatchedLink } from "../links/watchedLink.js"
import { DueReplies } from "./dueReplies.js"
import { type Unwanted, UnwantedJobs } from "./unwantedJobs.js"

export interface Fetch {
  readonly queues: ReadonlyArray<string>
  readonly count: number
  /** How long to wait for a job; Infinity for ever, 0 not at all. */
  readonly waitMillis: number
  /** What becomes of a job that arrives when nobody waits for it any more. */
  readonly unwanted: Unwanted
  /** The longest that one GETJOB waits, if it is not as long as the client's. */
  readonly sliceMillis?: number
  /** The one node to fetch from; if none is given, a node that works. */
  readonly node?: string
}

/**
 * Why a GETJOB failed.
 *
 * @since 0.1.0
 * @category errors
 */
export type FetchError = CommandError | NodeLeaving

/** What the calls of GETJOB need. */
export interface GetJobNeeds {
  readonly clock: Clock.Clock
  readonly now: () => number
  /** Logs from a callback. */
  readonly say: (kind: string, line: Line) => void
  /** Has the deadlines of links looked at at the time given. */
  readonly expect: (at: number) => void
  /** The links to the node given, or if none is given to a node that is known to work, if there is one. */
  readonly linksNow: (node: string | undefined) => NodeLinks | undefined
  /** Finds a node that can be used. */
  readonly reach: Effect.Effect<NodeLinks, DialError>
  readonly links: {
    /** Notes why a GETJOB failed. */
    commandFailed(link: WatchedLink, cause: Cause.Cause<FetchError>): void
  }
  /** Runs an effect apart from the caller, until the client closes. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  readonly cluster: { readonly topology: { readonly hasFit: boolean } }
  readonly refresh: { ifStale(now: number): void }
  readonly source: { received(jobs: ReadonlyArray<Job>): void }
  readonly limits: { readonly commandMillis: number; readonly sliceMillis: number }
}

/** Lets an effect within a mask be interrupted. */
type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** A GETJOB that was sent. A class, because object literals that V8 takes to live long would keep the jobs until a full collection. */
class InFlight {
  readonly slot: Slot<ReadonlyArray<Job>, FetchError>
  readonly link: WatchedLink
  hasReplied = false
  isWaiting = true
  private readonly links: NodeLinks

  constructor(slot: Slot<ReadonlyArray<Job>, FetchError>, link: WatchedLink, links: NodeLinks) {
    this.slot = slot
    this.link = link
    this.links = links
  }

  // The link is free for another GETJOB once nothing has to be given back over it any more.
  release(): void {
    if (this.hasReplied && !this.isWaiting) this.links.release(this.link)
  }
}

// The longest wait that is asked of a node: some thousand years, which the server's arithmetic still holds.
const foreverMillis = 2 ** 45

// Without a pause, a node that takes connections and drops them would be dialed in a tight loop.
const maxPauseMillis = 1000

// A node refuses these for its own state: another node may take the command.
const mayBeElsewhere: ReadonlySet<string> = new Set(["NodeLeaving", "NodeLoading", "NotPersisted"])
// How often another node is looked for when a node takes no link.
const mostRefusals = 3

/** Sends the GETJOBs of a connection, of a pool, or of the loops of a consumer. */
export class GetJobCalls {
  private readonly needs: GetJobNeeds
  private readonly inFlight = new Set<InFlight>()
  private readonly replies: DueReplies
  private readonly unwantedJobs: UnwantedJobs
  private isClosed = false

  constructor(needs: GetJobNeeds) {
    this.needs = needs
    this.replies = new DueReplies(needs.now)
    this.unwantedJobs = new UnwantedJobs({ ...needs, replies: this.replies })
  }

  /** Jobs, or an empty array if none arrive in time. */
  fetch(request: Fetch): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.suspend(() => this.attempt(request, this.needs.now() + request.waitMillis, 0))
  }

  /** One GETJOB, which may end before the time has passed. */
  once(request: Fetch): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.suspend(() => {
      const slice = this.slice(request, this.needs.now() + request.waitMillis)
      return Effect.catchAll(slice, (error) => (this.isTurnedAway(error) ? slice : Effect.fail(error)))
    })
  }

  /** Makes sure that there is a link to wait for jobs on, which the next GETJOB takes. */
  connect(node: string): Effect.Effect<void, FetchError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const links = this.needs.linksNow(node)
        if (links === undefined || this.isClosed) return Effect.void
        return Effect.map(restore(links.blockingLink), (link) => links.release(link))
      })
    )
  }

  private closed(node: string): ConnectionError {
    return new ConnectionError({ node, reason: "closed" })
  }

  // A job that a lost GETJOB took comes back by itself, so that the GETJOB may be sent again, to another node too. A GETJOB that a
  // node refused because it leaves or has just started may go to another node.
  private attempt(request: Fetch, deadline: number, failures: number): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.matchEffect(this.slice(request, deadline), {
      onFailure: (error) => {
        if (request.node !== undefined || this.isClosed || !this.canMove(error, failures)) {
          const isNews = error._tag === "ConnectionError" ? error.reason === "unsent" : this.isTurnedAway(error)
          return isNews && failures === 0 && !this.isClosed ? this.attempt(request, deadline, 1) : Effect.fail(error)
        }
        if (this.needs.now() >= deadline && failures > 0) return Effect.fail(error)
        const pause = failures === 0 ? 0 : Math.min(maxPauseMillis, 2 ** Math.min(failures, 16) * 10)
        return Effect.zipRight(
          pause === 0 ? Effect.void : Effect.sleep(pause),
          this.attempt(request, deadline, failures + 1)
        )
      },
      onSuccess: (jobs) =>
        jobs.length > 0 || this.needs.now() >= deadline ? Effect.succeed(jobs) : this.attempt(request, deadline, 0)
    })
  }

  /** Whether the node turned the link away: it may be older than the node's password, and the next link is not. */
  private isTurnedAway(error: FetchError): boolean {
    return error._tag === "NotAuthenticated" && error.command === "GETJOB" && !this.isClosed
  }

  private canMove(error: FetchError, failures: number): boolean {
    const { hasFit } = this.needs.cluster.topology
    if (error._tag !== "ConnectionError") return mayBeElsewhere.has(error._tag) && hasFit
    if (error.reason === "closed") return false
    // A node may take no more links than it has.
    return error.mayHaveRun || error.reason === "unsent" || (failures < mostRefusals && hasFit)
  }

  private slice(request: Fetch, deadline: number): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return withFiber((fiber) => {
      const tracer = tracerOf(fiber)
      const slice = this.oneSlice(request, deadline)
      if (tracer === undefined) return slice
      const start = this.needs.clock.unsafeCurrentTimeNanos()
      return Effect.tap(slice, (jobs) =>
        Effect.sync(() => {
          // A GETJOB that brings nothing has no span.
          const [job] = jobs
          if (job === undefined) return
          telemetry.trace(tracer, fiber, {
            command: "GETJOB",
            queue: job.queue,
            node: job.node,
            jobs: jobs.map(({ id }) => id),
            start,
            end: this.needs.clock.unsafeCurrentTimeNanos(),
            exit: Exit.succeed(jobs)
          })
        })
      )
    })
  }

  private oneSlice(request: Fetch, deadline: number): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.uninterruptibleMask((restore) => {
      const links = this.needs.linksNow(request.node)
      const link = links?.blockingNow()
      if (links !== undefined && link !== undefined) return this.begin(links, link, request, deadline, restore)
      return Effect.flatMap(links === undefined ? restore(this.needs.reach) : Effect.succeed(links), (links) =>
        Effect.flatMap(restore(links.blockingLink), (link) => this.begin(links, link, request, deadline, restore))
      )
    })
  }

  private begin(
    links: NodeLinks,
    link: WatchedLink,
    request: Fetch,
    deadline: number,
    restore: Restore
  ): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    if (this.isClosed) {
      links.release(link)
      return Effect.fail(this.closed(link.node))
    }
    const now = this.needs.now()
    // Disque takes whole milliseconds. A part of one is waited for too, rather than asked for again and again.
    const left = Math.max(0, Math.ceil(deadline - now))
    this.needs.refresh.ifStale(now)
    const sliceMillis = request.sliceMillis ?? this.needs.limits.sliceMillis
    this.replies.expectBy(now + Math.min(left, sliceMillis))
    // A link that can take a GETJOB back need not cut the wait.
    const waitMillis = link.isLocal ? left : Math.min(left, sliceMillis)
    return this.exchange(links, link, request, Math.min(waitMillis, foreverMillis), restore)
  }

  private exchange(
    links: NodeLinks,
    link: WatchedLink,
    request: Fetch,
    waitMillis: number,
    restore: Restore
  ): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    const command = Either.getOrThrow(Jobs.getJobs.make(request.queues, request.count, waitMillis))
    const slot = new Slot<ReadonlyArray<Job>, FetchError>((jobs) =>
      this.unwantedJobs.giveBack(links, link, jobs, request.unwanted)
    )
    const flight = new InFlight(slot, link, links)
    const settle = () => {
      flight.hasReplied = true
      this.inFlight.delete(flight)
      flight.release()
      this.replies.settled()
    }
    this.inFlight.add(flight)
    this.replies.begin()
    link.send(command.wire, command.serverMillis + this.needs.limits.commandMillis, (outcome) => {
      const exit = Exit.flatMap(outcome, (reply) => command.decode(reply, link.node))
      if (Exit.isSuccess(exit)) this.received(exit.value)
      else this.needs.links.commandFailed(link, exit.cause)
      slot.fill(exit)
      settle()
    })
    this.needs.expect(link.deadline)
    const leave = <A>(exit: A): A => {
      flight.isWaiting = false
      if (!flight.hasReplied && link.withdraw()) settle()
      else flight.release()
      return exit
    }
    return Effect.matchCauseEffect(slot.takeWithin(restore), {
      onFailure: (cause) => leave(Effect.failCause(cause)),
      onSuccess: (jobs) => leave(Effect.succeed(jobs))
    })
  }

  private received(jobs: ReadonlyArray<Job>): void {
    telemetry.received(jobs)
    this.needs.source.received(jobs)
  }

  /** Calls `done` once no reply is due. */
  whenSettled(done: () => void): void {
    this.replies.whenSettled(done)
  }

  /** Ends all waits for jobs with an error, and waits for the replies that are still due. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    for (const flight of this.inFlight) {
      flight.slot.fill(Exit.fail(this.closed(flight.link.node)))
    }
    // The fibers whose wait has ended withdraw the GETJOBs that can be withdrawn.
    return Effect.ensuring(
      Effect.zipRight(Effect.yieldNow(), this.replies.drained),
      Effect.sync(() => this.unwantedJobs.endTaking())
    )
  })
}
