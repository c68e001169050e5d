/** Fetching of jobs: every GETJOB that was sent has its reply read, and every job goes to who asked for it or back to its queue. */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Jobs from "../commands/jobs.js"
import { type CommandError, ConnectionError, type NodeLeaving } from "../DisqueError.js"
import type { Line } from "../internal/notices.js"
import { Slot } from "../internal/slot.js"
import * as telemetry from "../internal/telemetry.js"
import * as Time from "../internal/time.js"
import type { Job } from "../Job.js"
import * as JobId from "../JobId.js"
import type { DialError, Session } from "../links/nodeLinks.js"
import type { WatchedLink } from "../links/watchedLink.js"
import { describe, ErrorReply } from "../Reply.js"

/** How jobs go back: by a command, or in the hands of who takes them over. */
export type Unwanted = "ENQUEUE" | "NACK" | ((jobs: ReadonlyArray<Job>) => void)

export interface Fetch {
  readonly queues: ReadonlyArray<string>
  readonly count: number
  /** How long to wait for a job; Infinity for ever, 0 not at all. */
  readonly waitMillis: number
  /** What becomes of a job that arrives when nobody waits for it any more. */
  readonly unwanted: Unwanted
  /** The longest that one GETJOB waits, where it is another than that of the client. */
  readonly sliceMillis?: number
  /** The one node to fetch from; where none is given, a node that works. */
  readonly node?: string
}

/** Why a GETJOB failed. */
export type FetchError = CommandError | NodeLeaving

interface Owner {
  readonly clock: Clock.Clock
  readonly now: () => number
  /** Says what happens, from a callback. */
  readonly say: (kind: string, line: Line) => void
  readonly expect: (at: number) => void
  /** What is open to the node given, or to one that is known to work, where there is such. */
  readonly sessionNow: (node: string | undefined) => Session | undefined
  /** Finds a node that works. */
  readonly reach: Effect.Effect<Session, DialError>
  /** Is told why a GETJOB failed. */
  readonly judge: (link: WatchedLink, cause: Cause.Cause<FetchError>) => void
  /** Runs an effect apart from its caller, until the client closes. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  /** Whether there is a node that is fit to work. */
  readonly hasFit: () => boolean
  readonly refreshIfStale: (now: number) => void
  readonly received: (jobs: ReadonlyArray<Job>) => void
  readonly limits: { readonly commandMillis: number; readonly sliceMillis: number }
}

/** Lets an effect within a mask be interrupted. */
type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** A GETJOB that was sent. */
interface InFlight {
  readonly slot: Slot<ReadonlyArray<Job>, FetchError>
  readonly link: WatchedLink
  readonly release: () => void
}

// As long as for ever needs to be: some thousand years, which the server's arithmetic still holds.
const foreverMillis = 2 ** 45

// Beyond this, a node that takes connections and drops them would be dialed in a tight loop.
const maxPauseMillis = 1000
// How long after it is due a reply may still take to arrive: a server with many clients looks at each of them once a second.
const closingSlackMillis = 2000

// What a node refuses for the state that it is in, others may take.
const mayBeElsewhere: ReadonlySet<string> = new Set(["NodeLeaving", "NodeLoading", "NotPersisted"])
// So many times another node is looked for where one takes no link.
const mostRefusals = 3

export class Fetcher {
  private readonly owner: Owner
  private readonly inFlight = new Set<InFlight>()
  private unsettled = 0
  /** By when every reply that is still due has come, or never will. */
  private dueBy = Number.NEGATIVE_INFINITY
  private isClosed = false
  /** Whether nobody is there any more who could take jobs over. */
  private isOver = false
  private readonly onSettled = new Set<() => void>()

  constructor(owner: Owner) {
    this.owner = owner
  }

  /** Jobs, or none where the time has passed. */
  fetch(request: Fetch): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.suspend(() => this.attempt(request, this.owner.now() + request.waitMillis, 0))
  }

  /** One GETJOB, which may end before the time has passed. */
  once(request: Fetch): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.suspend(() => {
      const slice = this.slice(request, this.owner.now() + request.waitMillis)
      return Effect.catchAll(slice, (error) => (this.isTurnedAway(error) ? slice : Effect.fail(error)))
    })
  }

  /** Makes sure that there is a link to wait for jobs on, which the next GETJOB takes. */
  connect(node: string): Effect.Effect<void, FetchError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const session = this.owner.sessionNow(node)
        if (session === undefined || this.isClosed) return Effect.void
        return Effect.map(restore(session.blockingLink), (link) => session.release(link))
      })
    )
  }

  private closed(node: string): ConnectionError {
    return new ConnectionError({ node, reason: "closed" })
  }

  // A GETJOB whose link broke took no job that will not come back by itself, so it may be sent again, to another node too; and
  // one that a node refused because it leaves or has just begun is another node's.
  private attempt(request: Fetch, deadline: number, failures: number): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.matchEffect(this.slice(request, deadline), {
      onFailure: (error) => {
        if (request.node !== undefined || this.isClosed || !this.canMove(error, failures)) {
          const isNews = error._tag === "ConnectionError" ? error.reason === "unsent" : this.isTurnedAway(error)
          return isNews && failures === 0 && !this.isClosed ? this.attempt(request, deadline, 1) : Effect.fail(error)
        }
        if (this.owner.now() >= deadline && failures > 0) return Effect.fail(error)
        const pause = failures === 0 ? 0 : Math.min(maxPauseMillis, 2 ** Math.min(failures, 16) * 10)
        return Effect.zipRight(
          pause === 0 ? Effect.void : Effect.sleep(pause),
          this.attempt(request, deadline, failures + 1)
        )
      },
      onSuccess: (jobs) =>
        jobs.length > 0 || this.owner.now() >= deadline ? Effect.succeed(jobs) : this.attempt(request, deadline, 0)
    })
  }

  /** Whether the node did not let the link in: that may be older than its password, and the next one is not. */
  private isTurnedAway(error: FetchError): boolean {
    return error._tag === "NotAuthenticated" && error.command === "GETJOB" && !this.isClosed
  }

  private canMove(error: FetchError, failures: number): boolean {
    if (error._tag !== "ConnectionError") return mayBeElsewhere.has(error._tag) && this.owner.hasFit()
    if (error.reason === "closed") return false
    // A node may take no more links than it has.
    return error.mayHaveRun || error.reason === "unsent" || (failures < mostRefusals && this.owner.hasFit())
  }

  private slice(request: Fetch, deadline: number): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.withFiberRuntime((fiber) => {
      const tracer = telemetry.tracerOf(fiber)
      const slice = this.oneSlice(request, deadline)
      if (tracer === undefined) return slice
      const start = this.owner.clock.unsafeCurrentTimeNanos()
      return Effect.tap(slice, (jobs) =>
        Effect.sync(() => {
          const [job] = jobs
          if (job === undefined) return
          telemetry.trace(tracer, fiber, {
            command: "GETJOB",
            queue: job.queue,
            node: job.node,
            jobs: jobs.map(({ id }) => id),
            start,
            end: this.owner.clock.unsafeCurrentTimeNanos(),
            exit: Exit.succeed(jobs)
          })
        })
      )
    })
  }

  private oneSlice(request: Fetch, deadline: number): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    return Effect.uninterruptibleMask((restore) => {
      const session = this.owner.sessionNow(request.node)
      const link = session?.borrowNow()
      if (session !== undefined && link !== undefined) return this.begin(session, link, request, deadline, restore)
      return Effect.flatMap(session === undefined ? restore(this.owner.reach) : Effect.succeed(session), (session) =>
        Effect.flatMap(restore(session.blockingLink), (link) => this.begin(session, link, request, deadline, restore))
      )
    })
  }

  private begin(
    session: Session,
    link: WatchedLink,
    request: Fetch,
    deadline: number,
    restore: Restore
  ): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    if (this.isClosed) {
      session.release(link)
      return Effect.fail(this.closed(link.node))
    }
    const now = this.owner.now()
    // Disque takes whole milliseconds; what is left of one is waited for, and not asked for again and again.
    const left = Math.max(0, Math.ceil(deadline - now))
    this.owner.refreshIfStale(now)
    // A link that can take a GETJOB back need not cut the wait.
    const sliceMillis = request.sliceMillis ?? this.owner.limits.sliceMillis
    this.expectBy(now + Math.min(left, sliceMillis))
    const waitMillis = link.isLocal ? left : Math.min(left, sliceMillis)
    return this.exchange(session, link, request, Math.min(waitMillis, foreverMillis), restore)
  }

  private exchange(
    session: Session,
    link: WatchedLink,
    request: Fetch,
    waitMillis: number,
    restore: Restore
  ): Effect.Effect<ReadonlyArray<Job>, FetchError> {
    const command = Either.getOrThrow(Jobs.getJobs.make(request.queues, request.count, waitMillis))
    const slot = new Slot<ReadonlyArray<Job>, FetchError>((jobs) =>
      this.giveBack(session, link, jobs, request.unwanted)
    )
    let hasReplied = false
    let isWaiting = true
    const flight: InFlight = {
      slot,
      link,
      // The link is free for another GETJOB once nothing has to be given back over it any more.
      release: () => {
        if (hasReplied && !isWaiting) session.release(link)
      }
    }
    const settle = () => {
      hasReplied = true
      this.inFlight.delete(flight)
      flight.release()
      this.settled()
    }
    this.inFlight.add(flight)
    this.unsettled += 1
    link.send(command.wire, command.serverMillis + this.owner.limits.commandMillis, (outcome) => {
      const exit = Exit.flatMap(outcome, (reply) => command.decode(reply, link.node))
      if (Exit.isSuccess(exit)) this.owner.received(exit.value)
      else this.owner.judge(link, exit.cause)
      slot.fill(exit)
      settle()
    })
    this.owner.expect(link.deadline)
    const leave = <A>(exit: A): A => {
      isWaiting = false
      if (!hasReplied && link.withdraw()) settle()
      else flight.release()
      return exit
    }
    return Effect.matchCauseEffect(slot.takeWithin(restore), {
      onFailure: (cause) => leave(Effect.failCause(cause)),
      onSuccess: (jobs) => leave(Effect.succeed(jobs))
    })
  }

  private giveBack(session: Session, link: WatchedLink, jobs: ReadonlyArray<Job>, unwanted: Unwanted): void {
    if (jobs.length === 0) return
    telemetry.returned(jobs.length)
    if (typeof unwanted === "function" && !this.isOver) {
      try {
        unwanted(jobs)
        return
      } catch (defect) {
        // What called this is a link that has other replies to hand out.
        this.owner.say("take over", (more) => {
          const what = `who takes over jobs that arrive for nobody failed: they go back${more}`
          return more === "" ? Effect.logError(what, defect) : Effect.logError(what)
        })
      }
    }
    const command = typeof unwanted === "function" ? "ENQUEUE" : unwanted
    const end = (why: string | undefined) => {
      if (why !== undefined) {
        this.owner.say(`give back ${jobs[0]?.queue} ${link.node}`, (more) =>
          Effect.logWarning(
            `${jobs.length} jobs arrived for nobody and could not be given back (${why}): they come back after their retry time${more}`
          ).pipe(
            Effect.annotateLogs({
              node: link.node,
              queue: jobs[0]?.queue,
              jobs: jobs.map((job) => job.id).join(" ")
            })
          )
        )
      }
      this.settled()
    }
    this.unsettled += 1
    this.sendBack(session, link, command, jobs, (why, left) => {
      if (left.length === 0) return end(why)
      const { openLink } = session
      if (openLink !== undefined) return this.sendBack(session, openLink, command, left, end)
      // Also where the client closes, which interrupts it.
      const dialing = Effect.onExit(session.commandLink, (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) this.sendBack(session, exit.value, command, left, end)
          else end(why)
        })
      )
      this.owner.fork(Effect.ignore(dialing))
    })
  }

  /** Gives jobs back over a link. Where that fails it says why, and which of them may be given back over another one. */
  private sendBack(
    session: Session,
    link: WatchedLink,
    command: string,
    jobs: ReadonlyArray<Job>,
    done: (why: string | undefined, left: ReadonlyArray<Job>) => void
  ): void {
    this.expectBy(this.owner.now())
    link.send([command, ...jobs.map((job) => job.id)], this.owner.limits.commandMillis, (outcome) => {
      if (Exit.isFailure(outcome)) {
        const failure = Option.getOrUndefined(Cause.failureOption(outcome.cause))
        // What may have gone back already goes back twice only where it may come twice.
        const isCertain = failure?.mayHaveRun === false
        return done(
          "the connection was lost",
          jobs.filter(({ id }) => isCertain || JobId.isAtLeastOnce(id))
        )
      }
      const reply = outcome.value
      if (!(reply instanceof ErrorReply)) return done(undefined, [])
      if (reply.word !== "NOAUTH") return done(describe(reply), [])
      // The link is older than the password.
      session.renew(link)
      done(describe(reply), jobs)
    })
    this.owner.expect(link.deadline)
  }

  private expectBy(at: number): void {
    this.dueBy = Math.max(this.dueBy, at + closingSlackMillis)
  }

  private settled(): void {
    this.unsettled -= 1
    if (this.unsettled === 0) for (const resume of [...this.onSettled]) resume()
  }

  private readonly allSettled: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.unsettled === 0) return resume(Effect.void)
    const onSettled = () => resume(Effect.void)
    this.onSettled.add(onSettled)
    return Effect.sync(() => this.onSettled.delete(onSettled))
  })

  /** Ends when every GETJOB has its reply, and every job that nobody took is back, or those that are not will not come any more. */
  readonly drain: Effect.Effect<void> = Effect.suspend(() => {
    const left = this.dueBy - this.owner.now()
    if (this.unsettled === 0 || left <= 0) return Effect.void
    // A job in the last reply goes back yet.
    return Effect.zipRight(Time.timeoutOption(Effect.interruptible(this.allSettled), left), this.drain)
  })

  /** Tells all who wait for a job that the client closes, and drains. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    for (const flight of this.inFlight) {
      flight.slot.fill(Exit.fail(this.closed(flight.link.node)))
    }
    // The fibers that were told take back what can be taken back.
    return Effect.ensuring(
      Effect.zipRight(Effect.yieldNow(), this.drain),
      Effect.sync(() => {
        this.isOver = true
      })
    )
  })
}
