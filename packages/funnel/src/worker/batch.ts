/** Filling a batch: with the jobs that are ready, and those that come within its time. */
import type { GetJobsError } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import type { LeasedJob } from "../incoming/leasedJob.js"
import type { Restore } from "../internal/runtime.js"

/** The inbox of the jobs, as far as a batch needs it. */
interface Inbox {
  readonly now: () => number
  readonly takeNow: () => LeasedJob | undefined
  readonly waitFor: (millis: number, missing: number) => Effect.Effect<LeasedJob, Option.Option<GetJobsError>>
}

// A batch begins at least this long before one of its jobs may be delivered again.
const marginMillis = 100

/** Takes jobs until there are `size` of them, or the time is over. For an uninterruptible caller: only the waits are interruptible. */
export const fillBatch = (
  inbox: Inbox,
  first: LeasedJob,
  size: number,
  withinMillis: number,
  restore: Restore
): Effect.Effect<ReadonlyArray<LeasedJob>> =>
  Effect.gen(function* () {
    const taken = [first]
    let dueAt = inbox.now() + withinMillis
    while (taken.length < size) {
      const ready = inbox.takeNow()
      if (ready !== undefined) {
        taken.push(ready)
        continue
      }
      // A job whose next delivery can no longer be postponed cannot wait for long.
      for (const leased of taken) if (!leased.isPostponable) dueAt = Math.min(dueAt, leased.expiresAt - marginMillis)
      const left = dueAt - inbox.now()
      if (left <= 0) break
      const came = yield* Effect.exit(restore(inbox.waitFor(left, size - taken.length)))
      if (Exit.isFailure(came)) break
      taken.push(came.value)
    }
    return taken
  })
