/** Chooses jobs by their ids, and by a predicate. */
import * as Effect from "effect/Effect"
import type { PeekedJob } from "../Job.js"
import type { Chooser, Chosen } from "./taking/take.js"

/** Which jobs to choose. */
export interface Choice {
  readonly limit: number | undefined
  readonly ids: ReadonlySet<string> | undefined
  readonly where: (job: PeekedJob) => boolean
}

export class JobChooser implements Chooser<PeekedJob, never> {
  readonly limit: number | undefined
  readonly missing: Set<string> | undefined
  private readonly choice: Choice

  constructor(choice: Choice) {
    this.choice = choice
    this.limit = choice.limit
    this.missing = choice.ids === undefined ? undefined : new Set(choice.ids)
  }

  choose(
    jobs: ReadonlyArray<PeekedJob>,
    most = Number.POSITIVE_INFINITY
  ): Effect.Effect<ReadonlyArray<Chosen<PeekedJob>>> {
    return Effect.sync(() => {
      const chosen: Array<Chosen<PeekedJob>> = []
      for (const job of jobs) {
        if (chosen.length >= most) break
        if (this.choice.ids?.has(job.id) === false) continue
        this.missing?.delete(job.id)
        if (this.choice.where(job)) chosen.push({ item: job, job })
      }
      return chosen
    })
  }
}
