/** Giving jobs up: a letter about each of them goes to the queue `<name>.dead`. */

import { deadQueueOf } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { textOf } from "../internal/failure.js"
import type { Restore } from "../internal/runtime.js"
import type { AttemptRecords } from "./attemptRecords.js"
import type { WorkerDefinition } from "./definition.js"
import type { JobReports } from "./jobReports.js"
import type { JobReturns } from "./jobReturns.js"
import type { Letter, Reason } from "./letter.js"
import type { LetterSender } from "./letterSender.js"

interface Needs<A, E, B> {
  readonly letters: LetterSender
  readonly records: AttemptRecords
  readonly reports: JobReports<A, E, B>
  readonly returns: JobReturns
  readonly timeOfDay: () => number
}

type Options = Pick<WorkerDefinition<never, never, never>, "queue" | "letterTtl">

export class DeadLettering<A, E, B> {
  private readonly needs: Needs<A, E, B>
  private readonly options: Options

  constructor(needs: Needs<A, E, B>, options: Options) {
    this.needs = needs
    this.options = options
  }

  /** Gives a job up. If the fiber is interrupted meanwhile, the job goes back. */
  readonly giveUp = Effect.fnUntraced(function* (
    this: DeadLettering<A, E, B>,
    leased: LeasedJob,
    earlier: Letter | undefined,
    error: unknown,
    reason: Reason,
    restore: Restore
  ) {
    const { letters, records, reports, returns, timeOfDay } = this.needs
    const { letterTtl, queue } = this.options
    if (leased.lost !== undefined) return yield* reports.lost(leased)
    const history = records.historyOf(leased.job, earlier)
    const contents = { ...history, earlier, firstAt: history.firstAt ?? timeOfDay(), error: textOf(error) }
    const sent = yield* Effect.exit(
      restore(letters.sendDeadLetter(leased, contents, reason, deadQueueOf(queue), letterTtl))
    )
    if (Exit.isFailure(sent)) return returns.giveBack(leased)
    if (leased.lost !== undefined) return yield* reports.lost(leased)
    if (sent.value === undefined) return
    records.forget(leased.job.id)
    yield* reports.gaveUp(leased.job, sent.value, reason, restore)
  })
}
