/** The queue `<name>.retry`: jobs that wait for their next attempt in no process, each in a letter that counts its attempts. */
import type { Job } from "@disco/core"
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { copyOptions, type Facts } from "../incoming/jobCopy.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import type { AttemptRecords } from "./attemptRecords.js"
import type { WorkerDefinition } from "./definition.js"
import { decodeLetter, type Letter, retryQueueOf, writeLetter } from "./letter.js"
import type { LetterSender } from "./letterSender.js"

interface Needs {
  readonly letters: LetterSender
  readonly records: AttemptRecords
  readonly timeOfDay: () => number
}

export class RetryQueue {
  private readonly needs: Needs
  private readonly name: string
  private readonly ttlMillis: number

  constructor(needs: Needs, { queue, ttlMillis }: Pick<WorkerDefinition<never, never, never>, "queue" | "ttlMillis">) {
    this.needs = needs
    this.name = retryQueueOf(queue)
    this.ttlMillis = ttlMillis
  }

  /** The letter that a job came in, if it came from this queue. */
  letterOf(job: Job.Job): Letter | undefined {
    return job.queue === this.name ? Option.getOrUndefined(Either.getRight(decodeLetter(job))) : undefined
  }

  /**
   * Adds a job with a delay, and says whether it could be added. If not, the job comes again after its retry time. `facts` is what
   * the node of the job knows of it.
   */
  add(
    leased: LeasedJob,
    letter: Letter | undefined,
    facts: Facts | undefined,
    delayMillis: number
  ): Effect.Effect<boolean> {
    return this.needs.letters.sendOrLetGo(
      leased,
      this.name,
      this.write(leased, letter, facts),
      copyOptions(leased.job, facts, delayMillis, this.ttlMillis)
    )
  }

  /** Adds a job with a delay, by one ADDJOB. Gives the error if it failed. */
  addOnce(
    leased: LeasedJob,
    letter: Letter | undefined,
    facts: Facts | undefined,
    delayMillis: number
  ): Effect.Effect<Option.Option<unknown>> {
    return this.needs.letters.send(
      leased,
      this.name,
      this.write(leased, letter, facts),
      copyOptions(leased.job, facts, delayMillis, this.ttlMillis),
      Schedule.stop
    )
  }

  private write(leased: LeasedJob, earlier: Letter | undefined, facts: Facts | undefined): Letter {
    const now = this.needs.timeOfDay()
    const history = this.needs.records.historyOf(leased.job, earlier)
    return writeLetter({ ...history, job: leased.job, earlier, firstAt: history.firstAt ?? now, now, facts })
  }
}
