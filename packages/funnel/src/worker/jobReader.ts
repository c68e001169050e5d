/** Decoding jobs before they are tried: at once, if the schema needs no effect. */
import type { Job, JobQueue } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { SettleError } from "../incoming/inbox.js"
import type { LeasedJob, LeaseLost } from "../incoming/leasedJob.js"
import { squash } from "../internal/failure.js"
import { isSucceeded } from "../internal/isSucceeded.js"
import { currentFiber, isInterrupted, type Restore } from "../internal/runtime.js"
import type { Attempt } from "./attempt.js"
import type { AttemptRecords } from "./attemptRecords.js"
import type { DeadLettering } from "./deadLettering.js"
import type { WorkerDefinition } from "./definition.js"
import type { JobReturns } from "./jobReturns.js"
import { bodyOf, decodeLetter, type Letter } from "./letter.js"

/** An attempt, or an effect that gives one: undefined if the job was given up, or went back. */
export type Read<A> = Attempt<A> | Effect.Effect<Attempt<A> | undefined>

interface Needs<A, E, B> {
  readonly acknowledge: (leased: LeasedJob) => Effect.Effect<void, SettleError | LeaseLost>
  readonly records: AttemptRecords
  readonly deadLettering: DeadLettering<A, E, B>
  readonly returns: JobReturns
}

type Options<A, E, B> = Pick<WorkerDefinition<A, E, B>, "queue" | "attempts" | "crashes" | "decode">

export class JobReader<A, E, B> {
  private readonly needs: Needs<A, E, B>
  private readonly options: Options<A, E, B>

  constructor(needs: Needs<A, E, B>, options: Options<A, E, B>) {
    this.needs = needs
    this.options = options
  }

  /** Reads a job. A job that cannot be decoded, or whose attempts or crashes are used up, is given up. */
  read(leased: LeasedJob, restore: Restore): Read<A> {
    const { job } = leased
    if (job.queue === this.options.queue) return this.readJob(leased, job, undefined, restore)
    const decoded = decodeLetter(job)
    if (Either.isLeft(decoded)) {
      return this.none(this.needs.deadLettering.giveUp(leased, undefined, decoded.left, "undecodable", restore))
    }
    const letter = decoded.right
    return this.readJob(leased, { ...job, queue: letter.queue, body: bodyOf(letter) }, letter, restore)
  }

  private readJob(leased: LeasedJob, job: Job.Job, letter: Letter | undefined, restore: Restore): Read<A> {
    const { deadLettering, records, returns } = this.needs
    const { attempts, crashes, error, firstAt, isOver } = records.historyOf(leased.job, letter)
    if (error !== undefined && (isOver || attempts >= this.options.attempts)) {
      // The job was given up before, but its letter could not be added.
      return this.none(deadLettering.giveUp(leased, letter, error, "failed", restore))
    }
    if (crashes > this.options.crashes) {
      const error = new Error(
        `it was delivered again without having failed: ${crashes} ${crashes === 1 ? "time" : "times"}`
      )
      return this.none(deadLettering.giveUp(leased, letter, error, "crashed", restore))
    }
    const decoded = this.options.decode(job)
    if (isSucceeded(decoded)) return this.attempt(leased, job, decoded.value, attempts + 1, letter, firstAt)
    return Effect.matchCauseEffect(restore(decoded), {
      onFailure: (cause) =>
        Effect.flatMap(currentFiber, (fiber) => {
          if (!isInterrupted(fiber))
            return this.none(deadLettering.giveUp(leased, letter, squash(cause), "undecodable", restore))
          returns.giveBack(leased)
          return Effect.succeed(undefined)
        }),
      onSuccess: (typed) => Effect.succeed(this.attempt(leased, job, typed, attempts + 1, letter, firstAt))
    })
  }

  private attempt(
    leased: LeasedJob,
    job: Job.Job,
    { payload, trace }: JobQueue.Typed<A>,
    attempt: number,
    letter: Letter | undefined,
    firstAt: number | undefined
  ): Attempt<A> {
    return { leased, inHand: { job, attempt, ack: this.needs.acknowledge(leased) }, payload, trace, letter, firstAt }
  }

  private none(done: Effect.Effect<void>): Effect.Effect<undefined> {
    return Effect.as(done, undefined)
  }
}
