/** Reading the jobs that come: at once where that can be. */
import type { JobQueue } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Inbox } from "../incoming/inbox.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { squash } from "../internal/failure.js"
import { isSucceeded } from "../internal/isSucceeded.js"
import { currentFiber, isInterrupted, type Restore } from "../internal/runtime.js"
import type { CrewOptions, Work } from "./attempt.js"
import type { Fate } from "./failureHandling.js"
import { enclosed, fromJob, type Letter } from "./letter.js"

/** What was read; nothing of a job that cannot be, and was taken care of. */
export type Opened<A> = Work<A> | Effect.Effect<Work<A> | undefined>

export class Opening<A, E, B> {
  private readonly inbox: Inbox
  private readonly options: CrewOptions<A, E, B>
  private readonly fate: Fate<A, E, B>

  constructor(inbox: Inbox, options: CrewOptions<A, E, B>, fate: Fate<A, E, B>) {
    this.inbox = inbox
    this.options = options
    this.fate = fate
  }

  /** Reads a job; one that cannot be read, or was delivered too often, is given up. */
  open(held: LeasedJob, restore: Restore): Opened<A> {
    const { job } = held
    if (job.queue === this.options.queue) return this.read(held, job, undefined, restore)
    const letter = fromJob(job)
    if (Either.isLeft(letter)) return this.none(this.fate.giveUp(held, undefined, letter.left, "undecodable", restore))
    const history = letter.right
    return this.read(held, { ...job, queue: history.queue, body: enclosed(history) }, history, restore)
  }

  private read(held: LeasedJob, job: LeasedJob["job"], history: Letter | undefined, restore: Restore): Opened<A> {
    const { attempts: before, crashes, error, firstAt, isOver } = this.fate.standing(held, history)
    if (error !== undefined && (isOver || before >= this.options.attempts)) {
      // It has failed for good, but the letter about it could not be added.
      return this.none(this.fate.giveUp(held, history, error, "failed", restore))
    }
    if (crashes > this.options.crashes) {
      const error = new Error(
        `it was delivered again without having failed: ${crashes} ${crashes === 1 ? "time" : "times"}`
      )
      return this.none(this.fate.giveUp(held, history, error, "crashed", restore))
    }
    const opened = this.options.open(job)
    if (isSucceeded(opened)) return this.work(held, job, opened.value, before + 1, history, firstAt)
    return Effect.matchCauseEffect(restore(opened), {
      onFailure: (cause) =>
        Effect.flatMap(currentFiber, (fiber) => {
          if (!isInterrupted(fiber))
            return this.none(this.fate.giveUp(held, history, squash(cause), "undecodable", restore))
          this.fate.giveBack(held)
          return Effect.succeed(undefined)
        }),
      onSuccess: (typed) => Effect.succeed(this.work(held, job, typed, before + 1, history, firstAt))
    })
  }

  private work(
    held: LeasedJob,
    job: LeasedJob["job"],
    { payload, trace }: JobQueue.Typed<A>,
    attempt: number,
    history: Letter | undefined,
    firstAt: number | undefined
  ): Work<A> {
    return { held, inHand: { job, attempt, ack: this.inbox.acknowledge(held) }, payload, trace, history, firstAt }
  }

  private none(done: Effect.Effect<void>): Effect.Effect<undefined> {
    return Effect.as(done, undefined)
  }
}
