/** Jobs that arrive when nobody waits for them any more: they go back to their queue, or to a function that takes them over. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Line } from "../internal/notices.js"
import * as telemetry from "../internal/telemetry.js"
import type { Job } from "../Job.js"
import * as JobId from "../JobId.js"
import type { NodeLinks } from "../links/nodeLinks.js"
import type { WatchedLink } from "../links/watchedLink.js"
import { describe, ErrorReply } from "../Reply.js"

/** How jobs go back: by a command, or to a function that takes them over. */
export type Unwanted = "ENQUEUE" | "NACK" | ((jobs: ReadonlyArray<Job>) => void)

/** What giving back needs. */
interface Needs {
  readonly now: () => number
  /** Logs from a callback. */
  readonly say: (kind: string, line: Line) => void
  /** Has the deadlines of links looked at at the time given. */
  readonly expect: (at: number) => void
  /** Runs an effect apart from the caller, until the client closes. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  readonly replies: { begin(): void; expectBy(at: number): void; settled(): void }
  readonly limits: { readonly commandMillis: number }
}

export class UnwantedJobs {
  private readonly needs: Needs
  private hasTakers = true

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** From now on no function takes jobs over. */
  endTaking(): void {
    this.hasTakers = false
  }

  /** Gives back jobs that came over a link. */
  giveBack(links: NodeLinks, link: WatchedLink, jobs: ReadonlyArray<Job>, unwanted: Unwanted): void {
    if (jobs.length === 0) return
    telemetry.returned(jobs.length)
    if (typeof unwanted === "function" && this.hasTakers && this.takenOver(jobs, unwanted)) return
    const command = typeof unwanted === "function" ? "ENQUEUE" : unwanted
    const end = (why: string | undefined) => {
      if (why !== undefined) this.sayLost(link, jobs, why)
      this.needs.replies.settled()
    }
    this.needs.replies.begin()
    this.send(links, link, command, jobs, (why, left) => {
      if (left.length === 0) return end(why)
      const { sharedNow } = links
      if (sharedNow !== undefined) return this.send(links, sharedNow, command, left, end)
      // It ends even if the client closes, which interrupts the dial.
      const dialing = Effect.onExit(links.sharedLink, (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) this.send(links, exit.value, command, left, end)
          else end(why)
        })
      )
      this.needs.fork(Effect.ignore(dialing))
    })
  }

  private takenOver(jobs: ReadonlyArray<Job>, takeOver: (jobs: ReadonlyArray<Job>) => void): boolean {
    try {
      takeOver(jobs)
      return true
    } catch (defect) {
      // The caller is a link, which has other replies to hand out.
      this.needs.say("take over", (more) => {
        const what = `the function that takes over jobs that arrive for nobody failed: they go back${more}`
        return more === "" ? Effect.logError(what, defect) : Effect.logError(what)
      })
      return false
    }
  }

  private sayLost(link: WatchedLink, jobs: ReadonlyArray<Job>, why: string): void {
    const queue = jobs[0]?.queue
    this.needs.say(`give back ${queue} ${link.node}`, (more) =>
      Effect.logWarning(
        `${jobs.length} jobs arrived for nobody and could not be given back (${why}): they come back after their retry time${more}`
      ).pipe(Effect.annotateLogs({ node: link.node, queue, jobs: jobs.map((job) => job.id).join(" ") }))
    )
  }

  /** Gives jobs back over a link. `done` is told why that failed, and which jobs may be given back over another link. */
  private send(
    links: NodeLinks,
    link: WatchedLink,
    command: string,
    jobs: ReadonlyArray<Job>,
    done: (why: string | undefined, left: ReadonlyArray<Job>) => void
  ): void {
    this.needs.replies.expectBy(this.needs.now())
    link.send([command, ...jobs.map((job) => job.id)], this.needs.limits.commandMillis, (outcome) => {
      if (Exit.isFailure(outcome)) {
        const failure = Option.getOrUndefined(Cause.failureOption(outcome.cause))
        // A job that may have gone back already goes back again only if it may be delivered twice.
        const isUnsent = failure?.mayHaveRun === false
        return done(
          "the connection was lost",
          jobs.filter(({ id }) => isUnsent || JobId.isAtLeastOnce(id))
        )
      }
      const reply = outcome.value
      if (!(reply instanceof ErrorReply)) return done(undefined, [])
      if (reply.word !== "NOAUTH") return done(describe(reply), [])
      // The link is older than the password.
      links.renew(link)
      done(describe(reply), jobs)
    })
    this.needs.expect(link.deadline)
  }
}
